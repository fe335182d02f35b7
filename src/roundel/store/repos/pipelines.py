"""Pipelines."""

from roundel.domain.ids import PipelineId, ProjectId
from roundel.domain.pipelines import Pipeline, PipelineState
from roundel.domain.watching import Wake, topic_of_changes
from roundel.store.dialect import Sql
from roundel.store.rows import PIPELINE, pipeline_of, pipeline_row, values_of


class SqlPipelines:
    """Implements `domain.pipelines.Pipelines`."""

    def __init__(self, sql: Sql, wake: Wake) -> None:
        self._sql = sql
        self._wake = wake

    def add(self, pipeline: Pipeline) -> None:
        """Add a pipeline under the number that was taken for it."""
        self._sql.run(
            f"INSERT INTO pipeline ({PIPELINE}) VALUES ({values_of(PIPELINE)})",
            **pipeline_row(pipeline),
        )
        self._wake(topic_of_changes(pipeline.project_id))

    def get(self, pipeline_id: PipelineId) -> Pipeline | None:
        """Return the pipeline."""
        rows = self._sql.kept(f"SELECT {PIPELINE} FROM pipeline WHERE id = :id", id=pipeline_id)
        return pipeline_of(rows[0]) if rows else None

    def save(self, pipeline: Pipeline, before: PipelineState) -> bool:
        """Save unless its state is no longer `before`; tell whether it was saved.

        `updated_at` always grows, whatever the clock says: lists know a changed row by it.
        """
        changed = self._sql.run(
            "UPDATE pipeline SET state = :state, revision = :revision,"
            " commit_facts = :commit_facts, errors = :errors, source = :source,"
            " compiled = :compiled, plan = :plan, updated_at = CASE"
            " WHEN :updated_at > updated_at THEN :updated_at ELSE updated_at + 1 END,"
            " setup_source = :setup_source, setup_compiled = :setup_compiled,"
            " setup_plan = :setup_plan, origin = :origin"
            " WHERE id = :id AND state = :before",
            before=before.value,
            **pipeline_row(pipeline),
        )
        self._wake(topic_of_changes(pipeline.project_id))
        return changed > 0

    def newest_of_branch(self, project_id: ProjectId, branch: str) -> PipelineId | None:
        """Return the newest one of a branch, not counting those that a schedule made."""
        row = self._sql.one(
            "SELECT id FROM pipeline WHERE project_id = :project AND branch = :branch"
            " AND trigger_type <> 'scheduled_pipeline' ORDER BY created_at DESC, id DESC LIMIT 1",
            project=project_id,
            branch=branch,
        )
        return None if row is None else PipelineId(row[0])
