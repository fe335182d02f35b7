"""A back end without processes, for tests: each step does what its environment says.

FAKE_OUTPUT  is what the step writes (nothing by default)
FAKE_SLEEP   is how many seconds it takes after that
FAKE_EXIT    is its exit code (0 by default)
FAKE_HALT    when set, the step asks to end the job

A shell says what is typed into it, and ends at a Ctrl-D.

A `FakeBackend` given to a second runner is the machine that outlived the first: steps go on while
nobody looks, and can be adopted.  Used wrongly it complains with an AssertionError.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import field
from pathlib import Path

from roundel.backends.protocol import (
    CannotOpen,
    Exit,
    Facts,
    Output,
    Sandbox,
    SandboxLost,
    Shell,
    StepOrder,
    Use,
)
from roundel.domain.ids import ExecutionId
from roundel.domain.records import dataclass
from roundel.domain.runners import JobOrder
from roundel.domain.shells import WindowSize


@dataclass(slots=True)
class _Step:
    """A step that runs or has run."""

    order: StepOrder
    output: bytes = b""
    code: int | None = None
    killed: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    timer: asyncio.TimerHandle | None = None

    def end(self, code: int | None) -> None:
        if not self.ended.is_set():
            self.code = code
            self.ended.set()
        if self.timer is not None:
            self.timer.cancel()


@dataclass(slots=True)
class _World:
    """What one execution has: it outlives the sandbox that drives it, if that says `keep`."""

    home: Path
    environment: dict[str, str]
    steps: dict[int, _Step] = field(default_factory=dict)
    driven: bool = False
    halted: bool = False
    lost: bool = False
    shells: list["_FakeShell"] = field(default_factory=list)


class FakeBackend:
    """`broken` is what `why_unusable` and `refuse` what `open` answers."""

    ahead = None  # a world costs too little to make it before its job comes

    def __init__(self, *, broken: str | None = None, refuse: CannotOpen | None = None) -> None:
        self.worlds: dict[ExecutionId, _World] = {}
        self._broken = broken
        self._refuse = refuse

    async def why_unusable(self) -> str | None:
        """Return what the test wants it to say."""
        return self._broken

    def open(self, order: JobOrder, folder: Path) -> AbstractAsyncContextManager[Sandbox]:
        """Make a world, or go on with the one that was kept."""
        return self._open(order, folder)

    async def sweep(self, home: Path, alive: Collection[ExecutionId]) -> int:
        """Remove worlds of `home` that are not in `alive`."""
        left = [
            execution
            for execution, world in self.worlds.items()
            if world.home == home and execution not in alive
        ]
        for execution in left:
            _end(self.worlds.pop(execution))
        return len(left)

    async def drop_saved(self, repository: str, tags: Collection[str] | None = None) -> int:
        """There are no images here."""
        del repository, tags
        return 0

    async def close(self) -> None:
        """There is nothing to give back."""

    def lose(self, execution: ExecutionId) -> None:
        """Let a world vanish, as when an engine is restarted."""
        world = self.worlds.pop(execution)
        world.lost = True
        _end(world)

    @asynccontextmanager
    async def _open(self, order: JobOrder, folder: Path) -> AsyncIterator[Sandbox]:
        execution = order.lease.execution_id
        _demand(os.access(folder, os.X_OK), "the folder must exist")
        if self._refuse is not None:
            raise self._refuse
        world = self.worlds.get(execution)
        if world is None:
            if os.access(folder / "fake", os.F_OK):
                raise SandboxLost("the fake world is gone")
            world = _World(home=folder.parent, environment=order.environment)
            self.worlds[execution] = world
            (folder / "fake").touch()
        _demand(not world.driven, "two runners drive one execution")
        world.driven = True
        sandbox = _FakeSandbox(world, folder)
        try:
            yield sandbox
        finally:
            world.driven = False
            if not sandbox.kept:
                _end(world)
                self.worlds.pop(execution, None)
                (folder / "fake").unlink(missing_ok=True)


class _FakeSandbox:
    opened_how = "A fake environment.\n"
    use = Use(cpu_ms=250, memory=64_000_000)  # whenever it is asked

    def __init__(self, world: _World, folder: Path) -> None:
        self.kept = False
        self._world = world
        self._folder = folder

    async def facts(self) -> Facts:
        return Facts(bash=True, git=True, ssh=True)

    def sees(self, path: Path) -> bool:
        del path
        return True

    def put(self, name: str) -> tuple[Path, str]:
        return self._folder / name, f"/fake/{name}"

    def archives(self) -> None:
        """There is no engine."""

    async def question(self, number: int) -> str:
        """Nothing inside asks."""
        del number
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")

    @property
    def remote_docker(self) -> str | None:
        return None

    def terminal(self, environment: Mapping[str, str]) -> tuple[str, ...] | None:
        del environment
        return None

    @asynccontextmanager
    async def shell(self, size: WindowSize) -> AsyncIterator[Shell]:
        self._check_lost()
        shell = _FakeShell()
        shell.say(f"{size.columns}x{size.rows}$ ".encode())
        self._world.shells.append(shell)
        try:
            yield shell
        finally:
            self._world.shells.remove(shell)

    async def save(self, name: str, folder: Path, *, cheaply: bool) -> str | None:
        del name, folder, cheaply
        return None

    async def restore(self, folder: Path) -> None:
        del folder

    async def measured(self, *, cheaply: bool) -> Use | None:
        return None if cheaply else self.use

    def halted(self) -> bool:
        return self._world.halted

    def keep(self) -> None:
        self.kept = True

    async def run(self, step: StepOrder, out: Output, *, from_offset: int = 0) -> Exit:
        world = self._world
        _demand(world.driven, "a step after the sandbox was left")
        self._check_lost()
        running = world.steps.get(step.index)
        if running is None:
            others = [s for s in world.steps.values() if not s.ended.is_set()]
            foreground = [s for s in others if not s.order.background]
            _demand(not foreground, "two steps in the foreground at once")
            running = world.steps[step.index] = self._start(step)
        try:
            if left := running.output[from_offset:]:
                await out(left, len(running.output))
            await running.ended.wait()
        except asyncio.CancelledError:
            if not self.kept:
                running.end(None)
            raise
        self._check_lost()
        return Exit(code=running.code)

    async def stop_step(self, index: int) -> None:
        self._world.steps[index].end(143)

    def _start(self, order: StepOrder) -> _Step:
        says = {**self._world.environment, **order.environment}
        step = _Step(order, says.get("FAKE_OUTPUT", "").encode())
        self._world.halted = self._world.halted or "FAKE_HALT" in says
        code, seconds = int(says.get("FAKE_EXIT", "0")), float(says.get("FAKE_SLEEP", "0"))
        if seconds:
            step.timer = asyncio.get_running_loop().call_later(seconds, step.end, code)
        else:
            step.end(code)
        return step

    def _check_lost(self) -> None:
        if self._world.lost:
            raise SandboxLost("the fake world is gone")


class _FakeShell:
    def __init__(self) -> None:
        self._said: asyncio.Queue[bytes] = asyncio.Queue()

    def say(self, data: bytes) -> None:
        self._said.put_nowait(data)

    async def read(self) -> bytes:
        return await self._said.get()

    async def write(self, data: bytes) -> None:
        self.say(b"" if b"\x04" in data else data)

    async def resize(self, size: WindowSize) -> None:
        self.say(f"{size.columns}x{size.rows}".encode())


def _demand(kept: bool, promise: str) -> None:
    if not kept:
        raise AssertionError(f"the fake back end was used wrongly: {promise}")


def _end(world: _World) -> None:
    for step in world.steps.values():
        step.end(None)
