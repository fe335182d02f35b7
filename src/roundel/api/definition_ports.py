"""What the doors need around pipeline definitions and their triggers."""

from collections.abc import Mapping
from typing import Protocol

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
from roundel.services.definitions import (
    ChangeDefinition,
    ChangeTrigger,
    CreateDefinition,
    CreatedTrigger,
    CreateTrigger,
)


class DefinitionCases(Protocol):
    """What callers may ask for of pipeline definitions and triggers."""

    async def create(self, command: CreateDefinition) -> Definition: ...

    async def change(self, command: ChangeDefinition, project: Project) -> Definition: ...

    async def remove(self, definition: Definition) -> None: ...

    async def create_trigger(self, command: CreateTrigger) -> CreatedTrigger: ...

    async def change_trigger(self, command: ChangeTrigger) -> PipelineTrigger: ...

    async def remove_trigger(self, trigger: PipelineTriggerId) -> None: ...

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
        """Return the new pipeline, or None if its commit asks for none.

        A `config_text` that is not empty runs in the place of the repository's config.
        """

    async def call_webhook(
        self, trigger: PipelineTriggerId, unverified_secret: str, raw_body: bytes
    ) -> Pipeline | str:
        """Return the new pipeline, or why there is none."""
