"""A sandbox that is driven through a job folder: what `process` and `docker` share."""

import asyncio
import errno
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from roundel.backends.events import Ended, Record, TooMuch
from roundel.backends.finishing import finished
from roundel.backends.folder import JobFolder, NotOurs
from roundel.backends.launch import launch_text, shell_text
from roundel.backends.output import CAP_BYTES, Guard, OutputFile
from roundel.backends.protocol import (
    GRACE_SECONDS,
    Archives,
    CannotOpen,
    Exit,
    Facts,
    NoShell,
    Output,
    SandboxLost,
    Shell,
    StepOrder,
    Use,
)
from roundel.backends.wakeups import Bell, Wakeups

if TYPE_CHECKING:
    from roundel.backends.shells import Shells
    from roundel.domain.shells import WindowSize

_EVENTS_BYTES = 256 * 1024
_NO_GROUPS = (
    "the image has neither setsid nor bash, so a step cannot be stopped alone: "
    "the whole job was stopped"
)
READY_SECONDS = 30.0  # a supervisor that says nothing for this long never will


class Keeper(Protocol):
    """How a back end keeps a job's files and gives them back; see `Sandbox.save`."""

    async def save(self, name: str, folder: Path, cheaply: bool) -> str | None: ...

    async def restore(self, folder: Path) -> None: ...


class Meter(Protocol):
    """How a back end measures a job; see `Sandbox.measured`."""

    async def __call__(self, cheaply: bool) -> Use | None: ...


