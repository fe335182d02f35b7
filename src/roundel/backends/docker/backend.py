"""The docker back end: a job's containers, made, adopted and removed."""

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiodocker.exceptions import DockerError

from roundel.backends.ahead import Kind, folder_ahead, names_ahead, remove_folder_ahead
from roundel.backends.docker.ahead import (
    MOST,
    SPARE_SECONDS,
    Spare,
    SparesAhead,
    given_to,
    write_containers,
)
from roundel.backends.docker.archives import ContainerArchives
from roundel.backends.docker.classes import Limits, limits_of
from roundel.backends.docker.commits import Commits, drop_images
from roundel.backends.docker.connection import Connection
from roundel.backends.docker.containers import (
    AHEAD_LABEL,
    EXECUTION_LABEL,
    HOME_LABEL,
    INSIDE,
    LAUNCH_INSIDE,
    ROLE_LABEL,
    labels_of,
    way_in,
)
from roundel.backends.docker.engines import REFUSED, RemoteDocker
from roundel.backends.docker.faults import unfit
from roundel.backends.docker.images import Image, ImageRule, Images
from roundel.backends.docker.making import Containers, Maker, Plans, described
from roundel.backends.docker.shells import exec_shell
from roundel.backends.docker.use import use_of
from roundel.backends.finishing import finished
from roundel.backends.folder import JobFolder
from roundel.backends.former import CONTAINERS, refuse_another
from roundel.backends.output import CAP_BYTES
from roundel.backends.protocol import Sandbox, SandboxLost, Use
from roundel.backends.sandbox import FolderSandbox
from roundel.backends.wakeups import Wakeups
from roundel.domain.ids import ExecutionId
from roundel.domain.plan import DEFAULT_WORKING_DIRECTORY, ExecutorKind
from roundel.domain.runners import JobOrder

PULL_SECONDS = 1800.0  # large images take long on slow lines; a registry that is dead, for ever


