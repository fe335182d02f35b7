"""Pipeline definitions and their triggers."""

from collections.abc import Sequence

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.definitions import (
    CheckoutSource,
    ConfigSource,
    Definition,
    DefinitionId,
    PipelineTrigger,
    PipelineTriggerId,
    SourceProvider,
    SourceRepository,
)
from roundel.domain.ids import ProjectId
from roundel.domain.presets import EventPreset
from roundel.store.dialect import Row, Sql
from roundel.store.rows import columns, json_text, values_of

DEFINITION = "id, project_id, name, description, config_source, checkout_source, created_at"
_WIDTH = 7
TRIGGER = (
    "id, definition_id, project_id, provider, repository, repository_project, preset,"
    " checkout_ref, config_ref, event_name, sender, disabled, secret_digest, created_at"
)
_config = msgspec.json.Decoder(ConfigSource)
_checkout = msgspec.json.Decoder(CheckoutSource)
_repository = msgspec.json.Decoder(SourceRepository)


class SqlDefinitions:
    """Implements `domain.definitions.Definitions`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, definition: Definition) -> None:
        """Add a definition."""
        self._sql.run(
            f"INSERT INTO pipeline_definition ({DEFINITION}) VALUES ({values_of(DEFINITION)})",
            **_definition_row(definition),
        )

    def get(self, definition_id: DefinitionId) -> Definition | None:
        """Return the definition."""
        row = self._sql.one(
            f"SELECT {DEFINITION} FROM pipeline_definition WHERE id = :id", id=definition_id
        )
        return None if row is None else definition_of(row)

    def of_project(self, project_id: ProjectId) -> Sequence[Definition]:
        """Return a project's definitions in the order of their creation."""
        rows = self._sql.all(
            f"SELECT {DEFINITION} FROM pipeline_definition WHERE project_id = :project"
            " ORDER BY created_at, id",
            project=project_id,
        )
        return [definition_of(row) for row in rows]

    def save(self, definition: Definition) -> None:
        """Save all that can change."""
        self._sql.run(
            "UPDATE pipeline_definition SET name = :name, description = :description,"
            " config_source = :config_source, checkout_source = :checkout_source"
            " WHERE id = :id",
            **_definition_row(definition),
        )

    def remove(self, definition_id: DefinitionId) -> None:
        """Remove it with its triggers."""
        self._sql.run("DELETE FROM pipeline_trigger WHERE definition_id = :id", id=definition_id)
        self._sql.run("DELETE FROM pipeline_definition WHERE id = :id", id=definition_id)

    def add_trigger(self, trigger: PipelineTrigger) -> None:
        """Add a trigger."""
        self._sql.run(
            f"INSERT INTO pipeline_trigger ({TRIGGER}) VALUES ({values_of(TRIGGER)})",
            **_trigger_row(trigger),
        )

    def trigger(self, trigger_id: PipelineTriggerId) -> PipelineTrigger | None:
        """Return the trigger."""
        row = self._sql.one(f"SELECT {TRIGGER} FROM pipeline_trigger WHERE id = :id", id=trigger_id)
        return None if row is None else trigger_of(row)

    def triggers(self, definition_id: DefinitionId) -> Sequence[PipelineTrigger]:
        """Return a definition's triggers in the order of their creation."""
        rows = self._sql.all(
            f"SELECT {TRIGGER} FROM pipeline_trigger WHERE definition_id = :definition"
            " ORDER BY created_at, id",
            definition=definition_id,
        )
        return [trigger_of(row) for row in rows]

    def listening_to(self, project_id: ProjectId) -> Sequence[tuple[Definition, PipelineTrigger]]:
        """Return the triggers on events of the repository of a project."""
        rows = self._sql.all(
            f"SELECT {columns(DEFINITION, 'd')}, {columns(TRIGGER, 't')}"
            " FROM pipeline_trigger t JOIN pipeline_definition d ON d.id = t.definition_id"
            " WHERE t.repository_project = :project ORDER BY t.created_at, t.id",
            project=project_id,
        )
        return [(definition_of(row[:_WIDTH]), trigger_of(row[_WIDTH:])) for row in rows]

    def save_trigger(self, trigger: PipelineTrigger) -> None:
        """Save all that can change."""
        self._sql.run(
            "UPDATE pipeline_trigger SET preset = :preset, checkout_ref = :checkout_ref,"
            " config_ref = :config_ref, event_name = :event_name, sender = :sender,"
            " disabled = :disabled WHERE id = :id",
            **_trigger_row(trigger),
        )

    def remove_trigger(self, trigger_id: PipelineTriggerId) -> None:
        """Remove a trigger."""
        self._sql.run("DELETE FROM pipeline_trigger WHERE id = :id", id=trigger_id)

    def repository(self, among: Sequence[ProjectId], external_id: str) -> ProjectId | None:
        """Return which of the projects a host knows by this id."""
        rows = self._sql.all(
            "SELECT project_id FROM git_link WHERE external_id = :external ORDER BY project_id",
            external=external_id,
        )
        known = {row[0] for row in rows}
        return next((it for it in among if it in known), None)


def definition_of(row: Row) -> Definition:
    """Read a definition."""
    return Definition(
        id=DefinitionId(row[0]),
        project_id=ProjectId(row[1]),
        name=row[2],
        description=row[3],
        config=_config.decode(row[4]),
        checkout=_checkout.decode(row[5]),
        created_at=Micros(row[6]),
    )


def _definition_row(definition: Definition) -> dict[str, object]:
    return {
        "id": definition.id,
        "project_id": definition.project_id,
        "name": definition.name,
        "description": definition.description,
        "config_source": json_text(definition.config),
        "checkout_source": json_text(definition.checkout),
        "created_at": definition.created_at,
    }


def trigger_of(row: Row) -> PipelineTrigger:
    """Read a trigger."""
    return PipelineTrigger(
        id=PipelineTriggerId(row[0]),
        definition_id=DefinitionId(row[1]),
        project_id=ProjectId(row[2]),
        provider=SourceProvider(row[3]),
        repository=None if row[4] is None else _repository.decode(row[4]),
        preset=None if row[6] is None else EventPreset(row[6]),
        checkout_ref=row[7],
        config_ref=row[8],
        event_name=row[9],
        sender=row[10],
        disabled=bool(row[11]),
        secret_digest=None if row[12] is None else bytes(row[12]),
        created_at=Micros(row[13]),
    )


def _trigger_row(trigger: PipelineTrigger) -> dict[str, object]:
    repository = trigger.repository
    return {
        "id": trigger.id,
        "definition_id": trigger.definition_id,
        "project_id": trigger.project_id,
        "provider": trigger.provider.value,
        "repository": None if repository is None else json_text(repository),
        "repository_project": None if repository is None else repository.project_id,
        "preset": None if trigger.preset is None else trigger.preset.value,
        "checkout_ref": trigger.checkout_ref,
        "config_ref": trigger.config_ref,
        "event_name": trigger.event_name,
        "sender": trigger.sender,
        "disabled": int(trigger.disabled),
        "secret_digest": trigger.secret_digest,
        "created_at": trigger.created_at,
    }
