"""The live view of a local run, on a terminal: what happens, and keys to act on it."""

import asyncio
import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

from roundel.app.local_desk import Command, Verb
from roundel.cli.board import Board, Row
from roundel.cli.lending import taking_back
from roundel.cli.run_output import tell_summary
from roundel.cli.screen import Choice, Picture
from roundel.domain.clock import SystemClock
from roundel.domain.ids import JobId

if TYPE_CHECKING:
    from roundel.app.local_events import Event

FRAME_SECONDS = 0.1  # between two pictures: as often as an eye can follow
CLOCK_SECONDS = 1.0  # without news, for the times that go on
FAILED_LINES = 20  # of each failed job, once the view is gone
_KEYS = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1b[5~": "back",
    b"\x1b[6~": "forth",
    b"\x1b[F": "end",
    b"k": "up",
    b"j": "down",
    b"\t": "down",
    b"b": "back",
    b" ": "forth",
    b"G": "end",
    b"c": "cancel",
    b"r": "rerun",
    b"s": "shell",
    b"q": "leave",
    b"y": "yes",
    b"n": "no",
}


class LiveView:
    """Implements `Audience`, `Desk` and `Decide` on the terminal that the program was started on.

    It draws from the first job on until `close`, which prints what came of the run.
    """

    def __init__(self) -> None:
        self._board = Board()
        self._choice = Choice()
        self._followed = True  # nobody has chosen yet: the choice goes with what happens
        # A size in the environment is that of the terminal when a shell was started.
        size = {"COLUMNS", "LINES"}
        environment = {name: value for name, value in os.environ.items() if name not in size}
        self._console = Console(highlight=False, _environ=environment)
        self._live: Live | None = None
        self._saved: Any = None  # the terminal's settings, as termios has them
        self._commands: asyncio.Queue[Command] = asyncio.Queue()
        self._news = asyncio.Event()
        self._drawing: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[bool] | None = None
        self._asking = asyncio.Lock()
        self._lent = asyncio.Lock()
        self._clock = SystemClock()
        self._rest = b""
        self._again: tuple[str, str] | None = None  # name and id of the job that is to run again

    # -- what happens --

    def hear(self, event: "Event") -> None:
        """Show an event."""
        self._board.hear(event)
        if self._drawing is None and self._board.rows and self._board.summary is None:
            self._begin()  # not before: until there are jobs, questions may be asked
        self._news.set()

    def close(self) -> None:
        """Leave the screen; print what failed, and what came of the run."""
        if self._drawing is not None:
            self._drawing.cancel()
            self._drawing = None
        self._leave()
        told: list[object] = []  # what a rerun has kept stands in both rows
        for row in self._board.rows:
            if row.failed and row.said and row.lines not in told:
                told.append(row.lines)
                self._console.print(f"{row.name}: {row.status}", style="bold red", markup=False)
                for line in list(row.lines)[-FAILED_LINES:]:
                    sys.stdout.write(f"  {line}\n")
        for note in self._board.notes:
            self._console.print(note, style="yellow", markup=False)
        sys.stdout.flush()
        if self._board.summary is not None:
            tell_summary(self._board.summary)

    # -- the person --

    async def command(self) -> Command:
        """Return what the next key asks for."""
        return await self._commands.get()

    async def decide(self, workflow: str, job: str) -> bool | None:
        """Ask for an approval; a no leaves the job waiting."""
        async with self._asking:
            self._choice.question = f"Approve {job} of workflow {workflow}? [y/n]"
            self._answer = asyncio.get_running_loop().create_future()
            self._news.set()
            try:
                return True if await self._answer else None
            finally:
                self._answer = None
                self._choice.question = ""
                self._news.set()

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[None]:
        """Leave the screen to a program, and come back."""
        async with self._lent:
            self._leave()
            try:
                with taking_back(sys.stdin.fileno()):
                    yield
            finally:
                self._enter()
                self._news.set()

    # -- the screen --

    def _begin(self) -> None:
        self._enter()
        self._drawing = asyncio.get_running_loop().create_task(self._draw(), name="live view")

    def _enter(self) -> None:
        number = sys.stdin.fileno()
        self._saved = termios.tcgetattr(number)
        tty.setcbreak(number)  # Ctrl-C stays a signal
        loop = asyncio.get_running_loop()
        loop.add_reader(number, self._keys)
        loop.add_signal_handler(signal.SIGWINCH, self._news.set)
        self._live = Live(
            self._picture(),
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def _leave(self) -> None:
        if self._live is None:
            return
        self._live.stop()
        self._live = None
        number = sys.stdin.fileno()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop = asyncio.get_running_loop()
            loop.remove_reader(number)
            loop.remove_signal_handler(signal.SIGWINCH)
        if self._saved is not None:
            termios.tcsetattr(number, termios.TCSADRAIN, self._saved)
            self._saved = None

    async def _draw(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOCK_SECONDS):
                    await self._news.wait()
            self._news.clear()
            if self._live is not None:
                self._choose()
                self._live.update(self._picture(), refresh=True)
            await asyncio.sleep(FRAME_SECONDS)

    def _picture(self) -> Picture:
        return Picture(self._board, self._choice, self._clock.now())

    def _choose(self) -> None:
        """Let the choice go with what happens, until somebody chooses."""
        rows = self._board.rows
        if self._again is not None:
            name, job = self._again
            later = [row for row in rows if row.name == name][-1:]
            if later and later[0].job != job:
                self._choice.job, self._again = later[0].job, None
        if self._followed:
            lively = [row for row in rows if row.failed] or [
                row for row in rows if row.status == "running"
            ]
            if lively and self._choice.job not in {row.job for row in lively}:
                self._choice.job = lively[0].job
        if self._choice.job is None and rows:
            self._choice.job = rows[0].job

    # -- keys --

    def _keys(self) -> None:
        data = self._rest + os.read(sys.stdin.fileno(), 1024)
        self._rest = b""
        while data:
            found = next((key for key in _KEYS if data.startswith(key)), None)
            if found is None and len(data) < 4 and any(key.startswith(data) for key in _KEYS):
                self._rest = data  # the rest of a key is still on its way
                break
            if found is not None:
                self._act(_KEYS[found])
            data = data[len(found or b"x") :]
        self._news.set()

    def _act(self, word: str) -> None:
        choice = self._choice
        page = max(1, self._console.size.height // 3)
        match word:
            case "up" | "down":
                self._move(-1 if word == "up" else 1)
            case "back":
                row = self._chosen()
                choice.back = min(choice.back + page, len(row.lines) if row else 0)
            case "forth":
                choice.back = max(0, choice.back - page)
            case "end":
                choice.back = 0
            case "yes" | "no":
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(word == "yes")
            case _:
                row = self._chosen()
                job = None if row is None else JobId(row.job)
                if row is not None and word == "rerun":
                    self._again, choice.back = (row.name, row.job), 0
                    self._followed = False
                self._commands.put_nowait(Command(verb=Verb(word), job=job))

    def _chosen(self) -> Row | None:
        return next((row for row in self._board.rows if row.job == self._choice.job), None)

    def _move(self, by: int) -> None:
        rows = self._board.rows
        if not rows:
            return
        at = next((n for n, row in enumerate(rows) if row.job == self._choice.job), 0)
        self._choice.job = rows[max(0, min(at + by, len(rows) - 1))].job
        self._choice.back = 0
        self._followed = False
