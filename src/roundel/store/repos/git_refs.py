"""Branches and tags of projects as we know them."""

from collections.abc import Mapping

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.git_refs import KnownRef, Step
from roundel.domain.ids import ProjectId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import json_text

_steps = msgspec.json.Decoder(tuple[Step, ...])


def _ref_of(row: Row) -> KnownRef:
    return KnownRef(ref=row[0], revision=row[1], steps=_steps.decode(row[2]))


class SqlKnownRefs:
    """Implements `domain.git_refs.KnownRefs`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, project_id: ProjectId, ref: str) -> KnownRef | None:
        """Return a ref of a project."""
        row = self._sql.one(
            "SELECT ref, revision, steps FROM git_ref WHERE project_id = :project AND ref = :ref",
            project=project_id,
            ref=ref,
        )
        return None if row is None else _ref_of(row)

    def put(self, project_id: ProjectId, ref: KnownRef, at: Micros) -> None:
        """Keep a ref as it is now."""
        self._sql.run(
            "INSERT INTO git_ref (project_id, ref, revision, steps, updated_at)"
            " VALUES (:project, :ref, :revision, :steps, :at)"
            " ON CONFLICT (project_id, ref) DO UPDATE SET revision = excluded.revision,"
            " steps = excluded.steps, updated_at = excluded.updated_at",
            project=project_id,
            ref=ref.ref,
            revision=ref.revision,
            steps=json_text(ref.steps),
            at=at,
        )

    def of_project(self, project_id: ProjectId) -> Mapping[str, KnownRef]:
        """Return all refs of a project by name."""
        rows = self._sql.all(
            "SELECT ref, revision, steps FROM git_ref WHERE project_id = :project",
            project=project_id,
        )
        return {row[0]: _ref_of(row) for row in rows}
