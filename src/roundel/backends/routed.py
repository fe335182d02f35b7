"""Two back ends as one: containers for docker jobs, something else for machine jobs."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from roundel.backends.protocol import Ahead, Backend, Sandbox
from roundel.domain.ids import ExecutionId
from roundel.domain.plan import ExecutorKind
from roundel.domain.runners import JobOrder


class RoutedBackend:
    """Opens a sandbox where the order's executor says; one to adopt is found there too."""

    def __init__(self, containers: Backend, machines: Backend) -> None:
        self._containers = containers
        self._machines = machines

    @property
    def ahead(self) -> Ahead | None:
        """Containers are what takes time to make."""
        return self._containers.ahead

    async def why_unusable(self) -> str | None:
        """Tell what keeps either from working."""
        return await self._containers.why_unusable() or await self._machines.why_unusable()

    def open(self, order: JobOrder, folder: Path) -> AbstractAsyncContextManager[Sandbox]:
        """Open it on the back end of its executor."""
        machine = order.executor.kind is ExecutorKind.MACHINE
        return (self._machines if machine else self._containers).open(order, folder)

    async def sweep(self, home: Path, alive: Collection[ExecutionId]) -> int:
        """Sweep both."""
        return await self._containers.sweep(home, alive) + await self._machines.sweep(home, alive)

    async def drop_saved(self, repository: str, tags: Collection[str] | None = None) -> int:
        """Remove those of both."""
        containers = await self._containers.drop_saved(repository, tags)
        return containers + await self._machines.drop_saved(repository, tags)

    async def close(self) -> None:
        """Close both."""
        await self._containers.close()
        await self._machines.close()
