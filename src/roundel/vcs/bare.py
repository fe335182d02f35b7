"""Plain git repositories: by path, file://, ssh:// or https://, without any host's API."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

from roundel.domain.errors import Invalid
from roundel.domain.pipelines import Commit, Ref
from roundel.domain.repositories import Access, Fetched, Trouble, TroubleKind
from roundel.vcs.addresses import check_address, is_revision, local_path, ref_names, shown
from roundel.vcs.commits import parse_commit
from roundel.vcs.git import LOCAL, GitFailed, Objects, open_objects, run_git
from roundel.vcs.mirrors import LeftOut, Mirror, Remote
from roundel.vcs.opening import opened

CONFIG_FILE = ".circleci/config.yml"
NO_CONFIG = (
    "No configuration was found in your project. Please refer to"
    " https://circleci.com/docs/2.0/ to get started with your configuration."
)
LARGEST_CONFIG = 4 * 1024 * 1024  # bytes; the compiler takes no more

LOCAL_SECONDS = 10.0
RESOLVE_SECONDS = 10.0  # a trigger waits for it


class GitRepositories:
    """Implements `domain.repositories.Repositories` with the `git` program.

    What is fetched from elsewhere is kept in bare repositories below `folder`, so that the next
    fetch brings only what is new.  Keys lie below `memory` while they are in use.
    """

    def __init__(self, folder: Path, memory: Path | None = None) -> None:
        self._folder = folder
        self._memory = memory
        self._mirrors: dict[str, Mirror] = {}

    def check(self, url: str) -> None:
        """Refuse an address that is not a path, file://, ssh:// or https:// repository."""
        check_address(url)

    def is_local(self, url: str) -> bool:
        """Tell whether reading it costs no network."""
        return local_path(url) is not None

    async def resolve(self, url: str, ref: Ref, access: Access | None = None) -> str | Trouble:
        """Return the revision that `ref` names now, without fetching."""
        names = ref_names(ref.branch, ref.tag)
        if not names:
            return ref_not_found(ref)
        try:
            check_address(url)
            # A tag's commit is listed under its name with ^{}.
            wanted = [form for name in names for form in (f"{name}^{{}}", name)]
            with opened(url, access, self._memory) as extra:
                out = await run_git(
                    "ls-remote", "--", url, *wanted, extra=extra, seconds=RESOLVE_SECONDS
                )
        except Invalid as error:
            return Trouble(kind=TroubleKind.REFUSED, message=str(error))
        except (GitFailed, OSError) as error:
            return _unreachable(url, error, access)
        lines = (line.partition("\t") for line in out.decode().splitlines())
        found = {name: revision for revision, _, name in lines}
        for form in wanted:
            if form in found:
                return found[form]
        return ref_not_found(ref)

    async def fetch(
        self,
        url: str,
        ref: Ref,
        revision: str | None = None,
        file: str | None = None,
        access: Access | None = None,
    ) -> Fetched | Trouble:
        """Return the config at `revision`, or at what `ref` names now; `file` is its path."""
        file = file or CONFIG_FILE
        names = ref_names(ref.branch, ref.tag)
        if revision is not None and not is_revision(revision):
            return Trouble(kind=TroubleKind.REFUSED, message=f"{revision!r} is no commit")
        if not names and revision is None:
            return ref_not_found(ref)
        try:
            check_address(url)
            path = local_path(url)
            if path is not None:
                return await self._read_local(path, ref, names, revision, file)
            with opened(url, access, self._memory) as extra:
                remote = Remote(url, extra)
                return await self._read_remote(remote, ref, names, revision, file)
        except Invalid as error:
            return Trouble(kind=TroubleKind.REFUSED, message=str(error))
        except (GitFailed, OSError, asyncio.IncompleteReadError) as error:
            return _unreachable(url, error, access)

    async def heads(self, url: str, access: Access | None = None) -> Mapping[str, str] | Trouble:
        """Return where all branches and tags are now, by their full names."""
        try:
            check_address(url)
            path = local_path(url)
            if path is None:
                remote = ("ls-remote", "--heads", "--tags", "--refs", "--", url)
                with opened(url, access, self._memory) as extra:
                    out = await run_git(*remote, extra=extra, seconds=RESOLVE_SECONDS)
            else:
                extra = {**LOCAL, "GIT_CONFIG_GLOBAL": str(self._trusting_config())}
                form = "--format=%(objectname)%09%(refname)"
                here = ("for-each-ref", form, "refs/heads", "refs/tags")
                out = await run_git(*here, folder=path, extra=extra, seconds=LOCAL_SECONDS)
        except Invalid as error:
            return Trouble(kind=TroubleKind.REFUSED, message=str(error))
        except (GitFailed, OSError) as error:
            return _unreachable(url, error, access)
        lines = (line.partition("\t") for line in out.decode(errors="replace").splitlines())
        return {name: revision for revision, _, name in lines if name}

    async def read_file(
        self, url: str, revision: str, path: str, access: Access | None = None
    ) -> bytes | Trouble | None:
        """Return a file of a commit that was fetched; None if the commit has none there."""
        if not is_revision(revision) or any(char in path for char in "\0\n\r"):
            return None
        if any(part in ("", ".", "..") for part in path.split("/")):
            return None  # git would look at where it stands, not into the commit
        try:
            check_address(url)
            folder = local_path(url)
            if folder is None:
                mirror = self._mirror_of(url)
                folder = mirror.folder
                with opened(url, access, self._memory) as extra:
                    async with mirror.lock:
                        await mirror.bring_file(Remote(url, extra), revision, path)
            extra = {**LOCAL, "GIT_CONFIG_GLOBAL": str(self._trusting_config())}
            async with open_objects(folder, extra=extra, seconds=LOCAL_SECONDS) as objects:
                found = await objects.get(f"{revision}:{path}")
        except Invalid as error:
            return Trouble(kind=TroubleKind.REFUSED, message=str(error))
        except (GitFailed, OSError, asyncio.IncompleteReadError) as error:
            return _unreachable(url, error, access)
        return found.data if found is not None and found.type == "blob" else None

    def _mirror_of(self, url: str) -> Mirror:
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        return self._mirrors.setdefault(name, Mirror(self._folder / name))

    async def _read_local(
        self, path: Path, ref: Ref, names: tuple[str, ...], revision: str | None, file: str
    ) -> Fetched | Trouble:
        # The folder may belong to somebody else; git then wants to be told that this is meant.
        # Older versions hear that from a global config only, so ours stands in for it.
        extra = {**LOCAL, "GIT_CONFIG_GLOBAL": str(self._trusting_config())}
        async with open_objects(path, extra=extra, seconds=LOCAL_SECONDS) as objects:
            wanted = (revision,) if revision is not None else names
            return await _read(objects, ref, wanted, file)

    def _trusting_config(self) -> Path:
        path = self._folder / "read-any-owner.gitconfig"
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text("[safe]\n\tdirectory = *\n")
        return path

    async def _read_remote(
        self, remote: Remote, ref: Ref, names: tuple[str, ...], revision: str | None, file: str
    ) -> Fetched | Trouble:
        mirror = self._mirror_of(remote.url)
        async with mirror.lock:
            for whole in (False, True):
                await mirror.prepare(whole=whole)
                found = await mirror.bring(remote, names or ("HEAD",), revision)
                if not found:
                    return ref_not_found(ref)
                wanted = (revision,) if revision is not None else found
                try:
                    for name in wanted:
                        await mirror.bring_file(remote, name, file)
                except LeftOut:
                    if whole:
                        raise
                    continue
                async with open_objects(mirror.folder, extra=LOCAL, seconds=LOCAL_SECONDS) as here:
                    return await _read(here, ref, wanted, file)
        raise AssertionError("a mirror that has everything leaves nothing out")


