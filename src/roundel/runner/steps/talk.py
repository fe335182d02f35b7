"""A runner's talk with the servant script of a step (servant.sh).

All commands may be given again: a runner that takes over begins a talk of its own, and answers
to its predecessor are known by their numbers.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from types import TracebackType

from roundel.backends.hostile import open_fifo
from roundel.backends.launch import quoted
from roundel.runner.archives.scan import Scan
from roundel.runner.archives.transfer import pack, plain, unpack

_LINE_BYTES = 4096
_RETRY_SECONDS = 0.01


class TalkBroken(Exception):
    """What lies between us and the script is not what we put there."""


def servant_script(*paths: str, target: str = ".", root: str = ".") -> str:
    """Return the script of a step."""
    text = (Path(__file__).parent / "servant.sh").read_text("utf-8")
    words = " ".join(quoted(path) for path in paths)
    return f"target={quoted(target)}\nroot={quoted(root)}\nset -- {words}\n{text}"


def talk_name(index: int) -> str:
    """Return the beginning of the names of a step's FIFOs in the job folder."""
    return f"{index}.talk"


def prepare_talk(base: Path) -> None:
    """Make the FIFOs of a talk; those that are there already stay."""
    for ending in (".go", ".re"):
        _make_fifo(base.with_name(base.name + ending))


class Talk:
    """One talk; leave the block to end it, which does not end the script."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._session = secrets.token_hex(4)
        self._asked = 0
        self._number = ""
        self._fifos: dict[str, Path] = {}
        self._stale: list[Path] = []
        self._answers: dict[str, asyncio.Future[str]] = {}
        self._partial = b""
        self._go = self._re = -1

    async def __aenter__(self) -> "Talk":
        # An earlier runner's commands may still wait for somebody at these.
        self._stale = list(self._base.parent.glob(f"{self._base.name}.*-*.*"))
        try:
            self._go = _open_fifo(self._path("go"))
            self._re = _open_fifo(self._path("re"))
        except TalkBroken:
            self._close()
            raise
        asyncio.get_running_loop().add_reader(self._re, self._heard)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    async def ask(self, word: str, rest: str = "") -> str:
        """Give a command; return the answer to it."""
        return await self._answer(self._tell(word, rest))

    async def contents(self, word: str, rest: str = "") -> AsyncGenerator[bytes, None]:
        """Give a command; yield what it writes."""
        number, fifo = self._begin("up")
        self._tell(word, rest, number)
        async for piece in plain(fifo):
            yield piece
        await self._answer(number)

    async def pack(self, word: str, scan: Scan) -> AsyncIterator[bytes]:
        """Let the script pack; yield the compressed archive.  `last_code` tells how it went."""
        number, fifo = self._begin("up")
        self._tell(word, "", number)
        async for piece in pack(fifo, scan):
            yield piece

    async def unpack(self, source: AsyncIterator[bytes], scan: Scan) -> str:
        """Let the script unpack a compressed archive; return its exit code."""
        number, fifo = self._begin("down")
        self._tell("unpack", "", number)
        try:
            await unpack(source, fifo, scan)
        except Exception:
            await self._answer(number)  # the script must not be left waiting
            raise
        return await self._answer(number)

    async def last_code(self) -> str:
        """Return the exit code of the command given last; what it still waits for ends."""
        return await self._answer(self._number)

    async def exit(self, code: int) -> None:
        """End the script.  Never returns: what was told is lost when nobody holds the FIFO open
        before the script does, so whoever runs the script cancels us at its end.
        """
        self._tell("exit", str(code))
        for_ever = asyncio.get_running_loop().create_future()
        while True:
            for path in [*self._stale, *self._fifos.values()]:
                _let_go(path)  # a command that we gave up may still be at it
            await asyncio.wait([for_ever], timeout=_RETRY_SECONDS if self._fifos else None)

    # -- inside --

    def _begin(self, ending: str) -> tuple[str, Path]:
        number = self._next_number()
        fifo = self._fifos[number] = self._path(f"{number}.{ending}")
        _make_fifo(fifo)
        return number, fifo

    def _next_number(self) -> str:
        self._asked += 1
        self._number = f"{self._session}-{self._asked}"
        self._answers[self._number] = asyncio.get_running_loop().create_future()
        return self._number

    def _tell(self, word: str, rest: str, number: str | None = None) -> str:
        number = number or self._next_number()
        line = f"{number} {word} {rest}".replace("\n", " ").encode("utf-8", "surrogateescape")
        try:
            os.write(self._go, line[: _LINE_BYTES - 1] + b"\n")
        except OSError as error:
            raise TalkBroken(f"the step cannot be told anything: {error.strerror}") from error
        return number

    async def _answer(self, number: str) -> str:
        """Wait for the answer; whoever waits at a FIFO that nobody serves any more is let go.

        Our side of the command is over when we ask for its answer.  The script does one thing
        after the other, so an answer says as well that it is done with all before.
        """
        answer = self._answers[number]
        while not answer.done():
            fifo = self._fifos.get(number)
            for path in [*self._stale, *([fifo] if fifo else [])]:
                _let_go(path)
            # No call waits for somebody at the other end without waiting for ever.
            await asyncio.wait([answer], timeout=_RETRY_SECONDS)
        for path in [*self._stale, *self._fifos.values()]:
            _remove(path)
        self._stale = []
        self._fifos.clear()
        return answer.result()

    def _heard(self) -> None:
        try:
            data = os.read(self._re, 64 * 1024)
        except OSError:
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        self._partial = self._partial[-_LINE_BYTES:]
        for line in lines:
            number, _, text = line.decode(errors="replace").partition(" ")
            waiting = self._answers.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result(text)

    def _path(self, ending: str) -> Path:
        return self._base.with_name(f"{self._base.name}.{ending}")

    def _close(self) -> None:
        if self._re >= 0:
            asyncio.get_running_loop().remove_reader(self._re)
        for descriptor in (self._go, self._re):
            if descriptor >= 0:
                os.close(descriptor)
        self._go = self._re = -1


def _make_fifo(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path)
        path.chmod(0o666)


def _open_fifo(path: Path) -> int:
    try:
        return open_fifo(path, os.O_RDWR)
    except OSError as error:
        raise TalkBroken(f"{path.name} cannot be opened: {error.strerror or error}") from error


def _let_go(path: Path) -> None:
    """Let whoever waits at a FIFO, or reads from it, see its end."""
    for way in (os.O_RDONLY, os.O_WRONLY):
        with contextlib.suppress(OSError):
            os.close(open_fifo(path, way))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
