"""What the doors may ask for of pipeline definitions and their triggers."""

from collections.abc import Mapping

from roundel.app.engine import Engine
from roundel.domain.access import Actor
from roundel.domain.definitions import (
    Definition,
    DefinitionId,
    PipelineTrigger,
    PipelineTriggerId,
)
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.plan import Json
from roundel.domain.projects import Project
from roundel.services import definitions as services
from roundel.services.launching import RunDefinition, call_webhook, run_definition


class DefinitionCases:
    """Implements `api.ports.DefinitionCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def create(self, command: services.CreateDefinition) -> Definition:
        """Make a definition."""
        return await services.create_definition(command, self._engine)

    async def change(self, command: services.ChangeDefinition, project: Project) -> Definition:
        """Change a definition."""
        return await services.change_definition(command, project, self._engine)

    async def remove(self, definition: Definition) -> None:
        """Remove a definition."""
        await services.remove_definition(definition, self._engine)

    async def create_trigger(self, command: services.CreateTrigger) -> services.CreatedTrigger:
        """Make a trigger."""
        return await services.create_trigger(command, self._engine)

    async def change_trigger(self, command: services.ChangeTrigger) -> PipelineTrigger:
        """Change a trigger."""
        return await services.change_trigger(command, self._engine)

    async def remove_trigger(self, trigger: PipelineTriggerId) -> None:
        """Remove a trigger."""
        await services.remove_trigger(trigger, self._engine)

    async def run(
        self,
        project: Project,
        definition: DefinitionId | None,
        config_ref: Ref,
        checkout_ref: Ref,
        config_text: str,
        parameters: Mapping[str, Json],
        by: Actor,
    ) -> Pipeline | None:
        """Run a definition; None if its commit asks for no pipeline."""
        command = RunDefinition(
            project=project,
            by=by,
            definition=definition,
            config_ref=config_ref,
            checkout_ref=checkout_ref,
            config_text=config_text,
            parameters=parameters,
        )
        triggered = await run_definition(command, self._engine)
        if triggered is None:
            return None
        self._engine.ticks.create(triggered)
        return triggered.pipeline

    async def call_webhook(
        self, trigger: PipelineTriggerId, unverified_secret: str, raw_body: bytes
    ) -> Pipeline | str:
        """Start the pipeline of a webhook, or say why there is none."""
        outcome = await call_webhook(trigger, unverified_secret, raw_body, self._engine)
        if isinstance(outcome, str):
            return outcome
        self._engine.ticks.create(outcome)
        return outcome.pipeline
