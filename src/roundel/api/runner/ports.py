"""Use cases about runners elsewhere.  Their rights, which no path names, are their own affair."""

from collections.abc import Sequence
from typing import Protocol

from roundel.domain.access import Actor
from roundel.domain.ids import OrganizationId, TokenId
from roundel.domain.records import dataclass
from roundel.domain.resource_classes import (
    ResourceClass,
    ResourceClassId,
    RunnerToken,
    SeenRunner,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which classes are asked for; what is None does not count."""

    name: str | None = None
    namespace: str | None = None
    organization_id: OrganizationId | None = None


class RunnerUseCases(Protocol):
    """What callers may ask for about runners."""

    async def add_resource_class(self, name: str, description: str, by: Actor) -> ResourceClass: ...

    async def remove_resource_class(
        self, class_id: ResourceClassId, by: Actor, *, force: bool
    ) -> ResourceClass: ...

    async def resource_classes(self, which: Which, by: Actor) -> Sequence[ResourceClass]: ...

    async def add_runner_token(
        self, name: str, nickname: str, by: Actor
    ) -> tuple[RunnerToken, str]: ...

    async def runner_tokens(self, which: Which, by: Actor) -> Sequence[RunnerToken]: ...

    async def remove_runner_token(self, token_id: TokenId, by: Actor) -> RunnerToken: ...

    async def seen_runners(self, which: Which, by: Actor) -> Sequence[SeenRunner]: ...

    async def runner_tasks(self, name: str, by: Actor) -> tuple[int, int]: ...

    async def greet_runner(self, runner: SeenRunner) -> None: ...
