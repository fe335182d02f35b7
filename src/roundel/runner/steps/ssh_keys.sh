# `add_ssh_keys`.  POSIX sh; calls of install_key follow, one a key.
die() {
  echo "$*" >&2
  exit 1
}

keys=${HOME%/}/.ssh
(umask 077 && mkdir -p "$keys") || die "Cannot make the folder \"$keys\" for the keys."
chmod 700 "$keys"
config=$keys/config

# ssh asks the system for the home and not $HOME.  Where the two differ it is told where to look.
system_home() {
  user=$(id -u) || return
  while IFS=: read -r _ _ number _ _ home _; do
    [ "$number" != "$user" ] || { echo "$home"; return; }
  done </etc/passwd
}
elsewhere=
[ "$(system_home)" = "${HOME%/}" ] || elsewhere=yes

wrap() { # PROGRAM: one of that name on the job's own PATH, with our settings
  own=$(command -v circleci) && own=${own%/*} && real=$(command -v "$1") || return 0
  [ "${real%/*}" != "$own" ] || return 0
  { echo '#!/bin/sh' && echo "exec '$real' -F '$config' \"\$@\""; } >"$own/$1" &&
    chmod 755 "$own/$1"
}
if [ -n "$elsewhere" ]; then
  for program in ssh scp sftp; do
    wrap $program 2>/dev/null ||
      echo "Warning: $program looks for keys in the home that the system knows; give it -F $config."
  done
  grep -qs '^# known hosts of this job$' "$config" || {
    printf '# known hosts of this job\nMatch all\n  UserKnownHostsFile "%s/known_hosts"\n' "$keys"
    [ ! -r /etc/ssh/ssh_config ] || printf '  Include /etc/ssh/ssh_config\n'
  } >>"$config" || die "Cannot write \"$config\"."
fi

# The first key that a host takes is the one that counts: those for a host come before all others,
# and those for all hosts behind them.
install_key() { # NAME FINGERPRINT HOST KEY
  file=$keys/id_rsa_$1
  rm -f "$file"
  (umask 077 && printf '%s\n' "$4" >"$file") || die "Cannot write the key to \"$keys\"."
  {
    [ -z "$3" ] || printf 'Host %s\n  IdentitiesOnly yes\n  IdentityFile "%s"\n' "$3" "$file"
    [ ! -f "$config" ] || cat "$config"
    [ -n "$3" ] || printf 'Match all\n  IdentityFile "%s"\n' "$file"
  } >"$config.new" && chmod 600 "$config.new" && mv -f "$config.new" "$config" ||
    die "Cannot write \"$config\"."
  echo "Installed the key $2 for ${3:-all hosts}"
}
