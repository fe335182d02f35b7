"""Shells of people in one job, beside its steps; what they print is masked as output is."""

import asyncio
import contextlib
import logging

from roundel.backends.protocol import NoShell, Sandbox, SandboxLost, Shell
from roundel.domain.runners import Lease, Server
from roundel.domain.shells import MOST_OF_A_JOB, ShellLine, WindowSize
from roundel.vault.masking import Forms, Masker
from roundel.wire.two_ways import until_one_ends

LOG = logging.getLogger("roundel.runner")
# What may be the beginning of a secret is held back for so long: who types wants to see it.
HELD_SECONDS = 0.1
REFUSED_SECONDS = 1.0  # between a call that led nowhere and the next look for one

NOT_UP = b"The job's environment is still being made; the shell begins once it is there.\r\n"
LEFT = "The shell has ended."
ENDED = "The job has ended, and the shell with it."


class JobShells:
    """The shells of one execution: begun when the server calls, ended with the job."""

    def __init__(self, server: Server, lease: Lease, forms: Forms) -> None:
        self._server = server
        self._lease = lease
        self._forms = forms
        self._up: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, sandbox: Sandbox) -> None:
        """The job is up, and people may come in."""
        self._up.set_result(sandbox)

    async def called(self) -> None:
        """Call the server back, and give whoever waits there a shell.  Returns at once."""
        if self._closed or len(self._tasks) >= MOST_OF_A_JOB:
            await asyncio.sleep(REFUSED_SECONDS)  # the server asks again at once
            return
        dialled = asyncio.Event()
        task = asyncio.create_task(self._dial(dialled), name=f"shell in {self._lease.execution_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await dialled.wait()

    def close(self) -> None:
        """End all of them, without waiting for it: the job's end is not held up."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    async def gone(self) -> None:
        """Wait until nothing of them is left."""
        self.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dial(self, dialled: asyncio.Event) -> None:
        try:
            async with self._server.shell(self._lease) as line:
                if line is None:
                    await asyncio.sleep(REFUSED_SECONDS)
                    return
                dialled.set()
                why = ENDED
                try:
                    why = await self._attend(line)
                finally:
                    await line.end(why)
        except Exception as error:  # the job goes on, whatever becomes of the line
            LOG.warning(
                "event=shell_broke execution=%s: %s: %s",
                self._lease.execution_id,
                type(error).__name__,
                error,
            )
            await asyncio.sleep(REFUSED_SECONDS)
        finally:
            dialled.set()

    async def _attend(self, line: ShellLine) -> str:
        """Join a person and a shell until one of them leaves; return why it is over."""
        if not self._up.done():
            await line.say(NOT_UP)
        sandbox = await asyncio.shield(self._up)
        try:
            async with sandbox.shell(line.size) as shell:
                await until_one_ends(self._say(shell, line), _type(line, shell))
        except (NoShell, SandboxLost) as error:
            return str(error)
        return LEFT

    async def _say(self, shell: Shell, line: ShellLine) -> None:
        masker = Masker(self._forms)
        reading = asyncio.ensure_future(shell.read())
        try:
            while True:
                if masker.held:
                    done, _ = await asyncio.wait([reading], timeout=HELD_SECONDS)
                    if not done:
                        await line.say(masker.flush())
                data = await reading
                if not data:
                    break
                reading = asyncio.ensure_future(shell.read())
                if shown := masker.feed(data):
                    await line.say(shown)
            if rest := masker.flush():
                await line.say(rest)
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading


async def _type(line: ShellLine, shell: Shell) -> None:
    while (typed := await line.heard()) is not None:
        if isinstance(typed, WindowSize):
            await shell.resize(typed.bounded())
        else:
            await shell.write(typed)
