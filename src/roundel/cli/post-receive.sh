#!/bin/sh
# Tells Roundel what was pushed.  Made by `roundel hook install`, removed by `roundel hook remove`.
# A push never fails for it: what cannot be told, Roundel finds by itself within five minutes.
here=$(git rev-parse --absolute-git-dir) || exit 0
lines=$(cat)
status=0
if [ -x "$here/hooks/post-receive.before-roundel" ]; then
  printf '%s\n' "$lines" | "$here/hooks/post-receive.before-roundel" "$@" || status=$?
fi
url=$(cat "$here/roundel/url" 2>/dev/null) || exit "$status"
id=$(cat /proc/sys/kernel/random/uuid 2>/dev/null || echo "$(date +%s)-$$-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')")
pusher=${GL_USER:-${REMOTE_USER:-$(id -un)}}
body() { printf 'roundel-push 1 %s\n%s\n' "$id" "$lines"; }

tell() {
  if command -v curl >/dev/null 2>&1; then
    body | curl --silent --show-error --fail --max-time 10 --output /dev/null \
      --header "@$here/roundel/authorization" --header "X-Roundel-Pusher: $pusher" \
      --header 'Content-Type: text/plain' --data-binary @- "$url"
  elif command -v python3 >/dev/null 2>&1; then
    body | python3 -c '
import sys, urllib.request
url, file, pusher = sys.argv[1:]
name, _, value = open(file).read().strip().partition(": ")
headers = {name: value, "X-Roundel-Pusher": pusher, "Content-Type": "text/plain"}
data = sys.stdin.buffer.read()
urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10)
' "$url" "$here/roundel/authorization" "$pusher"
  else
    echo "neither curl nor python3 is here" >&2
    return 1
  fi
}
tell || echo "Roundel was not told of this push; it will find it by itself." >&2
exit "$status"
