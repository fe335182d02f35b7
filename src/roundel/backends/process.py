"""Jobs as processes of this machine: for trusted code, and where there is no container engine.

The supervisor is detached from the runner (a session of its own) and outlives it.  Where the
kernel lets us, it is the first process of a PID namespace, so that its end is the end of every
process of the job, and it has a /tmp of its own.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from roundel.backends.ahead import folder_ahead, names_ahead, remove_folder_ahead
from roundel.backends.copies import Copies
from roundel.backends.finishing import finished
from roundel.backends.folder import JobFolder
from roundel.backends.ground import Ground
from roundel.backends.namespaces import way_in
from roundel.backends.output import CAP_BYTES
from roundel.backends.process_ahead import WorldsAhead, given_to
from roundel.backends.process_notice import notice
from roundel.backends.process_use import ProcessTable, use_at_the_end
from roundel.backends.process_world import IDENTITY, SHARED_TMP, World, clear
from roundel.backends.processes import Identity, end_marked, executions_of, watched
from roundel.backends.protocol import Sandbox, SandboxLost, Shell, Use
from roundel.backends.sandbox import FolderSandbox
from roundel.backends.users import INSIDE, JobUser, has_own_user, user_of
from roundel.backends.wakeups import Wakeups
from roundel.domain.ids import ExecutionId
from roundel.domain.plan import DEFAULT_WORKING_DIRECTORY, ExecutorKind
from roundel.domain.runners import JobOrder

if TYPE_CHECKING:
    from roundel.domain.shells import WindowSize


class ProcessBackend:
    """Opens sandboxes as sessions of this machine; without `namespaces` not even isolated."""

    def __init__(
        self,
        *,
        namespaces: bool = True,
        own_users: bool = True,
        cap_bytes: int = CAP_BYTES,
        engine: bool = False,
    ) -> None:
        self._ground = Ground(namespaces=namespaces, own_users=own_users)
        self._engine = engine  # whether jobs may use this machine's container engine
        self._cap = cap_bytes
        self._wakeups: Wakeups | None = None
        self._table = ProcessTable()
        self.ahead = WorldsAhead(self._ground, own_users=not engine)

    async def why_unusable(self) -> str | None:
        """A POSIX shell is all that is needed."""
        if os.name != "posix" or not os.access("/bin/sh", os.X_OK):
            return "Jobs cannot run as processes here: there is no /bin/sh."
        self._ground.begin()
        return None

    def open(self, order: JobOrder, folder: Path) -> AbstractAsyncContextManager[Sandbox]:
        """Start a supervisor, or find the one that was started in `folder`."""
        return self._open(order, folder)

    async def sweep(self, home: Path, alive: Collection[ExecutionId]) -> int:
        """Kill what carries the mark of a job of `home` that is no longer wanted."""
        there = await asyncio.to_thread(names_ahead, home)
        found = await asyncio.to_thread(executions_of, str(home))
        kept = self.ahead.names() | {name for it in alive if (name := given_to(home / it))}
        left = found - kept.union(alive)
        for execution in left:
            await end_marked(execution)
        for name in there - kept:
            await asyncio.to_thread(remove_folder_ahead, home, name)
        return len(left)

    async def drop_saved(self, repository: str, tags: Collection[str] | None = None) -> int:
        """There are no images here."""
        del repository, tags
        return 0

    async def close(self) -> None:
        """Remove what was made ahead, and give back the inotify descriptor."""
        await self.ahead.drop()
        await self._ground.close()
        if self._wakeups is not None:
            self._wakeups.close()
            self._wakeups = None

    @asynccontextmanager
    async def _open(self, order: JobOrder, root: Path) -> AsyncIterator[Sandbox]:
        if self._wakeups is None:
            self._wakeups = Wakeups()
        own = JobFolder(root, order.lease.execution_id)
        directory = order.working_directory or DEFAULT_WORKING_DIRECTORY
        reaches_engine = self._engine or order.executor.kind is ExecutorKind.MACHINE
        world, supervisor, adopted = await self._world(own, directory, reaches_engine)
        sandbox = _ProcessSandbox(
            world.folder,
            self._wakeups,
            user=world.user,
            environment=_environment(order),
            job_directory=directory,
            cap_bytes=self._cap,
        )
        if reaches_engine:
            sandbox.remote_docker = "Using the container engine of this machine."
        sandbox.opened_how = notice(order, world.isolation, world.user)
        sandbox.keeper = Copies(world.folder.root)
        sandbox.meter = partial(self._use, supervisor.pid)
        if world.user is None:  # people look into their own jobs only
            sandbox.entrance = lambda: way_in(supervisor.pid, world.isolation, world.base())
        else:
            sandbox.launch_inside = str(INSIDE / "launch")
        sandbox.shells = partial(_shell, world, supervisor)
        try:
            with sandbox, watched(supervisor, sandbox.lost):
                if adopted:
                    _check_alive(supervisor)
                yield sandbox
        finally:
            if not sandbox.kept:
                await finished(_removed(world, supervisor, own))

    async def _world(
        self, own: JobFolder, directory: str, reaches_engine: bool
    ) -> tuple[World, Identity, bool]:
        """Return the job's world, its supervisor, and whether it had both already."""
        isolation, own_users = await self._ground.known()
        home = own.root.parent
        if (known := Identity.load(own.root / IDENTITY)) is not None:
            supervisor, name = known
            folder = folder_ahead(home, name) if name else own
            if name or folder.exists():
                user = user_of(folder.execution) if has_own_user(folder) else None
                world = World(folder=folder, home=home, isolation=isolation, user=user)
                return world, supervisor, True
        await clear(own)
        # Who has the machine's engine, or is to be at home on the machine, has all of it anyway.
        with_user = own_users and not reaches_engine
        given = self.ahead.give(own, with_user=with_user)
        if given is None:
            user = user_of(own.execution) if with_user else None
            world = World(folder=own, home=home, isolation=isolation, user=user)
            supervisor = world.start()
            supervisor.save(own.root / IDENTITY)
        else:
            world, supervisor = given
        world.make_directory(directory)
        return world, supervisor, False

    async def _use(self, pid: int, cheaply: bool) -> Use | None:
        if cheaply:
            return use_at_the_end(pid)
        return await asyncio.to_thread(self._table.use_of, pid)


