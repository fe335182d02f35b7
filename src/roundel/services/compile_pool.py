"""Compiling in worker processes: bounded in memory and time, started on first use.

A config is written by somebody else.  Whatever it does to the compiler, it does in a process of
its own, which has neither our environment nor our memory.
"""

import asyncio
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

import roundel
from roundel.domain.orbs import OrbLock
from roundel.domain.pipelines import ErrorType, PipelineError
from roundel.services.compile_worker import (
    LENGTH_BYTES,
    NO_PLAN,
    Answer,
    OrbGiven,
    OrbWanted,
    Question,
)
from roundel.services.compiling import (
    CompileOutcome,
    CompileRequest,
    OrbFound,
    OrbLookup,
    OrbUnusable,
)

WORKERS = 2  # one slow config then keeps nobody else waiting
SECONDS = 30.0  # a config of a thousand jobs takes about one
ORB_SECONDS = 60.0  # for all orbs together that have to be read or fetched
MOST_ORBS = 200  # references of one config, those of its orbs included
IDLE_SECONDS = 60.0  # a worker that nobody needs gives its 40 MB back

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from roundel.services.compile_worker import main; main()"
)
_encoder = msgspec.json.Encoder()
_answers = msgspec.json.Decoder(Answer | OrbWanted)

log = logging.getLogger(__name__)


class CompilePool:
    """Implements `services.compiling.Compiler`."""

    def __init__(self, *, seconds: float = SECONDS, idle_seconds: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._places = asyncio.Semaphore(WORKERS)
        self._idle: list[_Worker] = []
        self._reaper: asyncio.TimerHandle | None = None

    async def compile(self, request: CompileRequest) -> CompileOutcome:
        """Compile in a worker; one that dies or hangs costs its own config only."""
        question = Question(
            text=request.text,
            file=request.file,
            parameters=dict(request.parameters),
            values=dict(request.values),
            process=request.process,
            optional=dict(request.optional),
        )
        async with self._places:
            try:
                answer = await self._ask(_encoder.encode(question), _Given(request.orbs))
            except TimeoutError:
                return _failed(
                    ErrorType.TIMEOUT,
                    f"The config took longer than {self._seconds:g} s to compile.",
                )
            except (asyncio.IncompleteReadError, ConnectionError):
                return _failed(
                    ErrorType.OTHER, "The config needs more memory than compiling may use."
                )
        return _outcome(answer)

    async def _ask(self, question: bytes, orbs: "_Given") -> Answer:
        """Ask an idle worker, or a fresh one if it turns out to have died while idle."""
        if self._idle:
            try:
                return await self._ask_one(self._idle.pop(), question, orbs)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass  # something else may have killed it; the config deserves a fair trial
        return await self._ask_one(await _start(), question, orbs)

    async def _ask_one(self, worker: "_Worker", question: bytes, orbs: "_Given") -> Answer:
        answered = False
        try:
            answer = await worker.ask(question, self._seconds, orbs)
            answered = True
        finally:
            if answered:
                self._idle.append(worker)
                self._schedule_reaping()
            else:
                await worker.end()
        return answer

    async def close(self) -> None:
        """End all idle workers; those at work end with their calls."""
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        idle, self._idle = self._idle, []
        for worker in idle:
            await worker.end()

    def _schedule_reaping(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
        self._reaper = asyncio.get_running_loop().call_later(self._idle_seconds, self._reap)

    def _reap(self) -> None:
        idle, self._idle = self._idle, []
        for worker in idle:
            worker.let_go()


class _Worker:
    """One process; it answers one question after another and ends with its standard input."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, question: bytes, seconds: float, orbs: "_Given") -> Answer:
        """Return the answer; getting orbs for the worker has a time of its own."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds) as limit:
            await self._write(question)
            while True:
                answer = _answers.decode(await self._read())
                if isinstance(answer, Answer):
                    return answer
                left = max(0.0, (limit.when() or 0.0) - loop.time())
                limit.reschedule(None)
                given = await orbs.give(answer.reference)
                limit.reschedule(loop.time() + left)
                await self._write(_encoder.encode(given))

    async def _write(self, frame: bytes) -> None:
        stdin = self._process.stdin
        if stdin is None:
            raise ConnectionError("the worker has no pipes")
        stdin.write(len(frame).to_bytes(LENGTH_BYTES) + frame)
        await stdin.drain()

    async def _read(self) -> bytes:
        stdout = self._process.stdout
        if stdout is None:
            raise ConnectionError("the worker has no pipes")
        length = int.from_bytes(await stdout.readexactly(LENGTH_BYTES))
        return await stdout.readexactly(length)

    def let_go(self) -> None:
        """Let the worker end by itself, as it has nothing to do."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def end(self) -> None:
        self.let_go()
        with suppress(ProcessLookupError):
            self._process.kill()
        # An answer that nobody has read keeps the pipe open and `wait` waiting for its end; only
        # the transport can close it, and asyncio has no public way to that.
        self._process._transport.close()  # type: ignore[attr-defined]
        await asyncio.shield(self._process.wait())


class _Given:
    """Gets orbs for one compilation, within limits of number and time."""

    def __init__(self, lookup: OrbLookup | None) -> None:
        self._lookup = lookup
        self._count = 0
        self._seconds = ORB_SECONDS

    async def give(self, reference: str) -> OrbGiven:
        """Return what a reference means."""
        if self._lookup is None:
            return OrbGiven()
        self._count += 1
        if self._count > MOST_ORBS:
            return OrbGiven(refusal=f"This config uses more than {MOST_ORBS} orbs.")
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._lookup.find(reference)
        except TimeoutError:
            return OrbGiven(refusal=f"Getting the orb {reference} took too long.")
        finally:
            self._seconds = max(0.0, self._seconds - (loop.time() - began))
        match found:
            case OrbFound():
                return OrbGiven(found.reference, found.text, found.digest)
            case OrbUnusable():
                return OrbGiven(refusal=found.message)
            case _:
                return OrbGiven()


async def _start() -> _Worker:
    root = Path(roundel.__file__).parent.parent
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",  # nothing of the environment decides what the worker imports
        "-c",
        _START,
        str(root),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        start_new_session=True,  # Ctrl-C at the server's terminal is the server's affair
    )
    return _Worker(process)


def _outcome(answer: Answer) -> CompileOutcome:
    if answer.crash is not None:
        log.error("the compiler crashed:\n%s", answer.crash, extra={"event": "compile-crashed"})
        return _failed(
            ErrorType.OTHER,
            "Roundel failed to compile this config. The fault is Roundel's; its log says more.",
        )
    plan = bytes(answer.plan)
    orbs = tuple(OrbLock(written=o.written, exact=o.exact, digest=o.digest) for o in answer.orbs)
    if answer.errors or plan == NO_PLAN:
        problems = answer.errors or [("The config could not be compiled.", "")]
        errors = tuple(
            PipelineError(type=ErrorType.CONFIG, message=message, where=where)
            for message, where in problems
        )
        return CompileOutcome(output=answer.output, errors=errors, orbs=orbs)
    return CompileOutcome(output=answer.output, plan=plan.decode(), orbs=orbs)


def _failed(type_: ErrorType, message: str) -> CompileOutcome:
    return CompileOutcome(errors=(PipelineError(type=type_, message=message),))
