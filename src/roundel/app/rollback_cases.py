"""What the doors may ask for around rollbacks."""

from roundel.app.engine import Engine
from roundel.domain.access import Actor
from roundel.domain.definitions import DefinitionId
from roundel.domain.projects import Project
from roundel.services.rollbacks import Rollback, RolledBack, choose_rollback, roll_back
from roundel.services.settings import change_project_settings


class RollbackCases:
    """Implements `api.ports.RollbackCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def start(self, command: Rollback) -> RolledBack:
        """Start a rollback."""
        started = await roll_back(command, self._engine)
        if started.triggered is not None:
            self._engine.ticks.create(started.triggered)
        return started

    async def choose(
        self, project: Project, definition: DefinitionId | None, by: Actor
    ) -> DefinitionId | None:
        """Choose the definition that rollbacks run."""
        chosen = await choose_rollback(project, definition, self._engine)
        changes = {"rollback_pipeline_definition_id": chosen}
        await change_project_settings(project, changes, by, self._engine)
        return chosen