class DockerBackend:
    """Opens sandboxes as containers.  `url` is the engine's socket, the usual one by default.

    Folders of this machine that are `shared` are seen by the jobs in the same place.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        image_map: Iterable[ImageRule] = (),
        limits: Callable[[str | None], Limits | None] = limits_of,
        cap_bytes: int = CAP_BYTES,
        pull_seconds: float = PULL_SECONDS,
        privileged_machines: bool = False,
        remote_docker: RemoteDocker = REFUSED,
        shared: Iterable[Path] = (),
        on_pull: Callable[[ExecutionId, str, int, int | None], None] = lambda *_: None,
        prepare_ahead: int = MOST,
        spare_seconds: float = SPARE_SECONDS,
    ) -> None:
        self._connection = Connection(url)
        images = Images(lambda: self._connection.engine, image_map, pull_seconds)
        self._maker = Maker(
            self._connection,
            images,
            limits=limits,
            privileged_machines=privileged_machines,
            remote_docker=remote_docker,
            shared=tuple(shared),
            on_pull=on_pull,
        )
        self._spares: SparesAhead | None = None
        if prepare_ahead > 0:
            self._spares = SparesAhead(
                self._connection,
                self._maker.recipe_ahead,
                most=prepare_ahead,
                seconds=spare_seconds,
            )
        self._remote = remote_docker
        self._cap = cap_bytes
        self._wakeups: Wakeups | None = None

    @property
    def ahead(self) -> SparesAhead | None:
        """What makes containers ahead; None where that is switched off."""
        return self._spares

    async def why_unusable(self) -> str | None:
        """Ask the engine for its version."""
        try:
            await self._connection.engine.version()
        except (DockerError, AssertionError, OSError, ValueError) as error:
            reason = str(error) or "no engine's socket was found"
            return (
                f"Jobs cannot run in containers here: {reason}. Start Docker or Podman, or use "
                "another back end."
            )
        return None

    def open(self, order: JobOrder, folder: Path) -> AbstractAsyncContextManager[Sandbox]:
        """Make the job's containers, or find those that were made for `folder`."""
        return self._open(order, folder)

    async def sweep(self, home: Path, alive: Collection[ExecutionId]) -> int:
        """Remove the containers of this home folder's jobs that are no longer wanted."""
        there = await asyncio.to_thread(names_ahead, home, Kind.CONTAINER)
        found = await self._connection.find(f"{HOME_LABEL}={home}") or ()
        kept = set() if self._spares is None else self._spares.names()
        kept |= {name for it in alive if (name := given_to(home / it))}
        left = [
            each
            for each in found
            if each["Labels"].get(EXECUTION_LABEL) not in alive
            and each["Labels"].get(AHEAD_LABEL) not in kept
        ]
        await self._connection.remove(left)
        for name in there - kept:
            await asyncio.to_thread(remove_folder_ahead, home, name)
        return len({_whose(each["Labels"]) for each in left})

    async def drop_saved(self, repository: str, tags: Collection[str] | None = None) -> int:
        """Remove images that containers were committed to."""
        return await drop_images(self._connection.engine, repository, tags)

    async def close(self) -> None:
        """Remove what was made ahead, and close the connections to the engine."""
        if self._spares is not None:
            await self._spares.drop()
        await self._connection.close()
        if self._wakeups is not None:
            self._wakeups.close()
            self._wakeups = None

    async def gateway(self) -> str:
        """Return this machine's address as containers see it, on the engine's usual network."""
        try:
            network = await (await self._connection.engine.networks.get("bridge")).show()
        except DockerError as error:
            if error.status != 404:
                raise
            network = {}  # an engine may be told to have none
        addresses = (network.get("IPAM") or {}).get("Config") or [{}]
        return str(addresses[0].get("Gateway") or "127.0.0.1")

    # -- opening --

    @asynccontextmanager
    async def _open(self, order: JobOrder, root: Path) -> AsyncIterator[Sandbox]:
        execution = order.lease.execution_id
        own = JobFolder(root, execution)
        if self._wakeups is None:
            self._wakeups = Wakeups()
        world: _World | None = None
        sandbox: FolderSandbox | None = None
        try:
            world = await self._world(order, own)
            sandbox = FolderSandbox(
                world.folder,
                self._wakeups,
                inside=INSIDE,
                environment={**self._remote.environment_of(order), **order.environment},
                job_directory=order.working_directory or DEFAULT_WORKING_DIRECTORY,
                cap_bytes=self._cap,
                count_ooms=True,
            )
            main = world.containers[0]
            sandbox.opened_how = world.how
            sandbox.remote_docker = self._remote.sentence
            sandbox.launch_inside = LAUNCH_INSIDE
            sandbox.engine_archives = ContainerArchives(self._connection.engine, main.id)
            sandbox.entrance = lambda: way_in(main.id)
            sandbox.shells = functools.partial(exec_shell, main)
            sandbox.keeper = Commits(self._connection.engine, main)
            sandbox.meter = functools.partial(self._use, main.id)
            with sandbox:
                end = world.ended or asyncio.create_task(main.wait())
                watch = asyncio.create_task(_tell_when_gone(end, sandbox, order))
                try:
                    yield sandbox
                finally:
                    end.cancel()
                    watch.cancel()
                    await asyncio.gather(end, watch, return_exceptions=True)
        finally:
            if self._spares is not None:
                self._spares.ends(execution)
            if sandbox is None or not sandbox.kept:
                await finished(self._remove(order, own, world))

    async def _world(self, order: JobOrder, own: JobFolder) -> "_World":
        """Return the job's containers: those that it has, some that was made ahead, or new ones."""
        execution = order.lease.execution_id
        refuse_another(own.root, CONTAINERS)
        if (own.root / CONTAINERS).exists():
            return await self._adopt(execution, own)
        if own.exists():
            # An earlier runner died while it made them; no step had started.
            await self._connection.remove_with(f"{EXECUTION_LABEL}={execution}")
            own.remove()
        began = time.monotonic()
        plans = self._maker.plans_of(order)
        images = await self._maker.images_of(order, plans)
        if (spare := await self._spare(order, own, plans, images)) is not None:
            return self._given(spare, own, plans, images)
        own.make()
        made, images = await self._maker.make(order, own, plans, images)
        write_containers(own.root, made[0].id)
        if self._spares is not None:
            self._spares.begin(order, own.root.parent)
        how = described(plans, images)
        how += f"Started {len(plans)} container(s) in {time.monotonic() - began:.2f} s.\n"
        return _World(own, made, how)

    async def _spare(
        self, order: JobOrder, own: JobFolder, plans: Plans, images: list[Image]
    ) -> Spare | None:
        """Return a container that was made ahead and is the same as a new one would be."""
        if self._spares is None or order.executor.kind is not ExecutorKind.DOCKER:
            return None
        if len(plans) != 1:
            return None
        recipe = self._maker.recipe(order, plans, images)
        return await self._spares.take(order, recipe, own.root.parent)

    def _given(self, spare: Spare, own: JobFolder, plans: Plans, images: list[Image]) -> "_World":
        """Let a spare be the job's.  Nothing is awaited on the way."""
        assert self._spares is not None and spare.container is not None  # noqa: S101 it was taken
        try:
            own.make_room_for_secrets()
            write_containers(own.root, spare.container.id, spare.name)
        except OSError:
            self._spares.given_back(spare)
            raise
        self._spares.given(spare)
        how = described(plans, images) + spare.how()
        return _World(spare.folder, (spare.container,), how, spare.ended)

    async def _use(self, container: str, cheaply: bool) -> Use | None:
        return None if cheaply else await use_of(self._connection.engine, container)

    async def _adopt(self, execution: ExecutionId, own: JobFolder) -> "_World":
        label, folder, home = f"{EXECUTION_LABEL}={execution}", own, own.root.parent
        if name := given_to(own.root):
            label, folder = f"{AHEAD_LABEL}={name}", folder_ahead(home, name)
        for found in await self._connection.find(label) or ():
            if found["Labels"].get(ROLE_LABEL) == "primary" and found["State"] == "running":
                main = self._connection.engine.containers.container(found["Id"])
                how = "The job's containers were adopted by a new runner.\n"
                return _World(folder, (main,), how, known=False)
        raise SandboxLost("the job's container ended while no runner was there")

    # -- removing --

    async def _remove(self, order: JobOrder, own: JobFolder, world: "_World | None") -> None:
        execution, home = order.lease.execution_id, own.root.parent
        label, known, name = f"{EXECUTION_LABEL}={execution}", None, given_to(own.root)
        if name:
            label = f"{AHEAD_LABEL}={name}"
        if world is not None and world.known:
            labels = labels_of(order, home, "known")
            known = [{"Id": it.id, "Labels": labels} for it in world.containers]
        await self._connection.remove_with(label, known)
        with contextlib.suppress(FileNotFoundError):
            (own.root / CONTAINERS).unlink()
        if name:
            await asyncio.to_thread(remove_folder_ahead, home, name)
        await asyncio.to_thread(own.remove)


class _World:
    """A job's containers, and the files that it has with them."""

    def __init__(
        self,
        folder: JobFolder,
        containers: Containers,
        how: str,
        ended: "asyncio.Task[Any] | None" = None,
        *,
        known: bool = True,
    ) -> None:
        self.folder = folder
        self.containers = containers
        self.how = how
        self.ended = ended  # who waits for the primary's end already
        self.known = known  # whether these are all that there are


async def _tell_when_gone(
    end: "asyncio.Task[Any]", sandbox: FolderSandbox, order: JobOrder
) -> None:
    """Say so when the primary container ends by itself."""
    try:
        ended = await end
    except DockerError as error:
        sandbox.lost(f"the container engine does not know its container any more ({error.message})")
    except (aiohttp.ClientError, OSError) as error:
        sandbox.lost(f"the container engine went away ({error})")
    else:
        sandbox.lost("its primary container was stopped", unfit=unfit(order, ended))


def _whose(labels: dict[str, str]) -> str | None:
    return labels.get(EXECUTION_LABEL) or labels.get(AHEAD_LABEL)
