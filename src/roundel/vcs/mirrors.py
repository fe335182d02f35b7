"""What was fetched of repositories elsewhere: commits and trees, and the files that were asked for.

A repository may be of any size and its config is one file of it, so contents come one by one, where
the host can leave them out; where it cannot, all of them come.
"""

import asyncio
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from roundel.domain.records import dataclass
from roundel.vcs.git import LOCAL, REMOTE, GitFailed, open_objects, run_git

LOCAL_SECONDS = 10.0
FETCH_SECONDS = 120.0

_NAME = "origin"
_BLOB = re.compile(rb"\d+ blob ([0-9a-f]+)\t")
_WHOLE = "roundel-whole"  # a file in mirrors whose host leaves out what it does not give later
_NOT_THERE = "couldn't find remote ref"
# Of a host that leaves contents out, and gives only what a branch or tag names.
_NOT_GIVEN = ("request for unadvertised object", "not our ref")


class LeftOut(GitFailed):
    """The host has left a file's content out, and does not give it alone."""


@dataclass(frozen=True, slots=True)
class Remote:
    """An address elsewhere, and the environment in which git reaches it."""

    url: str
    extra: Mapping[str, str]


class Mirror:
    """A bare repository of ours; whoever changes it or asks it for more holds `lock`.

    Settings are given with each command: an address may hold a password, and is in no file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = asyncio.Lock()

    async def prepare(self, *, whole: bool) -> None:
        """Make it if it is not there; with `whole`, anew and for all contents."""
        if whole:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        if not (self.folder / "HEAD").exists():
            words = ("init", "--quiet", "--bare", "--", str(self.folder))
            await run_git(*words, extra=REMOTE, seconds=LOCAL_SECONDS)
        if whole:
            (self.folder / _WHOLE).touch()

    async def bring(
        self, remote: Remote, names: tuple[str, ...], revision: str | None
    ) -> tuple[str, ...]:
        """Fetch the first ref that is there, and a commit although its branch may have moved on.

        Return the names under which refs are kept here; none where there is neither.
        """
        found = False
        for name in names:
            try:
                await self._fetch(remote, f"+{name}:{_kept(name)}")
            except GitFailed as error:
                if _NOT_THERE not in str(error):
                    raise
                continue
            found = True
            break
        if revision is not None:
            async with open_objects(self.folder, extra=LOCAL, seconds=LOCAL_SECONDS) as objects:
                there = await objects.get(f"{revision}^{{commit}}") is not None
            if not there:
                await self._fetch(remote, revision)
            found = True
        return tuple(map(_kept, names)) if found else ()

    async def bring_file(self, remote: Remote, commit: str, path: str) -> None:
        """Fetch a file's content, if the commit has that file and we do not have it yet.

        Raise LeftOut where nothing but fetching everything anew helps.
        """
        try:
            listed = await run_git(
                *("ls-tree", commit, "--", path),
                folder=self.folder,
                extra=LOCAL,
                seconds=LOCAL_SECONDS,
            )
        except GitFailed:
            return  # whoever reads it sees that it is not there
        entry = _BLOB.match(listed)
        if entry is None:
            return
        try:
            await run_git(
                *("cat-file", "-e", entry[1].decode()),
                folder=self.folder,
                settings=self._settings(remote),
                extra=remote.extra,
                seconds=FETCH_SECONDS,
            )
        except GitFailed as error:
            if any(words in str(error) for words in _NOT_GIVEN):
                raise LeftOut(str(error)) from None
            raise

    async def _fetch(self, remote: Remote, what: str) -> None:
        await run_git(
            *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--depth=1"),
            *("--", _NAME, what),
            folder=self.folder,
            settings=self._settings(remote),
            extra=remote.extra,
            seconds=FETCH_SECONDS,
        )

    def _settings(self, remote: Remote) -> tuple[str, ...]:
        """Return what tells git where the rest is, and to leave it there until it is needed."""
        place = f"remote.{_NAME}.url={remote.url}"
        if (self.folder / _WHOLE).exists():
            return (place,)
        return (
            place,
            f"remote.{_NAME}.promisor=true",
            f"remote.{_NAME}.partialclonefilter=blob:none",
        )


def _kept(name: str) -> str:
    """Return the name under which a fetched ref is kept."""
    return f"refs/roundel/{name.removeprefix('refs/')}"
