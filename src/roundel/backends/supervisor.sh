# Runs the steps of one job.  POSIX sh only: dash, bash and busybox ash; nothing else is needed.
#
#   sh supervisor.sh JOB SECRETS [-w | -a] [-t TMP KEEP | -u USER TABLES] [-- COMMAND...]
#
# JOB is the job folder, SECRETS the folder with a launch file per step.  TMP is laid over /tmp (in
# a mount namespace of our own), where the folder KEEP stays in sight if it was below /tmp: then
# there is a place for it in TMP.
# With -u (as root, and in a mount namespace of our own) the steps are those of USER, a number: the
# table TABLES/mounts says what of the job is laid where USER can reach it.
# COMMAND is the image's own, kept running beside the steps.
# With -w the job has not come yet: a line on descriptor 4 says that it has, the end of that file
# that it never will.  With -a the shells of its first step wait as well, and hear which it is through
# two pipes: the one that will wait for the step's end reads 5 what we write to 6, and tells the one
# that will become the step, 8 to 7.  That one is this program with -l before JOB.
#
# Commands come as lines through the FIFO JOB/control:
#   run INDEX          start the step of SECRETS/INDEX.launch; a second time does nothing
#   signal INDEX NAME  send a signal to all processes of the step's group
#   end                leave
# Lines go out to JOB/events, one write each:
#   ready KEY=VALUE...      what this place has
#   started INDEX
#   full                    the disk was, when a step failed or something was to be said
#   ended INDEX CODE OOMS   OOMS counts the kernel's memory kills here since the start

