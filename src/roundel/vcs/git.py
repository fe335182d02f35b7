"""The git program: started without a terminal, without questions, and never for too long."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from roundel.domain.records import dataclass
from roundel.wire.git_settings import undirected_environment
from roundel.wire.programs import Program, start

OUTPUT_LIMIT = 8 * 1024 * 1024  # bytes of one object that we are ready to take

_BASE = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",  # answers every question with nothing
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",  # we look into messages
}
# Only these transports, whatever a repository's own config says.
REMOTE = {"GIT_ALLOW_PROTOCOL": "https:ssh"}
# Reading a folder must not fetch, so that nothing in its config can start a program.
LOCAL = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
SSH = "ssh -o BatchMode=yes -o ConnectTimeout=10"


class GitFailed(Exception):
    """git ended with an error or took too long; `str()` is what it said."""


@dataclass(frozen=True, slots=True)
class GitObject:
    """An object as `cat-file --batch` gives it."""

    name: str
    type: str
    data: bytes


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for git; variables that redirect it elsewhere are dropped."""
    kept = undirected_environment()
    if not {"GIT_SSH", "GIT_SSH_COMMAND"} & kept.keys():
        kept["GIT_SSH_COMMAND"] = SSH
    return {**kept, **_BASE, **extra}


async def run_git(
    *arguments: str,
    folder: Path | None = None,
    settings: tuple[str, ...] = (),
    extra: Mapping[str, str],
    seconds: float,
) -> bytes:
    """Run git to its end; return what it printed, or raise GitFailed.

    `settings` are `NAME=VALUE`, for this command and those that it starts.
    """
    before = tuple(word for setting in settings for word in ("-c", setting))
    async with _started((*before, *arguments), folder, extra) as program:
        try:
            async with asyncio.timeout(seconds):
                out, error = await program.output()
                code = await program.code()
        except TimeoutError:
            raise GitFailed(f"git {arguments[0]} took longer than {seconds:.0f} s") from None
    if code != 0:
        raise GitFailed(_last_words(error) or f"git {arguments[0]} failed")
    return out


class Objects:
    """One `cat-file --batch` process: ask for objects by expression, one after another."""

    def __init__(self, program: Program) -> None:
        self._program = program

    async def get(self, expression: str) -> GitObject | None:
        """Return the object, or None if there is none of that name."""
        stdin, stdout = self._program.stdin, self._program.stdout
        try:
            stdin.write(expression.encode() + b"\n")
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError, RuntimeError):
            # uvloop says RuntimeError for a pipe whose reader has ended already.
            raise GitFailed(await self._complaint()) from None
        header = await stdout.readline()
        if not header:
            raise GitFailed(await self._complaint())
        words = header.decode(errors="replace").rstrip("\n").rsplit(" ", 2)
        if len(words) != 3 or not words[2].isdigit():
            return None  # "… missing", "… ambiguous"
        size = int(words[2])
        if size > OUTPUT_LIMIT:
            raise GitFailed(f"{expression.rpartition(':')[2]} is too large ({size} bytes)")
        data = await stdout.readexactly(size + 1)
        return GitObject(words[0], words[1], data[:-1])

    async def _complaint(self) -> str:
        return _last_words(await self._program.stderr.read()) or "git failed"


@asynccontextmanager
async def open_objects(
    folder: Path, *, extra: Mapping[str, str], seconds: float
) -> AsyncIterator[Objects]:
    """Open a repository's objects for reading; whatever is done inside is limited in time."""
    async with _started(("cat-file", "--batch"), folder, extra) as program:
        try:
            async with asyncio.timeout(seconds):
                yield Objects(program)
        except TimeoutError:
            raise GitFailed(f"reading the repository took longer than {seconds:.0f} s") from None


@asynccontextmanager
async def _started(
    arguments: tuple[str, ...], folder: Path | None, extra: Mapping[str, str]
) -> AsyncIterator[Program]:
    """Start git, and leave nothing of it behind: nor of its own children (ssh, helpers)."""
    where = () if folder is None else ("-C", str(folder))
    program = await start(("git", *where, *arguments), environment(extra))
    try:
        yield program
    finally:
        await program.end()


def _last_words(error: bytes) -> str:
    """Return the part of git's complaint that says why."""
    lines = [line.strip() for line in error.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
    return " ".join((telling or lines)[:3])[:500]
