"""A checkout on this machine, uncommitted changes included, as a commit.

The commit lies in a repository of our own that borrows the checkout's objects.  The checkout's
index, objects and branches stay untouched.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from roundel.domain.clock import SECOND, Micros
from roundel.domain.errors import DomainError
from roundel.domain.pipelines import Commit, Ref
from roundel.domain.records import dataclass
from roundel.domain.repositories import Access, Fetched, Trouble
from roundel.domain.skipping import asks_to_skip
from roundel.vcs.bare import CONFIG_FILE, GitRepositories

_FIELDS = "%H%x00%T%x00%s%x00%b%x00%an%x00%ae%x00%ct"
_PASSWORD = re.compile(r"(?<=^http://)[^/]*@|(?<=^https://)[^/]*@")  # a token as a name too
_EMPTY_COMMIT = "An empty checkout"
# Settings of the user's that would write beside the index that we name.
_ADD = ("core.splitIndex=false", "core.fsmonitor=false", "advice.addEmbeddedRepo=false")


class NoCheckout(DomainError):
    """There is no checkout here, or git cannot read it; `str()` says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A checkout as it stands.  `branch` is None on a detached HEAD, `commit` before the first."""

    root: Path
    common: Path  # the repository's folder; worktrees share it
    objects: Path
    index: Path
    branch: str | None
    remote: str  # the address of `origin` without any password, empty without one
    commit: Commit | None
    tree: str
    refs: dict[str, str]  # full names with what they point to


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a run is about: a repository to clone from, and a commit in it."""

    repository: Path
    commit: Commit
    changed: bool  # it is not the checkout's own commit
    warnings: str = ""


def find_checkout(folder: Path) -> Checkout:
    """Return the checkout that `folder` is in, or refuse."""
    places = ("--show-toplevel", "--git-common-dir", "--git-path", "objects", "--git-path", "index")
    # All at once: none needs another's answer.
    asked = [
        _begin(folder, words)
        for words in (
            ("rev-parse", *places),
            ("for-each-ref", "--format=%(objectname) %(HEAD)%(symref)%00%(refname)"),
            ("log", "-1", f"--format={_FIELDS}"),
            ("config", "--get", "remote.origin.url"),
        )
    ]
    found, listed, head, remote = [_end(process) for process in asked]
    try:
        lines = _said(found, "rev-parse").split("\n")
        refs, branch = _refs(_said(listed, "for-each-ref"))
    except GitSays as error:
        raise NoCheckout(_no_checkout(folder, str(error))) from error
    root, *others = (folder / line for line in lines[:4])
    common, objects, index = others
    if branch is None:  # there is none, or it has no commit yet
        words = ("symbolic-ref", "--short", "--quiet", "HEAD")
        branch = _git(root, *words, check=False).strip() or None
    commit, tree = _head(_said(head, "log", check=False))
    return Checkout(
        root=root,
        common=common.resolve(),
        objects=objects.resolve(),
        index=index.resolve(),
        branch=branch,
        remote=_PASSWORD.sub("", _said(remote, "config", check=False).strip()),
        commit=commit,
        tree=tree,
        refs=refs,
    )


def take_snapshot(
    checkout: Checkout, home: Path, ref: Ref, *, clean: bool = False, ignored: bool = True
) -> Snapshot:
    """Return the working tree, or with `clean` what is committed, as a commit of `home`.

    Without `ignored`, files that .gitignore names are left out.  The same files under the same
    commit give the same commit again.  `ref` will name it.
    """
    repository = _repository(home / "snapshot", checkout)
    warnings = ""
    commit = checkout.commit
    if not clean:
        tree, warnings = _tree(checkout, repository, home / "index", ignored=ignored)
        if tree != checkout.tree:
            commit = _commit(checkout, repository, tree)
    if commit is None:
        raise NoCheckout(f"{checkout.root} has no commit yet, and --clean asks for one")
    _write_refs(repository, checkout, ref, commit.revision)
    return Snapshot(
        repository=repository,
        commit=commit,
        changed=checkout.commit is None or commit.revision != checkout.commit.revision,
        warnings=warnings,
    )


def may_name_ref(name: str) -> bool:
    """Tell whether git takes this as the name of a branch or a tag."""
    words = ("git", "check-ref-format", f"refs/heads/{name}")
    return not name.startswith("-") and subprocess.run(words, check=False).returncode == 0


