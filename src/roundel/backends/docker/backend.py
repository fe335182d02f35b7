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
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError

from roundel.backends.docker.archives import ContainerArchives
from roundel.backends.docker.classes import Limits, limits_of
from roundel.backends.docker.commits import Commits, drop_images
from roundel.backends.docker.connection import Connection
from roundel.backends.docker.containers import (
    EXECUTION_LABEL,
    HOME_LABEL,
    INSIDE,
    LAUNCH_INSIDE,
    ROLE_LABEL,
    labels_of,
    primary,
    service,
    way_in,
)
from roundel.backends.docker.engines import REFUSED, RemoteDocker, machine_image, machine_limits
from roundel.backends.docker.faults import ENGINE_ERRORS, not_made, not_started, unfit
from roundel.backends.docker.images import Image, ImageRule, have_image, rewritten
from roundel.backends.docker.use import use_of
from roundel.backends.finishing import finished
from roundel.backends.folder import JobFolder
from roundel.backends.output import CAP_BYTES
from roundel.backends.protocol import CannotOpen, Sandbox, SandboxLost, Use
from roundel.backends.sandbox import FolderSandbox
from roundel.backends.wakeups import Wakeups
from roundel.domain.ids import ExecutionId
from roundel.domain.plan import DEFAULT_WORKING_DIRECTORY, ExecutorKind, ImagePlan
from roundel.domain.runners import JobOrder