class FolderSandbox:
    """Drives one supervisor.  `inside` is the job folder's path as the job sees it."""

    def __init__(
        self,
        folder: JobFolder,
        wakeups: Wakeups,
        *,
        inside: str,
        environment: dict[str, str],
        job_directory: str,
        cap_bytes: int = CAP_BYTES,
        count_ooms: bool = False,
    ) -> None:
        self.opened_how = ""
        self.remote_docker: str | None = None
        self.kept = False
        self.engine_archives: Archives | None = None
        # The command that runs another one inside, on the terminal that it is given.
        self.entrance: Callable[[], tuple[str, ...] | None] = lambda: None
        self.launch_inside = str(folder.secrets)
        self.shells: Shells | None = None  # how it runs the script of a person's shell
        self.keeper: Keeper | None = None
        self.meter: Meter | None = None
        self._folder = folder
        self._wakeups = wakeups
        self._inside = inside
        self._environment = {
            "BASH_ENV": f"{inside}/bash_env",
            "CIRCLE_INTERNAL_TASK_DATA": f"{inside}/task",
            **environment,
        }
        self._job_directory = job_directory
        self._cap = cap_bytes
        self._count_ooms = count_ooms
        self._record = Record()
        self._bells: set[Bell] = set()
        self._lost: str | None = None
        self._unfit: str | None = None
        self._control = -1
        self._events = -1
        self._events_at = 0
        self._unwatch: Callable[[], None] | None = None

    def __enter__(self) -> "FolderSandbox":
        try:
            self._control = self._folder.open_control()
            self._events = self._folder.open_file("events")
        except NotOurs as error:
            self.__exit__(None, None, None)
            raise SandboxLost(str(error)) from error
        self._unwatch = self._wakeups.watch(self._folder.job, self._ring)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._unwatch is not None:
            self._unwatch()
        for descriptor in (self._control, self._events):
            if descriptor >= 0:
                os.close(descriptor)
        self._control = self._events = -1

    def lost(self, how: str, *, unfit: str | None = None) -> None:
        """Say that the world inside is gone: whoever waits for it hears so.

        `unfit` is what to say instead where it never came to be.
        """
        if self._lost is None:
            self._lost, self._unfit = how, unfit
        self._ring()

    async def facts(self) -> Facts:
        """Return what the supervisor found."""
        bell = self._hang()
        try:
            deadline = asyncio.get_running_loop().time() + READY_SECONDS
            while self._read_events().facts is None:
                if self._unfit is not None:
                    raise CannotOpen(self._unfit, infrastructure=False)
                self._check_lost()
                if asyncio.get_running_loop().time() > deadline:
                    raise SandboxLost(
                        f"the job's supervisor did not answer within {READY_SECONDS:.0f} s"
                    )
                await bell.wait(self._wakeups.poll_seconds)
        finally:
            self._bells.discard(bell)
        found = self._record.facts or {}
        return Facts(
            bash=found.get("bash") == "1", git=found.get("git") == "1", ssh=found.get("ssh") == "1"
        )

    def sees(self, path: Path) -> bool:
        """Nothing of the runner's machine is seen unless a back end says so."""
        del path
        return False

    def put(self, name: str) -> tuple[Path, str]:
        """Return a place in the job folder."""
        return self._folder.job / name, f"{self._inside}/{name}"

    async def question(self, number: int) -> str:
        """Wait for a question to be asked."""
        bell = self._hang()
        try:
            while len(asked := self._read_events().questions) <= number:
                self._check_lost()
                await bell.wait(self._wakeups.poll_seconds)
            return asked[number]
        finally:
            self._bells.discard(bell)

    def archives(self) -> Archives | None:
        """There is none unless a back end has an engine that knows how."""
        return self.engine_archives

    def terminal(self, environment: Mapping[str, str]) -> tuple[str, ...] | None:
        """Return the back end's way in, with a script that makes the steps' environment."""
        entrance = self.entrance()
        if entrance is None:
            return None
        merged = {**self._environment, **environment}
        self._folder.write_shell(shell_text(merged, self._job_directory, self._inside))
        return (*entrance, "/bin/sh", f"{self.launch_inside}/shell.sh")

    def shell(self, size: "WindowSize") -> AbstractAsyncContextManager[Shell]:
        """Run a script that makes the steps' environment, in the back end's way."""
        from roundel.backends.shells import scripted_shell  # no run without a server needs it

        self._check_lost()
        if self.shells is None:
            raise NoShell("This back end gives no shells.")
        text = shell_text(self._environment, self._job_directory, self._inside)
        return scripted_shell(self._folder, text, self.launch_inside, self.shells, size)

    async def save(self, name: str, folder: Path, *, cheaply: bool) -> str | None:
        """Nothing is kept unless a back end knows how."""
        return None if self.keeper is None else await self.keeper.save(name, folder, cheaply)

    async def restore(self, folder: Path) -> None:
        """As the back end knows how."""
        if self.keeper is not None:
            await self.keeper.restore(folder)

    def halted(self) -> bool:
        """Tell whether a step said so."""
        return self._folder.halted()

    def keep(self) -> None:
        """Leave all as it is at the end."""
        self.kept = True

    async def run(self, step: StepOrder, out: Output, *, from_offset: int = 0) -> Exit:
        """Run one step, or go on with it."""
        self._check_lost()
        index = step.index
        try:
            if index not in self._read_events().started:
                launch = launch_text(step, self._environment, self._job_directory)
                self._folder.write_step(index, step.script, launch)
                await self._tell(f"run {index}")
            descriptor = self._folder.open_file(f"{index}.out")
        except NotOurs as error:
            raise SandboxLost(str(error)) from error
        except OSError as error:
            raise SandboxLost(f"the job folder cannot be written: {error.strerror}") from error
        output = OutputFile(descriptor, from_offset, lambda on: self._freeze(index, on), self._cap)
        bell = self._hang()
        try:
            ended = await self._follow(index, output, out, bell)
        except asyncio.CancelledError:
            if not self.kept:
                await finished(self._end_step(index))
            raise
        finally:
            self._bells.discard(bell)
            output.close()
        failed = ended.code != 0
        return Exit(
            code=ended.code,
            oom=self._count_ooms and failed and ended.ooms > 0,
            disk_full=failed and self._record.full,
        )

    async def measured(self, *, cheaply: bool) -> Use | None:
        """As the back end knows how."""
        return None if self.meter is None else await self.meter(cheaply)

    async def stop_step(self, index: int) -> None:
        """TERM, and KILL after the grace time or for what the step leaves behind."""
        await finished(self._end_step(index))

    # -- inside --

    async def _follow(self, index: int, output: OutputFile, out: Output, bell: Bell) -> Ended:
        loop = asyncio.get_running_loop()
        while True:
            # First the event, then the output: all that the step wrote was there before its end.
            lost = self._lost
            ended = self._read_events().ended.get(index)
            while data := output.read():
                with Guard(loop, output):
                    await out(data, output.offset)
            if ended is not None:
                return ended
            if lost is not None:
                raise SandboxLost(lost)
            await bell.wait(self._wakeups.poll_seconds)

    async def _end_step(self, index: int) -> None:
        loop = asyncio.get_running_loop()
        bell = self._hang()
        try:
            # A step without a process group yet would not hear the signal.
            while index not in self._read_events().started:
                self._check_lost()
                await bell.wait(self._wakeups.poll_seconds)
            if index in self._record.ended:
                return
            if (self._record.facts or {}).get("groups") == "none":
                self.lost(_NO_GROUPS)
            await self._tell(f"signal {index} TERM")
            await self._tell(f"signal {index} CONT")  # it may be frozen
            deadline = loop.time() + GRACE_SECONDS
            while index not in self._read_events().ended and self._lost is None:
                left = deadline - loop.time()
                if left <= 0:
                    break
                await bell.wait(min(left, self._wakeups.poll_seconds))
            # Also after a polite end: children that ignored TERM are still in the group.
            await self._tell(f"signal {index} KILL")
        except SandboxLost:
            return  # then nothing of the step is left either
        finally:
            self._bells.discard(bell)

    def _freeze(self, index: int, on: bool) -> None:
        try:
            os.write(self._control, f"signal {index} {'STOP' if on else 'CONT'}\n".encode())
        except OSError:
            self._ring()

    async def _tell(self, line: str) -> None:
        bell = self._hang()
        try:
            while True:
                self._check_lost()
                try:
                    os.write(self._control, line.encode() + b"\n")
                except OSError as error:
                    if error.errno != errno.EAGAIN:
                        raise SandboxLost(f"control of the job failed: {error.strerror}") from error
                else:
                    return
                await bell.wait(self._wakeups.poll_seconds)
        finally:
            self._bells.discard(bell)

    def _read_events(self) -> Record:
        try:
            while data := os.pread(self._events, _EVENTS_BYTES, self._events_at):
                self._events_at += len(data)
                self._record.feed(data)
        except TooMuch:
            self._lost = self._lost or "the job's events file was flooded"
        found = os.fstat(self._events)
        if found.st_nlink == 0 or found.st_size < self._events_at:
            self._lost = self._lost or "the job removed or cut the events file of its job folder"
        return self._record

    def _check_lost(self) -> None:
        if self._lost is not None:
            raise SandboxLost(self._lost)

    def _hang(self) -> Bell:
        bell = Bell()
        self._bells.add(bell)
        return bell

    def _ring(self) -> None:
        for bell in self._bells:
            bell.ring()
