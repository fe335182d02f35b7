# The job's side of a step that keeps or fetches files: does what the runner says, a line at a
# time, until it says `exit`.  POSIX sh only.  Before this come assignments:
#
#   target  where to unpack
#   root    the folder that a workspace's paths are relative to
#
# and `set --` with the paths of the step.  A line is NUMBER WORD REST; contents go through the
# FIFOs $talk.NUMBER.up and .down, and NUMBER ANSWER comes back.

talk=${0%.script}.talk # where this script lies, there lies the rest
unset CDPATH
exec 5<>"$talk.go" 6<>"$talk.re" || exit 125

home_of() { # expand a leading ~, the only expansion that paths of a config know
  case $1 in
    '~') path=$HOME ;;
    '~/'*) path=${HOME%/}/${1#'~/'} ;;
    *) path=$1 ;;
  esac
}

absolute() { # PATH: set path to it without ~, . and ..
  home_of "$1"
  if [ -d "$path" ]; then
    path=$(cd -- "$path" && pwd)
    return
  fi
  case $path in
    */*) folder=${path%/*} ;;
    *) folder=. ;;
  esac
  folder=$(cd -- "${folder:-/}" 2>/dev/null && pwd) && path=${folder%/}/${path##*/}
}

there() { [ -e "$1" ] || [ -L "$1" ]; }

contents() { # FILE: a plus and what is in it, or a minus
  home_of "$1"
  if [ -f "$path" ] && [ -r "$path" ]; then
    printf + && cat -- "$path"
  else
    printf -
  fi
}

emit() { # NAME...: their archive, or where they are for an engine that makes it
  if [ "$mode" = list ]; then
    printf '%s\n' "$PWD" "$@"
  else
    tar -cf - "$@"
  fi
}

pack_absolute() { # PATH...: below /, as they are
  left=$#
  while [ "$left" -gt 0 ]; do
    absolute "$1"
    if there "$path"; then
      set -- "$@" ".$path"
    else
      echo "Warning: could not archive $path - Not found"
    fi
    shift
    left=$((left - 1))
  done >&2
  [ $# -gt 0 ] || return 64
  cd / && emit "$@"
}

pack_globs() { # PATTERN...: below $root
  home_of "$root"
  cd -- "$path" 2>/dev/null || return 65
  left=$#
  while [ "$left" -gt 0 ]; do
    if there "./$1"; then
      set -- "$@" "./$1"
    else
      IFS='
'
      set -f
      for match in $(sh "${talk%/*}/bin/circleci" tests glob "$1"); do
        set -- "$@" "./$match"
      done
      set +f
      unset IFS
    fi
    shift
    left=$((left - 1))
  done
  [ $# -gt 0 ] || return 64
  emit "$@"
}

pack_tree() { # PATH: what is below a folder, or a file alone
  home_of "$1"
  if [ -d "$path" ]; then
    cd -- "$path" && emit .
  else
    case $path in
      */*) cd -- "${path%/*}/" || return ;;
    esac
    emit "./${path##*/}"
  fi
}

kind() {
  home_of "$1"
  if [ -d "$path" ]; then echo folder; elif [ -f "$path" ]; then echo file; else echo none; fi
}

enter_target() {
  home_of "$target"
  mkdir -p -- "$path" && cd -- "$path"
}

# Whatever writes for a runner that dies ends by SIGPIPE: a subshell, so that this one goes on.
while read -r number word rest <&5; do
  case $word in
    where) (printf '%s\n%s\n' "$HOME" "$PWD") >"$talk.$number.up"; code=$? ;;
    tar) command -v tar >/dev/null; code=$? ;;
    kind) code=$(kind "$1") ;;
    contents) (contents "$rest") >"$talk.$number.up"; code=$? ;;
    list_*) (mode=list && "pack_${word#list_}" "$@") >"$talk.$number.up" 5<&- 6<&-; code=$? ;;
    pack_*) (mode=tar && "$word" "$@") >"$talk.$number.up" 5<&- 6<&-; code=$? ;;
    target) (enter_target && pwd) >"$talk.$number.up"; code=$? ;;
    unpack) (enter_target && tar -xpf -) <"$talk.$number.down" 5<&- 6<&-; code=$? ;;
    exit) exit "$rest" ;;
    *) code=125 ;;
  esac
  echo "$number $code" >&6
done