IMAGE_SECONDS = 10.0  # for which an image is not looked up again; a tag may move, and it may go
_Containers = tuple[DockerContainer, ...]  # all of a job, the primary first
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
    ) -> None:
        self._connection = Connection(url)
        self._pull_seconds = pull_seconds
        self._privileged_machines = privileged_machines
        self._remote = remote_docker
        self._shared = tuple(shared)
        self._on_pull = on_pull
        self._image_map = tuple(image_map)
        self._limits = limits
        self._cap = cap_bytes
        self._images: dict[str, tuple[Image, float]] = {}  # with when to look again
        self._unremoved: set[ExecutionId] = set()  # as the engine was away or refused
        self._wakeups: Wakeups | None = None

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
        left = [
            found
            for found in await self._connection.find(f"{HOME_LABEL}={home}") or ()
            if found["Labels"].get(EXECUTION_LABEL) not in alive
        ]
        await self._connection.remove(left)
        return len({found["Labels"].get(EXECUTION_LABEL) for found in left})

    async def drop_saved(self, repository: str, tags: Collection[str] | None = None) -> int:
        """Remove images that containers were committed to."""
        return await drop_images(self._connection.engine, repository, tags)

    async def close(self) -> None:
        """Close the connections to the engine."""
        await self._connection.close()
        if self._wakeups is not None:
            self._wakeups.close()
            self._wakeups = None

    async def gateway(self) -> str:
        """Return this machine's address as containers see it, on the engine's usual network."""
        network = await (await self._connection.engine.networks.get("bridge")).show()
        addresses = (network.get("IPAM") or {}).get("Config") or [{}]
        return str(addresses[0].get("Gateway") or "127.0.0.1")

    # -- opening --

    @asynccontextmanager
    async def _open(self, order: JobOrder, root: Path) -> AsyncIterator[Sandbox]:
        execution = order.lease.execution_id
        folder = JobFolder(root, execution)
        if self._wakeups is None:
            self._wakeups = Wakeups()
        sandbox = FolderSandbox(
            folder,
            self._wakeups,
            inside=INSIDE,
            environment={**self._remote.environment_of(order), **order.environment},
            job_directory=order.working_directory or DEFAULT_WORKING_DIRECTORY,
            cap_bytes=self._cap,
            count_ooms=True,
        )
        sandbox.remote_docker = self._remote.sentence
        sandbox.launch_inside = LAUNCH_INSIDE
        known: _Containers | None = None
        try:
            if (root / "containers").exists():
                main = await self._adopt(execution)
                sandbox.opened_how = "The job's containers were adopted by a new runner.\n"
            else:
                if folder.exists():
                    # An earlier runner died while it made them; no step had started.
                    await self._remove_containers(execution)
                    folder.remove()
                folder.make()
                made, sandbox.opened_how = await self._make(order, folder)
                main = made[0]
                (root / "containers").write_text(main.id)
                known = made
            sandbox.engine_archives = ContainerArchives(self._connection.engine, main.id)
            sandbox.entrance = lambda: way_in(main.id)
            sandbox.keeper = Commits(self._connection.engine, main)
            sandbox.meter = functools.partial(self._use, main.id)
            with sandbox:
                watch = asyncio.create_task(_tell_when_gone(main, sandbox, order))
                try:
                    yield sandbox
                finally:
                    watch.cancel()
                    await asyncio.gather(watch, return_exceptions=True)
        finally:
            if not sandbox.kept:
                await finished(self._remove(order, folder, known))

    async def _use(self, container: str, cheaply: bool) -> Use | None:
        return None if cheaply else await use_of(self._connection.engine, container)

    async def _adopt(self, execution: ExecutionId) -> DockerContainer:
        for found in await self._connection.find(f"{EXECUTION_LABEL}={execution}") or ():
            if found["Labels"].get(ROLE_LABEL) == "primary" and found["State"] == "running":
                return self._connection.engine.containers.container(found["Id"])
        raise SandboxLost("the job's container ended while no runner was there")

    async def _make(self, order: JobOrder, folder: JobFolder) -> tuple[_Containers, str]:
        began = time.monotonic()
        plans = self._plans(order)
        images = await asyncio.gather(*(self._image(plan, order) for plan in plans))
        # A container whose making is cut off would come to be after we have looked for it.
        try:
            made = await finished(self._make_containers(order, folder, plans, images))
        except _ImageGone:
            await self._remove_containers(order.lease.execution_id)
            images = await asyncio.gather(*(self._image(plan, order) for plan in plans))
            made = await finished(self._make_containers(order, folder, plans, images))
        return made, _opened_how(plans, images, time.monotonic() - began)

    def _plans(self, order: JobOrder) -> tuple[ImagePlan, ...]:
        """Return the images of a job, an engine's beside them where it asks for one."""
        plans = order.executor.images
        if order.executor.kind is ExecutorKind.MACHINE and self._privileged_machines:
            plans = (machine_image(order.executor),)
        if not plans:
            why = "This job has no docker image, and containers are all that there is here."
            if order.executor.kind is ExecutorKind.MACHINE:
                why = (
                    "This is a machine job, and only containers are run here: start the runner "
                    "with --machine process (for trusted code) or --machine container."
                )
            raise CannotOpen(why, infrastructure=False)
        return plans + self._remote.sidecars_of(order)

    async def _make_containers(
        self,
        order: JobOrder,
        folder: JobFolder,
        plans: tuple[ImagePlan, ...],
        images: list[Image],
    ) -> _Containers:
        machine = order.executor.kind is ExecutorKind.MACHINE
        limits = machine_limits(order) if machine else self._limits(order.resource_class)
        home = folder.root.parent
        config = primary(
            plans[0],
            images[0],
            labels=labels_of(order, home, "primary"),
            job=folder.job,
            launch=folder.secrets,
            shared=self._shared,
            names=[plan.name for plan in plans if plan.name],
            limits=limits,
            privileged=machine and self._privileged_machines,
            engine_socket=self._remote.socket_of(order),
        )
        main = await self._create(config, plans[0])
        started = asyncio.create_task(self._start(main, plans[0]))
        try:
            services = []
            for plan, image in zip(plans[1:], images[1:], strict=True):
                config = service(
                    plan,
                    image,
                    labels=labels_of(order, home, "service"),
                    primary_id=main.id,
                    limits=limits,
                    privileged=plan in self._remote.sidecars_of(order),
                )
                services.append((await self._create(config, plan), plan))
        finally:
            await started
        await asyncio.gather(*(self._start(container, plan) for container, plan in services))
        return (main, *(container for container, _ in services))

    async def _image(self, plan: ImagePlan, order: JobOrder) -> Image:
        name = rewritten(plan.image, self._image_map)
        known, until = self._images.get(name, (None, 0.0))
        if known is not None and time.monotonic() < until:
            return known
        found = await have_image(
            self._connection.engine,
            name,
            plan,
            order.environment,
            self._pull_seconds,
            functools.partial(self._on_pull, order.lease.execution_id),
        )
        self._images[name] = (found, time.monotonic() + IMAGE_SECONDS)
        return found

    async def _create(self, config: dict[str, Any], plan: ImagePlan) -> DockerContainer:
        try:
            return await self._connection.engine.containers.create(config)
        except ENGINE_ERRORS as error:
            name = rewritten(plan.image, self._image_map)
            missing = isinstance(error, DockerError) and error.status == 404
            if missing and self._images.pop(name, None) is not None:
                why = f'The image "{name}" was removed while the job began.'
                raise _ImageGone(why, infrastructure=True) from error
            raise not_made(plan, error) from error

    async def _start(self, container: DockerContainer, plan: ImagePlan) -> None:
        try:
            await container.start()
        except ENGINE_ERRORS as error:
            raise not_started(plan, error) from error

    # -- removing --

    async def _remove(self, order: JobOrder, folder: JobFolder, known: _Containers | None) -> None:
        labels = labels_of(order, folder.root.parent, "known")
        made = None if known is None else [{"Id": it.id, "Labels": labels} for it in known]
        await self._remove_containers(order.lease.execution_id, made)
        # An engine that comes back has the containers that it went away with.
        for late in self._unremoved - {order.lease.execution_id}:
            await self._remove_containers(late)
        with contextlib.suppress(FileNotFoundError):
            (folder.root / "containers").unlink()
        await asyncio.to_thread(folder.remove)

    async def _remove_containers(
        self, execution: ExecutionId, known: list[dict[str, Any]] | None = None
    ) -> None:
        """Remove a job's containers, now or with those of the next job that ends.

        Those that are not known are looked for: some may have been made without our hearing of it.
        """
        found = known
        if found is None:
            found = await self._connection.find(f"{EXECUTION_LABEL}={execution}")
        if found is None or not await self._connection.remove(found):
            self._unremoved.add(execution)
        else:
            self._unremoved.discard(execution)


class _ImageGone(CannotOpen):
    """An image was removed since it was looked up."""


async def _tell_when_gone(
    container: DockerContainer, sandbox: FolderSandbox, order: JobOrder
) -> None:
    """Say so when the primary container ends by itself."""
    try:
        ended = await container.wait()
    except DockerError as error:
        sandbox.lost(f"the container engine does not know its container any more ({error.message})")
    except (aiohttp.ClientError, OSError) as error:
        sandbox.lost(f"the container engine went away ({error})")
    else:
        sandbox.lost("its primary container was stopped", unfit=unfit(order, ended))


def _opened_how(plans: tuple[ImagePlan, ...], images: list[Image], seconds: float) -> str:
    lines = []
    for plan, image in zip(plans, images, strict=True):
        used = f" (as {image.name})" if image.name != plan.image else ""
        lines.append(f"Container {plan.image}{used}: image {image.id}")
    lines.append(f"Started {len(plans)} container(s) in {seconds:.2f} s.")
    return "\n".join(lines) + "\n"