class _ProcessSandbox(FolderSandbox):
    def __init__(
        self,
        folder: JobFolder,
        wakeups: Wakeups,
        *,
        user: JobUser | None,
        environment: dict[str, str],
        job_directory: str,
        cap_bytes: int,
    ) -> None:
        super().__init__(
            folder,
            wakeups,
            inside=str(folder.job if user is None else INSIDE / "job"),
            environment=environment,
            job_directory=job_directory,
            cap_bytes=cap_bytes,
        )
        self._user = user

    def sees(self, path: Path) -> bool:
        """All but what a private /tmp hides; another user than ours may be kept from the rest."""
        return self._user is None and not path.is_relative_to(SHARED_TMP)


async def _removed(world: World, supervisor: Identity, own: JobFolder) -> None:
    await world.remove(supervisor)
    if world.folder is not own:
        own.remove()
        (own.root / IDENTITY).unlink(missing_ok=True)


def _shell(
    world: World, supervisor: Identity, script: str, size: "WindowSize"
) -> AbstractAsyncContextManager[Shell]:
    from roundel.backends.pty_shell import job_shell  # no run without a server needs it

    return job_shell(supervisor, world.isolation, world.user, world.base(), script, size)


def _environment(order: JobOrder) -> dict[str, str]:
    image = order.executor.images[0].environment if order.executor.images else {}
    return {**image, **order.environment}


def _check_alive(supervisor: Identity) -> None:
    if not supervisor.alive():
        raise SandboxLost("the job's processes ended while no runner was there")
