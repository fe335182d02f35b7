"""The steps of executions, and the index of their output."""

from collections.abc import Collection, Mapping, Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId, ProjectId
from roundel.domain.runners import (
    OutputEnd,
    PlacedChunk,
    StepOutline,
    StepProgress,
    StepReport,
    StepStatus,
)
from roundel.store.dialect import Sql, in_pieces, placeholders
from roundel.store.rows import STEP, STEP_WIDTH, step_of, values_of

_SAVE = (
    f"INSERT INTO step (execution_id, {STEP}) VALUES (:execution, {values_of(STEP)})"
    " ON CONFLICT (execution_id, position) DO UPDATE SET"
    " name = excluded.name, kind = excluded.kind, status = excluded.status,"
    " command = excluded.command, background = excluded.background,"
    " exit_code = excluded.exit_code, message = excluded.message,"
    " started_at = excluded.started_at, ended_at = excluded.ended_at"
    " WHERE step.status = 'running'"
)


class SqlSteps:
    """Implements `domain.runners.Steps`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, execution_id: ExecutionId, index: int) -> StepReport | None:
        """Return the step as last reported."""
        row = self._sql.one(
            f"SELECT {STEP} FROM step WHERE execution_id = :execution AND position = :position",
            execution=execution_id,
            position=index,
        )
        return None if row is None else step_of(row)

    def save(self, execution_id: ExecutionId, reports: Sequence[StepReport]) -> None:
        """Add steps, or lay the reports over what is known; an ended step stays as it is."""
        self._sql.each(_SAVE, [_row(execution_id, report) for report in reports])

    def outlines(self, execution_id: ExecutionId) -> Sequence[StepOutline]:
        """Return all steps in their order, without their texts."""
        rows = self._sql.all(
            "SELECT position, status, CASE WHEN sealed IS NULL THEN size ELSE 0 END FROM step"
            " WHERE execution_id = :execution ORDER BY position",
            execution=execution_id,
        )
        return [
            StepOutline(index=row[0], running=row[1] == StepStatus.RUNNING, unsealed=row[2])
            for row in rows
        ]

    def progress(self, execution_id: ExecutionId) -> Sequence[StepProgress]:
        """Return all steps in their order, with how much output there is."""
        rows = self._sql.all(
            f"SELECT {STEP}, next_chunk, source_end FROM step"
            " WHERE execution_id = :execution ORDER BY position",
            execution=execution_id,
        )
        return [
            StepProgress(
                report=step_of(row), next_chunk=row[STEP_WIDTH], source_end=row[STEP_WIDTH + 1]
            )
            for row in rows
        ]

    def close(self, execution_id: ExecutionId, status: StepStatus, at: Micros) -> None:
        """End the steps that are still running, as happens to those of a lost runner."""
        self._sql.put(
            "UPDATE step SET status = :status, ended_at = :at"
            " WHERE execution_id = :execution AND status = 'running'",
            execution=execution_id,
            status=status.value,
            at=at,
        )

    def output_ends(
        self, execution_id: ExecutionId, steps: Collection[int]
    ) -> Mapping[int, OutputEnd]:
        """Return how far the output of these steps is there; a step that is not is left out."""
        found: dict[int, OutputEnd] = {}
        for some in in_pieces(sorted(steps)):
            names, values = placeholders("step", some)
            rows = self._sql.all(
                "SELECT position, next_chunk, size FROM step"
                f" WHERE execution_id = :execution AND position IN ({names})",
                execution=execution_id,
                **values,
            )
            found.update((row[0], OutputEnd(row[1], row[2])) for row in rows)
        return found

    def append(self, execution_id: ExecutionId, chunks: Sequence[PlacedChunk]) -> None:
        """Append chunks to their steps, in this order."""
        self._sql.each(
            "INSERT INTO chunk (execution_id, step, number, start_at, length, at, data, blob)"
            " VALUES (:execution, :step, :number, :start_at, :length, :at, :data, :blob)",
            [
                {
                    "execution": execution_id,
                    "step": it.chunk.step,
                    "number": it.chunk.number,
                    "start_at": it.start_at,
                    "length": len(it.chunk.data),
                    "at": it.chunk.at,
                    "data": it.chunk.data if it.blob is None else None,
                    "blob": it.blob,
                }
                for it in chunks
            ],
        )
        last = {it.chunk.step: it for it in chunks}
        self._sql.each(
            "UPDATE step SET next_chunk = :number + 1, size = :size, source_end = :source_end"
            " WHERE execution_id = :execution AND position = :step",
            [
                {
                    "execution": execution_id,
                    "step": step,
                    "number": it.chunk.number,
                    "size": it.start_at + len(it.chunk.data),
                    "source_end": it.chunk.source_end,
                }
                for step, it in last.items()
            ],
        )

    def unsealed(self, execution_id: ExecutionId, at_least: int) -> Sequence[int]:
        """Return the steps with at least so many bytes whose output is still in chunks."""
        rows = self._sql.all(
            "SELECT position FROM step WHERE execution_id = :execution AND sealed IS NULL"
            " AND size >= :size ORDER BY position",
            execution=execution_id,
            size=at_least,
        )
        return [int(row[0]) for row in rows]

    def seal(
        self, execution_id: ExecutionId, step: int, blob: str, line_index: bytes | None
    ) -> Sequence[str]:
        """Let the object `blob` have a step's whole output; return the objects it replaces."""
        which: dict[str, object] = {"execution": execution_id, "step": step}
        where = "WHERE execution_id = :execution AND step = :step"
        rows = self._sql.all(
            f"SELECT blob FROM chunk {where} AND blob IS NOT NULL ORDER BY number", **which
        )
        self._sql.run(f"UPDATE chunk SET data = NULL, blob = NULL {where}", **which)
        self._sql.run(
            "UPDATE step SET sealed = :blob, line_index = :line_index"
            " WHERE execution_id = :execution AND position = :step",
            blob=blob,
            line_index=line_index,
            **which,
        )
        return [str(row[0]) for row in rows]

    def outdated(
        self, project_id: ProjectId, before: Micros, limit: int
    ) -> Sequence[tuple[ExecutionId, Sequence[str]]]:
        """Return executions with output whose workflow ended before then, with their objects."""
        rows = self._sql.all(
            "SELECT e.id FROM workflow w JOIN job j ON j.workflow_id = w.id"
            " JOIN execution e ON e.job_id = j.id"
            " WHERE w.project_id = :project AND w.stopped_at < :before AND e.stopped_at IS NOT NULL"
            " AND EXISTS (SELECT 1 FROM chunk c WHERE c.execution_id = e.id) LIMIT :limit",
            project=project_id,
            before=before,
            limit=limit,
        )
        return [(ExecutionId(row[0]), self._objects(ExecutionId(row[0]))) for row in rows]

    def _objects(self, execution_id: ExecutionId) -> list[str]:
        rows = self._sql.all(
            "SELECT blob FROM chunk WHERE execution_id = :id AND blob IS NOT NULL"
            " UNION SELECT sealed FROM step WHERE execution_id = :id AND sealed IS NOT NULL",
            id=execution_id,
        )
        return [str(row[0]) for row in rows]

    def drop_output(self, execution_id: ExecutionId) -> None:
        """Forget an execution's output; its steps and how they ended stay."""
        self._sql.run("DELETE FROM chunk WHERE execution_id = :id", id=execution_id)
        self._sql.run(
            "UPDATE step SET sealed = NULL, line_index = NULL, size = 0 WHERE execution_id = :id",
            id=execution_id,
        )


def _row(execution_id: ExecutionId, report: StepReport) -> dict[str, object]:
    return {
        "execution": execution_id,
        "position": report.index,
        "name": report.name,
        "kind": report.kind,
        "status": report.status.value,
        "command": report.command,
        "background": int(report.background),
        "exit_code": report.exit_code,
        "message": report.message,
        "started_at": report.started_at,
        "ended_at": report.ended_at,
    }
