# `checkout`.  POSIX sh; the variables above are set by the runner:
#   url revision branch tag path method depth   what to check out, and where
#   seed   a clone that the runner has made, for places without git or without sight of the
#          repository; empty where the clone is made here
say() { echo "$*"; }
die() {
  echo "$*" >&2
  exit 1
}

case $path in
  '~') path=$HOME ;;
  '~/'*) path=${HOME%/}/${path#'~/'} ;;
esac
mkdir -p "$path" || die "Cannot make the folder \"$path\" to check out into."
cd "$path" || die "Cannot enter the folder \"$path\" to check out into."
path=$(pwd)

# Keys go where ssh and later steps look for them.  ssh asks the system for the home, not $HOME.
ssh='ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new'
if [ -n "${_RD_SSH_KEY-}${_RD_KNOWN_HOSTS-}" ]; then
  keys=${HOME%/}/.ssh
  (umask 077 && mkdir -p "$keys") || die "Cannot make the folder \"$keys\" for the key."
  if [ -n "${_RD_KNOWN_HOSTS-}" ]; then
    printf '%s\n' "$_RD_KNOWN_HOSTS" >>"$keys/known_hosts"
  fi
  ssh="$ssh -o UserKnownHostsFile='$keys/known_hosts'"
  if [ -n "${_RD_SSH_KEY-}" ]; then
    rm -f "$keys/id_rsa"
    (umask 077 && printf '%s\n' "$_RD_SSH_KEY" >"$keys/id_rsa") ||
      die "Cannot write the key to \"$keys\"."
    # An additional key for this host (add_ssh_keys) goes before ours later on, so it is in the
    # settings of ssh that ours is named, behind what others may write there.
    line="IdentityFile \"$keys/id_rsa\""
    grep -qsF "$line" "$keys/config" || printf 'Match all\n  %s\n' "$line" >>"$keys/config"
    chmod 600 "$keys/config"
    later="$ssh -F '$keys/config' -o IdentitiesOnly=yes"
    ssh="$ssh -i '$keys/id_rsa' -o IdentitiesOnly=yes"
  fi
  own_ssh=$ssh
fi
unset _RD_SSH_KEY _RD_KNOWN_HOSTS
# Hosts are taken as they come, and remembered: there is nobody to ask.
[ -n "${GIT_SSH_COMMAND-}" ] && [ -z "${own_ssh-}" ] || export GIT_SSH_COMMAND="$ssh"
export GIT_TERMINAL_PROMPT=0

empty() { [ -z "$(ls -A)" ]; }

reset_to_revision() {
  if [ -n "$tag" ]; then
    git checkout -q --force "$revision" || return 1
    say "HEAD is now at tag $tag, commit $revision"
  elif [ -n "$branch" ]; then
    git checkout -q --force -B "$branch" "$revision" || return 1
    say "HEAD is now at branch $branch, commit $revision"
  else
    git checkout -q --force --detach "$revision" || return 1
    say "HEAD is now at commit $revision"
  fi
}

have() { git cat-file -e "$revision^{commit}" 2>/dev/null; }

fetch() { # FROM OPTIONS...: branches and tags; by the commit's name where that is not enough
  from=$1
  shift
  if [ "$method" = shallow ] && git fetch -q "$@" "$from" "+$revision" 2>/dev/null && have; then
    return
  fi
  git fetch -q --tags "$@" "$from" '+refs/heads/*:refs/remotes/origin/*' || return 1
  have && return
  case $branch in # a pull request's head, where the server lists it
    pull/*/*) git fetch -q "$@" "$from" "+refs/$branch" 2>/dev/null ;;
    pull/*) git fetch -q "$@" "$from" "+refs/$branch/head" 2>/dev/null ;;
  esac
  have || git fetch -q "$@" "$from" "+$revision" # a deleted branch
  have
}

# Later steps reach the repository as we do, also where ssh would look for keys elsewhere.
remember() { [ -z "${own_ssh-}" ] || git config core.sshCommand "${later:-$own_ssh}"; }

if [ -e .git ]; then
  command -v git >/dev/null 2>&1 ||
    die "There is a repository in \"$path\" already, and no git in this image to bring it up to date."
  git rev-parse --git-dir >/dev/null ||
    die "Git cannot use the repository that is in \"$path\" already: remove it, or give checkout a path."
  say "Fetching into the repository in $path"
  from=$url
  if [ -n "$seed" ]; then
    # A copy of our own: git does not read what belongs to another user.
    from=$(mktemp -d) && cp -R "$seed/." "$from/" || die "Cannot copy the runner's clone."
  fi
  git remote set-url origin "$url" 2>/dev/null || git remote add origin "$url"
  fetch "$from" || die "Cannot find commit $revision in $url."
  [ -z "$seed" ] || rm -rf "$from"
  remember
  reset_to_revision || die "Cannot check out commit $revision."
elif ! empty; then
  die "Cannot check out into \"$path\": the folder is not empty and is not a git repository. Use an empty folder, or give checkout a path."
elif [ -n "$seed" ]; then
  say "Copying the runner's clone of $url to $path"
  cp -R "$seed/." . || die "Cannot copy the runner's clone to \"$path\"."
  say "HEAD is now at commit $revision"
else
  say "Cloning $url into $path"
  git init -q . || die "Cannot make a repository in \"$path\"."
  git config gc.auto 0
  remember
  git remote add origin "$url"
  case $method in
    blobless)
      git config remote.origin.promisor true
      git config remote.origin.partialclonefilter blob:none
      if ! fetch origin --filter=blob:none; then
        git config --unset remote.origin.promisor
        git config --unset remote.origin.partialclonefilter
        fetch origin || die "Cannot find commit $revision in $url."
      fi
      ;;
    shallow) fetch origin "--depth=$depth" || die "Cannot find commit $revision in $url." ;;
    *) fetch origin || die "Cannot find commit $revision in $url." ;;
  esac
  reset_to_revision || die "Cannot check out commit $revision."
fi
