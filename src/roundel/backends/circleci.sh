#!/bin/sh
# `circleci` and `circleci-agent` on a job's PATH.  POSIX sh only: dash, bash and busybox ash.
#
# What needs more than the job has is asked of the runner: a file with the question, a line in
# `events` to say so, and a FIFO on which the answer's exit code comes (see runner/questions.py).
# Variables begin with _rd_, so that `env subst` sees none of them by accident.

_rd_bin=${0%/*}
_rd_job=${_rd_bin%/*} # not by way of `..`: that folder may be a link
_rd_nl='
'

fail() {
  echo "circleci: $1" >&2
  exit "${2:-1}"
}

# -- tests glob: `*` and `?` within a name, `**` over folders, `[abc]`, `{a,b}`; dots are no
# exception.  Folders are read by the shell itself, so that no program is needed.

glob_in() { # FOLDER (empty, or with a slash at its end) PATTERN
  case $2 in
    '**/**' | '**/**/'*) glob_in "$1" "${2#'**/'}"; return ;;
    */*) set -- "$1" "${2%%/*}" "${2#*/}" ;;
    *) set -- "$1" "$2" '' ;;
  esac
  case $2 in
    '') glob_in "$1" "$3" ;;
    '**')
      [ -n "$3" ] && glob_in "$1" "$3"
      for _rd_path in "$1"* "$1".*; do
        case ${_rd_path##*/} in . | ..) continue ;; esac
        if [ -d "$_rd_path" ]; then
          [ -n "$3" ] || printf '%s\n' "$_rd_path"
          [ -L "$_rd_path" ] || glob_in "$_rd_path/" "**/$3"
        elif [ -z "$3" ] && { [ -e "$_rd_path" ] || [ -L "$_rd_path" ]; }; then
          printf '%s\n' "$_rd_path"
        fi
      done
      ;;
    *[*?[]*)
      for _rd_path in "$1"* "$1".*; do
        # shellcheck disable=SC2254 # a pattern is what it is
        case ${_rd_path##*/} in . | ..) ;; $2) found "$_rd_path" "$3" ;; esac
      done
      ;;
    *) found "$1$2" "$3" ;;
  esac
}

found() { # PATH REST: a path that matches so far
  if [ -n "$2" ]; then
    [ -d "$1" ] && glob_in "$1/" "$2"
  elif [ -e "$1" ] || [ -L "$1" ]; then
    printf '%s\n' "$1"
  fi
}

braces() { # PATTERN: print it once for each of the alternatives in its braces
  case $1 in
    *'{'*'}'*) ;;
    *) printf '%s\n' "$1"; return ;;
  esac
  _rd_before=${1%%'{'*} _rd_rest=${1#*'{'} _rd_depth=1 _rd_one='' _rd_all=''
  while [ $_rd_depth -gt 0 ]; do
    [ -n "$_rd_rest" ] || { printf '%s\n' "$1"; return; } # nothing closes it: no braces at all
    _rd_letter=${_rd_rest%"${_rd_rest#?}"} _rd_rest=${_rd_rest#?}
    case $_rd_letter$_rd_depth in
      ,1) _rd_all=$_rd_all$_rd_one$_rd_nl _rd_one=''; continue ;;
      '{'*) _rd_depth=$((_rd_depth + 1)) ;;
      '}'*) _rd_depth=$((_rd_depth - 1)); [ $_rd_depth -gt 0 ] || continue ;;
    esac
    _rd_one=$_rd_one$_rd_letter
  done
  printf '%s\n' "$_rd_all$_rd_one" | while IFS= read -r _rd_one; do
    (braces "$_rd_before$_rd_one$_rd_rest")
  done
}

