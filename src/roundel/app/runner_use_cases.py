"""Use cases about runners elsewhere, made of what a handler has."""

from collections.abc import Sequence

from roundel.api.runner.ports import Which
from roundel.app.engine import Engine
from roundel.domain.access import Actor
from roundel.domain.ids import TokenId
from roundel.domain.resource_classes import (
    ResourceClass,
    ResourceClassId,
    RunnerToken,
    SeenRunner,
)
from roundel.services import resource_classes as classes
from roundel.services.resource_classes import ClassFilter


class RunnerUseCases:
    """Implements `api.runner.ports.RunnerUseCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add_resource_class(self, name: str, description: str, by: Actor) -> ResourceClass:
        """Make a class."""
        return await classes.add_resource_class(name, description, by, self._engine)

    async def remove_resource_class(
        self, class_id: ResourceClassId, by: Actor, *, force: bool
    ) -> ResourceClass:
        """Remove a class; return what it was."""
        return await classes.remove_resource_class(class_id, by, self._engine, force=force)

    async def resource_classes(self, which: Which, by: Actor) -> Sequence[ResourceClass]:
        """Return classes."""
        return await classes.list_resource_classes(_filter(which), by, self._engine)

    async def add_runner_token(
        self, name: str, nickname: str, by: Actor
    ) -> tuple[RunnerToken, str]:
        """Make a token; its text is shown this once."""
        made = await classes.add_runner_token(name, nickname, by, self._engine)
        return made.token, made.text

    async def runner_tokens(self, which: Which, by: Actor) -> Sequence[RunnerToken]:
        """Return tokens without their texts."""
        return await classes.list_runner_tokens(_filter(which), by, self._engine)

    async def remove_runner_token(self, token_id: TokenId, by: Actor) -> RunnerToken:
        """End a token; return what it was."""
        return await classes.remove_runner_token(token_id, by, self._engine)

    async def seen_runners(self, which: Which, by: Actor) -> Sequence[SeenRunner]:
        """Return runners that have asked for jobs."""
        return await classes.list_runners(_filter(which), by, self._engine)

    async def runner_tasks(self, name: str, by: Actor) -> tuple[int, int]:
        """Return how many executions wait, and how many run."""
        return await classes.count_tasks(name, by, self._engine)

    async def greet_runner(self, runner: SeenRunner) -> None:
        """Keep that a runner was here."""
        await classes.greet_runner(runner, self._engine)


def _filter(which: Which) -> ClassFilter:
    return ClassFilter(
        name=which.name, namespace=which.namespace, organization_id=which.organization_id
    )
