"""How a job's containers are made: of which images, as what, and started."""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError

from roundel.backends.docker.classes import Limits
from roundel.backends.docker.connection import Connection
from roundel.backends.docker.containers import EXECUTION_LABEL, labels_of, primary, service
from roundel.backends.docker.engines import RemoteDocker, machine_image, machine_limits
from roundel.backends.docker.faults import ENGINE_ERRORS, not_made, not_started
from roundel.backends.docker.images import Image, Images
from roundel.backends.finishing import finished
from roundel.backends.folder import JobFolder
from roundel.backends.protocol import CannotOpen
from roundel.domain.ids import ExecutionId
from roundel.domain.plan import ExecutorKind, ImagePlan
from roundel.domain.runners import JobOrder, NextContainer

Containers: TypeAlias = tuple[DockerContainer, ...]  # all of a job, the primary first
Config: TypeAlias = dict[str, Any]
Plans: TypeAlias = tuple[ImagePlan, ...]


class Recipe(Protocol):
    """Makes the engine's config of a primary container from what differs between two alike."""

    def __call__(self, *, labels: dict[str, str], job: Path, launch: Path) -> Config: ...


class Maker:
    """Makes them with an engine, as this runner is set up to."""

    def __init__(
        self,
        connection: Connection,
        images: Images,
        *,
        limits: Callable[[str | None], Limits | None],
        privileged_machines: bool,
        remote_docker: RemoteDocker,
        shared: tuple[Path, ...],
        on_pull: Callable[[ExecutionId, str, int, int | None], None],
    ) -> None:
        self._connection = connection
        self._images = images
        self._limits = limits
        self._privileged_machines = privileged_machines
        self._remote = remote_docker
        self._shared = shared
        self._on_pull = on_pull

    def plans_of(self, order: JobOrder) -> Plans:
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

    async def images_of(self, order: JobOrder, plans: Plans) -> list[Image]:
        """Return the images, pulled where they are not here.  Raise CannotOpen."""
        hear = functools.partial(self._on_pull, order.lease.execution_id)
        return await asyncio.gather(
            *(self._images.have(plan, order.environment, hear) for plan in plans)
        )

    async def make(
        self,
        order: JobOrder,
        folder: JobFolder,
        plans: Plans,
        images: list[Image],
    ) -> tuple[Containers, list[Image]]:
        """Make and start them; return them with what they were made of.  Raise CannotOpen."""
        # A container whose making is cut off would come to be after we have looked for it.
        try:
            return await finished(self._make_containers(order, folder, plans, images)), images
        except _ImageGone:
            await self._connection.remove_with(f"{EXECUTION_LABEL}={order.lease.execution_id}")
            images = await self.images_of(order, plans)
            return await finished(self._make_containers(order, folder, plans, images)), images

    def recipe(self, order: JobOrder, plans: Plans, images: list[Image]) -> Recipe:
        """Return how a job's primary container is made."""
        machine = order.executor.kind is ExecutorKind.MACHINE
        return functools.partial(
            primary,
            plans[0],
            images[0],
            shared=self._shared,
            names=[plan.name for plan in plans if plan.name],
            limits=self._limits_of(order),
            privileged=machine and self._privileged_machines,
            engine_socket=self._remote.socket_of(order),
        )

    async def recipe_ahead(self, wanted: NextContainer) -> Recipe | None:
        """Return how such a job's container is made; None where it would do something by itself,
        or its image is not here."""
        plan = ImagePlan(image=wanted.image, user=wanted.user, environment={})
        image = await self._images.here(plan)
        if image is None or image.preserve_entrypoint or image.checks_health:
            return None
        limits = self._limits(wanted.resource_class)
        return functools.partial(primary, plan, image, shared=self._shared, names=[], limits=limits)

    def _limits_of(self, order: JobOrder) -> Limits | None:
        machine = order.executor.kind is ExecutorKind.MACHINE
        return machine_limits(order) if machine else self._limits(order.resource_class)

    async def _make_containers(
        self,
        order: JobOrder,
        folder: JobFolder,
        plans: Plans,
        images: list[Image],
    ) -> Containers:
        limits = self._limits_of(order)
        home = folder.root.parent
        config = self.recipe(order, plans, images)(
            labels=labels_of(order, home, "primary"), job=folder.job, launch=folder.secrets
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

    async def _create(self, config: dict[str, Any], plan: ImagePlan) -> DockerContainer:
        try:
            return await self._connection.engine.containers.create(config)
        except ENGINE_ERRORS as error:
            missing = isinstance(error, DockerError) and error.status == 404
            if missing and self._images.forget(plan):
                name = self._images.name_of(plan)
                why = f'The image "{name}" was removed while the job began.'
                raise _ImageGone(why, infrastructure=True) from error
            raise not_made(plan, error) from error

    async def _start(self, container: DockerContainer, plan: ImagePlan) -> None:
        try:
            await container.start()
        except ENGINE_ERRORS as error:
            raise not_started(plan, error) from error


class _ImageGone(CannotOpen):
    """An image was removed since it was looked up."""


def described(plans: Plans, images: list[Image]) -> str:
    """Return lines for "Spin up environment": which image each name stands for."""
    lines = []
    for plan, image in zip(plans, images, strict=True):
        used = f" (as {image.name})" if image.name != plan.image else ""
        lines.append(f"Container {plan.image}{used}: image {image.id}\n")
    return "".join(lines)