tests_glob() {
  [ $# -gt 0 ] || fail 'tests glob needs a pattern: circleci tests glob "tests/**/*_test.py"' 2
  for _rd_pattern in "$@"; do
    braces "$_rd_pattern" | while IFS= read -r _rd_pattern; do
      while :; do
        case $_rd_pattern in
          ./*) _rd_pattern=${_rd_pattern#./} ;;
          *'[^'*) _rd_pattern=${_rd_pattern%%'[^'*}'[!'${_rd_pattern#*'[^'} ;;
          *) break ;;
        esac
      done
      case $_rd_pattern in
        /*) glob_in / "${_rd_pattern#/}" ;;
        *) glob_in '' "$_rd_pattern" ;;
      esac
    done
  done | LC_ALL=C sort -u
}

# -- questions

ask() { # the question comes on standard input, the answer goes to standard output
  _rd_try=0
  umask 0
  until mkfifo "$_rd_job/$$-$_rd_try.bell" 2>/dev/null; do
    _rd_try=$((_rd_try + 1))
    [ $_rd_try -lt 20 ] || fail "cannot ask the runner: no FIFO can be made in $_rd_job"
  done
  _rd_file=$_rd_job/$$-$_rd_try
  exec 4<>"$_rd_file.bell" # both ways, so that neither side waits for the other to open it
  cat >"$_rd_file.question"
  echo "question $$-$_rd_try" >>"$_rd_job/events"
  _rd_code=1
  read -r _rd_code <&4
  exec 4<&-
  cat "$_rd_file.notes" >&2
  cat "$_rd_file.answer"
  rm -f "$_rd_file.bell" "$_rd_file.question" "$_rd_file.notes" "$_rd_file.answer"
  return "$_rd_code"
}

# -- tests split, tests run

share() { # VERB FLAGS... [FILE...]: print this node's share; set _rd_command and _rd_verbose
  _rd_head="$1$_rd_nl" _rd_by=name
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --show-counts | --verbose) _rd_flag=$1 _rd_value=true ;;
      --show-counts=* | --verbose=*) _rd_flag=${1%%=*} _rd_value=${1#*=} ;;
      --*=*) _rd_flag=${1%%=*} _rd_value=${1#*=} ;;
      --) shift; break ;;
      --*)
        [ $# -gt 1 ] || fail "the flag $1 needs a value" 2
        _rd_flag=$1 _rd_value=$2
        shift
        ;;
      -?*) fail "unknown flag $1" 2 ;;
      *) break ;;
    esac
    shift
    case $_rd_flag in
      --command) _rd_command=$_rd_value; continue ;;
      --split-by) _rd_by=$_rd_value ;;
      --timings-type | --index | --total | --time-default | --show-counts | --verbose) ;;
      *) fail "unknown flag $_rd_flag" 2 ;;
    esac
    _rd_head="$_rd_head${_rd_flag#--} $_rd_value$_rd_nl"
  done
  [ $# -gt 0 ] || set -- -
  # One name a line; a single line may hold several.
  set -f
  IFS=$_rd_nl
  _rd_text=$(cat -- "$@") || exit 1
  # shellcheck disable=SC2086 # that is how the lines become words
  set -- $_rd_text
  IFS=' 	'
  # shellcheck disable=SC2086
  [ $# -ne 1 ] || set -- $1
  unset IFS
  set +f
  {
    printf 'node-index %s\nnode-total %s\n' "${CIRCLE_NODE_INDEX-0}" "${CIRCLE_NODE_TOTAL-1}"
    printf '%s\n' "$_rd_head"
    [ $# -eq 0 ] || printf '%s\n' "$@"
    if [ "$_rd_by" = filesize ] && [ $# -gt 0 ]; then
      echo
      printf '%s\n' "$@" | LC_ALL=C sed 's/[^A-Za-z0-9_.\/-]/\\&/g' | xargs wc -c 2>/dev/null
    fi
  } | ask
}

tests_run() {
  _rd_command=''
  for _rd_word in "$@"; do
    case $_rd_word in --command=*) _rd_command=${_rd_word#*=} ;; esac
    [ "${_rd_last-}" != --command ] || _rd_command=$_rd_word
    _rd_last=$_rd_word
  done
  [ -n "$_rd_command" ] || fail 'tests run needs --command="xargs your-test-command"' 2
  _rd_share=$(share run "$@") || exit
  if [ -z "$_rd_share" ]; then
    echo 'No tests for this node.'
    exit 0
  fi
  _rd_shell=/bin/sh
  [ ! -x /bin/bash ] || _rd_shell=/bin/bash
  printf '%s\n' "$_rd_share" | "$_rd_shell" -c "$_rd_command"
}

# -- env subst

value() { # NAME: set _rd_value, and _rd_set if the variable is there at all
  eval "_rd_value=\${$1-} _rd_set=\${$1+yes}"
}

braced() { # what stands between ${ and }: append its value, or itself if it is no reference
  _rd_name=${1%%[!A-Za-z0-9_]*} _rd_rule=${1#"${1%%[!A-Za-z0-9_]*}"}
  case $_rd_name in
    '' | [0-9]*) _rd_out="$_rd_out\${$1}"; return ;;
  esac
  value "$_rd_name"
  case $_rd_rule in
    '') ;;
    :[-=]*) [ -n "$_rd_value" ] || _rd_value=${_rd_rule#??} ;;
    [-=]*) [ -n "$_rd_set" ] || _rd_value=${_rd_rule#?} ;;
    :+*) [ -z "$_rd_value" ] || _rd_value=${_rd_rule#??} ;;
    +*) [ -z "$_rd_set" ] || _rd_value=${_rd_rule#?} ;;
    *) _rd_out="$_rd_out\${$1}"; return ;;
  esac
  _rd_out=$_rd_out$_rd_value
}

subst() { # TEXT: set _rd_out to it with its variables replaced
  _rd_out='' _rd_left=$1
  while :; do
    case $_rd_left in
      *'$'*) ;;
      *) _rd_out=$_rd_out$_rd_left; return ;;
    esac
    _rd_head=${_rd_left%%'$'*}
    _rd_out=$_rd_out$_rd_head
    _rd_left=${_rd_left#"$_rd_head"'$'}
    case $_rd_left in
      '$'*) _rd_out="$_rd_out\$" _rd_left=${_rd_left#?} ;;
      '{'*'}'*)
        _rd_head=${_rd_left%%'}'*}
        _rd_left=${_rd_left#"$_rd_head}"}
        braced "${_rd_head#?}"
        ;;
      [A-Za-z_]*)
        _rd_name=${_rd_left%%[!A-Za-z0-9_]*}
        _rd_left=${_rd_left#"$_rd_name"}
        value "$_rd_name"
        _rd_out=$_rd_out$_rd_value
        ;;
      *) _rd_out="$_rd_out\$" ;;
    esac
  done
}

env_subst() {
  [ "${1-}" != -- ] || shift
  if [ $# -gt 0 ]; then
    subst "$*"
    printf '%s\n' "$_rd_out"
  else
    _rd_text=$(cat && echo .) # the dot keeps line ends that $() would take away
    subst "${_rd_text%.}"
    printf '%s' "$_rd_out"
  fi
}

oidc_get() {
  _rd_claims='' _rd_root=false
  while [ $# -gt 0 ]; do
    case $1 in
      --claims=*) _rd_claims=${1#*=} ;;
      --claims)
        [ $# -gt 1 ] || fail 'the flag --claims needs a value' 2
        _rd_claims=$2
        shift
        ;;
      --root-issuer) _rd_root=true ;;
      *) fail "unknown argument $1 of run oidc get; known: --claims '{\"aud\": \"…\"}', --root-issuer" 2 ;;
    esac
    shift
  done
  printf 'oidc\nroot-issuer %s\n\n%s' "$_rd_root" "$_rd_claims" | ask
}

release() { # log, plan or update; a value is one line
  _rd_deed=$1 _rd_plan=
  shift
  case $_rd_deed in
    update) _rd_known='--status, --failure-reason' ;;
    *) _rd_known='--component-name, --environment-name, --target-version, --namespace' ;;
  esac
  _rd_head="release${_rd_nl}deed $_rd_deed$_rd_nl"
  while [ $# -gt 0 ]; do
    case $1 in
      --*=*) _rd_flag=${1%%=*} _rd_value=${1#*=} ;;
      --*)
        [ $# -gt 1 ] || fail "the flag $1 needs a value" 2
        _rd_flag=$1 _rd_value=$2
        shift
        ;;
      *)
        [ "$_rd_deed" != log ] && [ -z "$_rd_plan" ] ||
          fail "unknown argument $1 of run release $_rd_deed" 2
        _rd_flag=plan _rd_value=$1 _rd_plan=$1
        ;;
    esac
    shift
    case ", plan, $_rd_known, " in
      *", $_rd_flag, "*) ;;
      *) fail "unknown flag $_rd_flag of run release $_rd_deed; known: $_rd_known" 2 ;;
    esac
    case $_rd_value in
      *"$_rd_nl"*) _rd_value=$(printf '%s' "$_rd_value" | tr '\n' ' ') ;;
    esac
    _rd_head="$_rd_head${_rd_flag#--} $_rd_value$_rd_nl"
  done
  printf '%s\n' "$_rd_head" | ask
}

elsewhere() { # the image's own `circleci` (the command line client) takes what we do not know
  _rd_self=${0##*/}
  IFS=:
  for _rd_folder in $PATH; do
    case $_rd_folder in "$_rd_bin" | '') continue ;; esac
    [ -x "$_rd_folder/$_rd_self" ] && [ ! -d "$_rd_folder/$_rd_self" ] || continue
    [ "$_rd_folder/$_rd_self" -ef "$0" ] 2>/dev/null && continue
    unset IFS
    exec "$_rd_folder/$_rd_self" "$@"
  done
  unset IFS
  fail "\"$*\" is not available in jobs here; known: tests glob, tests split, tests run, \
step halt, env subst, run oidc get, run release log, run release plan, run release update" 2
}

case "${1-} ${2-}" in
  'tests glob') shift 2; tests_glob "$@" ;;
  'tests split') shift 2; share split "$@" ;;
  'tests run') shift 2; tests_run "$@" ;;
  'step halt') : >"$_rd_job/halt" ;;
  'env subst') shift 2; env_subst "$@" ;;
  'run oidc')
    [ "${3-}" = get ] || fail 'known: run oidc get' 2
    shift 3
    oidc_get "$@"
    ;;
  'run release')
    case ${3-} in
      log | plan | update) ;;
      *) fail 'known: run release log, run release plan, run release update' 2 ;;
    esac
    shift 2
    release "$@"
    ;;
  *) elsewhere "$@" ;;
esac