class GitSays(DomainError):
    """git failed; `str()` is what it said."""


def _no_checkout(folder: Path, why: str) -> str:
    if "not a git repository" in why:
        return f"{folder} is in no git checkout; go into one, or make one with `git init`"
    return f"{folder} is in no git checkout that can be read: {why}"


def _git(
    folder: Path, *words: str, check: bool = True, extra: Mapping[str, str] = MappingProxyType({})
) -> str:
    return _said(_end(_begin(folder, words, extra)), words[0], check=check)


def _said(done: "subprocess.CompletedProcess[bytes]", command: str, *, check: bool = True) -> str:
    """Return what git wrote: nothing where it failed, unless that is to be raised as GitSays."""
    if check and done.returncode != 0:
        raise GitSays(done.stderr.decode(errors="replace").strip() or f"git {command} failed")
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def _begin(
    folder: Path, words: tuple[str, ...], extra: Mapping[str, str] = MappingProxyType({})
) -> "subprocess.Popen[bytes]":
    # Variables of a hook that we may be called from would lead git to another repository.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment = {**kept, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8", **extra}
    try:
        return subprocess.Popen(
            ["git", "-C", str(folder), *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise NoCheckout("the git program was not found; install git") from error


def _end(process: "subprocess.Popen[bytes]") -> "subprocess.CompletedProcess[bytes]":
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _refs(listed: str) -> tuple[dict[str, str], str | None]:
    """Return branches and tags with what they point to, and the branch that is checked out."""
    refs: dict[str, str] = {}
    branch = None
    for line in listed.splitlines():
        head, _, name = line.partition("\0")
        revision, _, mark = head.partition(" ")
        if mark.startswith("*"):
            branch = name.removeprefix("refs/heads/")
        if len(mark) <= 1:
            refs[name] = revision
    return refs, branch


def _head(text: str) -> tuple[Commit | None, str]:
    """Return the commit that `git log` told of, and its tree; none before the first."""
    if not text:
        return None, ""
    revision, tree, subject, body, name, email, seconds = text.rstrip("\n").split("\0")
    commit = Commit(
        revision=revision,
        subject=subject,
        body=body.strip("\n"),
        author_name=name,
        author_email=email,
        committed_at=Micros(int(seconds) * SECOND),
    )
    return commit, tree


def _repository(path: Path, checkout: Checkout) -> Path:
    """Return our repository, which reads the checkout's objects and adds its own."""
    if not (path / "HEAD").exists():
        path.mkdir(parents=True, exist_ok=True)
        _git(path, "init", "--quiet", "--bare", ".")
    (path / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (path / "objects" / "info" / "alternates").write_text(f"{checkout.objects}\n")
    shallow = checkout.common / "shallow"
    if shallow.exists():
        shutil.copyfile(shallow, path / "shallow")
    else:
        (path / "shallow").unlink(missing_ok=True)
    return path


def _tree(checkout: Checkout, repository: Path, index: Path, *, ignored: bool) -> tuple[str, str]:
    """Return the working tree as a tree of ours, and what git has to say about it.

    The index is a copy of the checkout's own, whose knowledge of unchanged files saves reading
    them; ours is kept, as it knows more of them.
    """
    if not index.exists() and checkout.index.exists():
        shutil.copy2(checkout.index, index)  # its time tells git which files to doubt
    extra = {
        "GIT_INDEX_FILE": str(index),
        "GIT_OBJECT_DIRECTORY": str(repository / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(checkout.objects),
    }
    force = ("--force",) if ignored else ()
    settings = (word for setting in _ADD for word in ("-c", setting))
    words = (*settings, "add", "--all", "--ignore-errors", *force, "--", ".")
    if not ignored:
        # What an earlier run has added by force must go; only a new index has forgotten it.
        index.unlink(missing_ok=True)
        if checkout.index.exists():
            shutil.copy2(checkout.index, index)  # its time tells git which files to doubt
    added = _end(_begin(checkout.root, words, extra))
    warnings = added.stderr.decode(errors="replace").strip() if added.returncode else ""
    try:
        return _git(checkout.root, "write-tree", extra=extra).strip(), warnings
    except GitSays as error:
        index.unlink(missing_ok=True)
        raise NoCheckout(f"the working tree cannot be taken: {warnings or error}") from error


def _commit(checkout: Checkout, repository: Path, tree: str) -> Commit:
    """Return a commit of the tree on top of the checkout's own, with the same message."""
    head = checkout.commit or Commit(revision="", subject=_EMPTY_COMMIT, committed_at=Micros(0))
    date = f"@{(head.committed_at or 0) // SECOND} +0000"
    extra = {
        "GIT_OBJECT_DIRECTORY": str(repository / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(checkout.objects),
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_DATE": date,
    }
    for role in ("AUTHOR", "COMMITTER"):
        extra[f"GIT_{role}_NAME"] = head.author_name or "nobody"
        extra[f"GIT_{role}_EMAIL"] = head.author_email or "nobody@localhost"
    parents = ("-p", head.revision) if head.revision else ()
    message = f"{head.subject}\n\n{head.body}".strip()
    words = ("commit-tree", "--no-gpg-sign", tree, *parents, "-m", message or _EMPTY_COMMIT)
    return replace(head, revision=_git(checkout.root, *words, extra=extra).strip())


def _write_refs(repository: Path, checkout: Checkout, ref: Ref, revision: str) -> None:
    """Give our repository the branches and tags of the checkout, and of its origin."""
    refs = {
        f"refs/heads/{name.removeprefix('refs/remotes/origin/')}": found
        for name, found in checkout.refs.items()
        if name.startswith("refs/remotes/origin/")
    }
    own = ("refs/heads/", "refs/tags/")
    refs |= {name: found for name, found in checkout.refs.items() if name.startswith(own)}
    wanted = f"refs/tags/{ref.tag}" if ref.tag is not None else f"refs/heads/{ref.branch}"
    refs[wanted] = revision
    # A branch cannot stand beside branches below its own name.
    refs = {
        name: found
        for name, found in refs.items()
        if name == wanted or not (name.startswith(f"{wanted}/") or wanted.startswith(f"{name}/"))
    }
    lines = [f"{found} {name}\n" for name, found in sorted(refs.items())]
    draft = repository / "packed-refs.new"
    draft.write_text("".join(lines))
    draft.replace(repository / "packed-refs")
    head = "refs/heads/main" if ref.branch is None else f"refs/heads/{ref.branch}"
    (repository / "HEAD").write_text(f"ref: {head}\n")


class WorkingTree:
    """Implements `domain.repositories.Repositories` for one snapshot, whatever is asked for."""

    def __init__(self, snapshot: Snapshot, text: str, file: str, folder: Path) -> None:
        commit = snapshot.commit
        if asks_to_skip(commit):
            # Who runs it by hand does not want it skipped.
            commit = replace(commit, subject="", body="")
        self._fetched = Fetched(commit=commit, text=text, file=file)
        self._git = GitRepositories(folder)

    def check(self, url: str) -> None:
        """Take any address: the only one is ours."""

    def is_local(self, url: str) -> bool:  # noqa: ARG002 - there is but one
        """Tell that reading it costs no network."""
        return True

    async def resolve(self, url: str, ref: Ref, access: Access | None = None) -> str | Trouble:
        """Return the snapshot's revision."""
        del url, ref, access
        return self._fetched.commit.revision

    async def fetch(
        self,
        url: str,  # noqa: ARG002 - there is but one
        ref: Ref,  # noqa: ARG002 - it is named as the run pretends
        revision: str | None = None,  # noqa: ARG002
        file: str | None = None,  # noqa: ARG002
        access: Access | None = None,  # noqa: ARG002
    ) -> Fetched | Trouble:
        """Return the config that the run is about."""
        return self._fetched

    async def heads(self, url: str, access: Access | None = None) -> Mapping[str, str] | Trouble:
        """Return no refs: nobody waits for news of a working tree."""
        del url, access
        return {}

    async def read_file(
        self, url: str, revision: str, path: str, access: Access | None = None
    ) -> bytes | Trouble | None:
        """Return a file of the snapshot; None if it has none there."""
        del access
        return await self._git.read_file(url, revision, path)


def read_committed(checkout: Checkout, path: str = CONFIG_FILE) -> str | None:
    """Return the text of a committed file; None if there is none."""
    text = _git(checkout.root, "show", f"HEAD:{path}", check=False)
    return text or None
