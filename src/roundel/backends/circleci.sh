#!/bin/sh
# `circleci` and `circleci-agent` on a job's PATH.  POSIX sh only.
job=${0%/*}/..

case "${1-} ${2-}" in
  "step halt")
    : >"$job/halt" || exit 1
    ;;
  *)
    echo "circleci: \"$*\" is not available in jobs here; known: step halt" >&2
    exit 2
    ;;
esac