_rd_launcher=
[ "$1" = -l ] && _rd_launcher=1 && shift
_rd_job=$1 _rd_secrets=$2
shift 2
_rd_wait=
case ${1-} in -w | -a) _rd_wait=$1 && shift ;; esac
if [ "${1-}" = -t ]; then
  case $3 in /tmp/*)
    _rd_keep=${3#/tmp/}
    mount --rbind "/tmp/$_rd_keep" "$2/$_rd_keep" || exit 70 ;;
  esac
  mount --rbind "$2" /tmp || exit 70
  shift 3
fi
if [ "${1-}" = -u ]; then
  mount -a -T "$3/mounts" || exit 70
  cd / || exit 70
  # shellcheck disable=SC2086 # nothing to wait for means no word at all
  exec setpriv --reuid "$2" --regid "$2" --clear-groups --inh-caps=-all --no-new-privs \
    /bin/sh /tmp/.roundel/supervisor.sh /tmp/.roundel/job /tmp/.roundel/launch $_rd_wait
fi
[ "${1-}" = -- ] && shift

# A full disk must not swallow an event, or the runner would wait for it: the ballast makes room.
say() {
  { echo "$*" >>"$_rd_job/events"; } 2>/dev/null && return
  rm -f "$_rd_job/ballast"
  until { printf '\nfull\n%s\n' "$*" >>"$_rd_job/events"; } 2>/dev/null; do sleep 1; done
}

# A step must be a process group of its own, so that a signal reaches all of it.
_rd_setsid=/usr/bin/setsid
[ -x "$_rd_setsid" ] || _rd_setsid=$(command -v setsid) || _rd_setsid=
_rd_groups=setsid
if [ -z "$_rd_setsid" ]; then
  _rd_groups=none
  if [ -n "${BASH_VERSION-}" ]; then
    set -m
    _rd_groups=bash
  elif [ -x /bin/bash ]; then
    # shellcheck disable=SC2086 # nothing to wait for means no word at all
    exec /bin/bash "$0" "$_rd_job" "$_rd_secrets" $_rd_wait -- "$@"
  fi
fi

ooms() { # the kernel's count of memory kills in this cgroup, 0 where it does not say
  _rd_oom=0
  for _rd_counter in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r "$_rd_counter" ] || continue
    while read -r _rd_word _rd_value; do
      [ "$_rd_word" = oom_kill ] && _rd_oom=$_rd_value
    done <"$_rd_counter"
    return
  done
}

# Default shells.  dash has no pipefail, so what is asked for is tried first.
default_shell() {
  if [ -x /bin/bash ]; then
    set -- /bin/bash -eo pipefail
  elif (set -o pipefail) 2>/dev/null; then
    set -- /bin/sh -eo pipefail
  else
    set -- /bin/sh -e
  fi
  become "$@"
}

home_of() { # expand a leading ~, the only expansion that paths of a config know
  case $1 in
    '~') _rd_path=$HOME ;;
    '~/'*) _rd_path=${HOME%/}/${1#'~/'} ;;
    *) _rd_path=$1 ;;
  esac
}

fail() { # CODE MESSAGE: into the step's output
  echo "$2" >&2
  exit "$1"
}

launch() { # become the step: its environment, its directory, its shell
  # The launch file exports the environment and appends the shell's words to "$@".
  . "$_rd_secrets/$1.launch" || fail 125 "Cannot read the step's environment"
  export PATH="$_rd_job/bin:$PATH"
  home_of "$_rd_job_dir"
  [ -d "$_rd_path" ] || mkdir -p "$_rd_path" 2>/dev/null ||
    fail 125 "Cannot make the working directory \"$_rd_path\" (not allowed, or a file is in the way)"
  cd "$_rd_path" || fail 125 "Cannot enter the working directory \"$_rd_path\""
  if [ -n "$_rd_step_dir" ]; then
    home_of "$_rd_step_dir"
    [ -d "$_rd_path" ] ||
      fail 125 "The working directory \"$_rd_path\" of this step does not exist: make it in an earlier step or mend working_directory"
    cd "$_rd_path" || fail 125 "Cannot enter the working directory \"$_rd_path\""
  fi
  if [ $# -gt 1 ]; then
    shift
    become "$@"
  else
    default_shell
  fi
}

become() { # SHELL ARGUMENTS...: the script follows as a file, or as text after a last -c
  command -v "$1" >/dev/null 2>&1 ||
    fail 127 "The shell \"$1\" is not in this image: install it or name another with \`shell:\`"
  for _rd_last in "$@"; do :; done
  if [ "$_rd_last" = -c ]; then
    set -- "$@" "$(cat "$_rd_job/$_rd_index.script")"
  else
    set -- "$@" "$_rd_job/$_rd_index.script"
  fi
  # shellcheck disable=SC2086 # no setsid means no word at all
  exec $_rd_setsid "$@"
}

# The waiting shell is outside the step's group, so that no signal to the step can silence it.
start() {
  (
    exec 3<&-
    [ $_rd_groups = bash ] && set -m
    _rd_index=$1
    (launch "$1") </dev/null >>"$_rd_job/$1.out" 2>&1 &
    wait_for_step
  ) &
}

wait_for_step() { # it is the last process that was started
  echo $! >"$_rd_job/$_rd_index.pid"
  say "started $_rd_index"
  wait $!
  _rd_code=$?
  [ $_rd_code = 0 ] || { echo 1 >"$_rd_job/probe"; } 2>/dev/null || say full
  ooms
  say "ended $_rd_index $_rd_code $((_rd_oom - _rd_oom_before))"
}

start_ahead() { # as `start`, for a step that is not known yet
  (
    exec 3<&- 4<&- 6>&-
    $_rd_setsid /bin/sh "$0" -l "$_rd_job" "$_rd_secrets" </dev/null 5<&- 8>&- &
    read -r _rd_index <&5 || exit 0
    echo "$_rd_index" >&8 # that nobody may read any more: 7 is open here as well
    exec 5<&- 7<&- 8>&-
    wait_for_step
  ) &
  exec 5<&- 7<&- 8>&-
}

if [ -n "$_rd_launcher" ]; then # we are the shell that `start_ahead` starts
  read -r _rd_index <&7 || exit 0
  exec 7<&- >>"$_rd_job/$_rd_index.out" 2>&1
  _rd_setsid=
  launch "$_rd_index"
fi

signal() {
  read -r _rd_pid <"$_rd_job/$1.pid" || return
  if [ $_rd_groups = none ]; then
    kill "-$2" "$_rd_pid"
  else
    # Just forked and not yet the leader of its group: then it alone is to be told.
    kill "-$2" "-$_rd_pid" || kill "-$2" "$_rd_pid"
  fi 2>/dev/null
}

# What is here is found without $(...), which would be a process each.
_rd_has="groups=$_rd_groups"
[ -x /bin/bash ] && _rd_has="$_rd_has bash=1" || _rd_has="$_rd_has bash=0"
for _rd_word in git ssh; do
  command -v "$_rd_word" >/dev/null 2>&1 && _rd_has="$_rd_has $_rd_word=1" || _rd_has="$_rd_has $_rd_word=0"
done

exec 3<>"$_rd_job/control" || exit 71
ooms
_rd_oom_before=$_rd_oom
say "ready $_rd_has"
_rd_ahead=
if [ "$_rd_wait" = -a ]; then
  if [ $_rd_groups = setsid ]; then
    start_ahead
    _rd_ahead=1
  else
    exec 5<&- 6>&- 7<&- 8>&- # no step is to have them
  fi
fi
if [ -n "$_rd_wait" ]; then
  read -r _rd_word <&4 || exit 0
  exec 4<&-
fi
if [ $# -gt 0 ]; then
  $_rd_setsid "$@" </dev/null >"$_rd_job/main.out" 2>&1 3<&- &
fi

_rd_seen=' '
while read -r _rd_word _rd_index _rd_name <&3; do
  case $_rd_word in
    run)
      case $_rd_seen in *" $_rd_index "*) continue ;; esac
      _rd_seen="$_rd_seen$_rd_index "
      if [ -n "$_rd_ahead" ]; then
        echo "$_rd_index" >&6
        exec 6>&-
        _rd_ahead=
      else
        start "$_rd_index"
      fi
      ;;
    signal) signal "$_rd_index" "$_rd_name" ;;
    end) exit 0 ;;
  esac
done
