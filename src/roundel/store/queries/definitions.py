"""Pipeline definitions and triggers as the API shows them."""

from collections.abc import Sequence

from roundel.domain.definitions import (
    Definition,
    DefinitionId,
    PipelineTrigger,
    PipelineTriggerId,
)
from roundel.domain.ids import ProjectId
from roundel.store.database import Database
from roundel.store.repos.definitions import SqlDefinitions


class SqlDefinitionReads:
    """Implements `domain.definitions.DefinitionReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def definition(self, definition_id: DefinitionId) -> Definition | None:
        """Return the definition."""
        return await self._read(lambda sql: SqlDefinitions(sql).get(definition_id))

    async def definitions(self, project_id: ProjectId) -> Sequence[Definition]:
        """Return a project's definitions in the order of their creation."""
        return await self._read(lambda sql: SqlDefinitions(sql).of_project(project_id))

    async def trigger(self, trigger_id: PipelineTriggerId) -> PipelineTrigger | None:
        """Return the trigger."""
        return await self._read(lambda sql: SqlDefinitions(sql).trigger(trigger_id))

    async def triggers(self, definition_id: DefinitionId) -> Sequence[PipelineTrigger]:
        """Return a definition's triggers in the order of their creation."""
        return await self._read(lambda sql: SqlDefinitions(sql).triggers(definition_id))