async def _read(objects: Objects, ref: Ref, names: tuple[str, ...], file: str) -> Fetched | Trouble:
    for name in names:
        found = await objects.get(f"{name}^{{commit}}")
        if found is None or found.type != "commit":
            continue
        commit = parse_commit(found.name, found.data)
        return await _read_config(objects, commit, file)
    return ref_not_found(ref)


async def _read_config(objects: Objects, commit: Commit, file: str) -> Fetched | Trouble:
    config = await objects.get(f"{commit.revision}:{file}")
    if config is None or config.type != "blob":
        message = NO_CONFIG if file == CONFIG_FILE else f"The commit has no file {file}."
        return Trouble(kind=TroubleKind.NO_CONFIG, message=message, commit=commit)
    if len(config.data) > LARGEST_CONFIG:
        size = f"{len(config.data)} bytes, and {LARGEST_CONFIG} are allowed"
        message = f"{file} is too large: it has {size}."
        return Trouble(kind=TroubleKind.NO_CONFIG, message=message, commit=commit)
    try:
        text = config.data.decode()
    except UnicodeDecodeError as error:
        line = config.data[: error.start].count(b"\n") + 1
        message = f"{file} is not UTF-8 text: line {line} has a byte that does not belong."
        return Trouble(kind=TroubleKind.NO_CONFIG, message=message, commit=commit)
    return Fetched(commit=commit, text=text, file=file)


def ref_not_found(ref: Ref) -> Trouble:
    """Return the trouble with a ref that is not there, in the API's words."""
    message = "Branch not found" if ref.tag is None else "Tag not found"
    return Trouble(kind=TroubleKind.REF_NOT_FOUND, message=message)


def _unreachable(url: str, error: Exception, access: Access | None) -> Trouble:
    if isinstance(error, FileNotFoundError):
        reason = "the git program was not found on the server"
    else:
        reason = shown(str(error)) or type(error).__name__
    message = f"The repository {shown(url)} could not be read: {reason}"
    if access is not None and access.problem:
        message += f" (its host gave no password for it: {access.problem})"
    return Trouble(kind=TroubleKind.UNREACHABLE, message=message)
