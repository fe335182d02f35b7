"""What a search in output looks through, on the reader connections and the blobs."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from roundel.domain.blobs import Blobs
from roundel.domain.ids import ExecutionId, JobId, PipelineId, ProjectId, WorkflowId
from roundel.domain.log_search import OutputsPage, SearchPlace, StepOutput
from roundel.domain.logs import Logs
from roundel.store.database import Database
from roundel.store.dialect import Row, Sql, placeholders

JOBS_AT_ONCE = 50
OUTPUTS_AT_ONCE = 1000
_NEWEST = SearchPlace(2**31 - 1)

# `number <= …` and its order walk the unique index of a project's job numbers.
_JOBS = (
    "SELECT id, number, name, workflow_id FROM job WHERE project_id = :project"
    " AND number <= :job ORDER BY number DESC LIMIT :jobs"
)
_OUTPUTS = f"""
SELECT e.id, e.node, s.position, s.name, s.size, s.sealed, j.id, j.name, j.number, w.id, w.name,
  p.id, p.number
FROM ({_JOBS}) j JOIN workflow w ON w.id = j.workflow_id JOIN pipeline p ON p.id = w.pipeline_id
JOIN execution e ON e.job_id = j.id JOIN step s ON s.execution_id = e.id
WHERE s.size > 0
AND (j.number < :job OR e.node > :node OR (e.node = :node AND s.position >= :step))
AND NOT EXISTS (SELECT 1 FROM execution later WHERE later.job_id = e.job_id
  AND later.node = e.node AND later.attempt > e.attempt)
ORDER BY j.number DESC, e.node, s.position LIMIT :limit
"""


class SqlSearchedOutputs:
    """Implements `domain.log_search.SearchedOutputs`."""

    def __init__(self, database: Database, blobs: Blobs, logs: Logs) -> None:
        self._read = database.read
        self._blobs = blobs
        self._logs = logs

    async def page(self, project_id: ProjectId, at: SearchPlace | None) -> OutputsPage:
        """Return the next outputs that are not empty, from a place on."""
        return await self._read(lambda sql: _page(sql, project_id, at or _NEWEST))

    async def whole(self, outputs: Sequence[StepOutput]) -> Sequence[bytes]:
        """Return the bytes of each: those in rows by one question, the others at once."""
        inline: Mapping[tuple[str, int], bytes] = {}
        elsewhere = {(it.execution_id, it.step) for it in outputs if it.sealed is not None}
        pieces = [it for it in outputs if it.sealed is None]
        if pieces:
            inline, objects = await self._read(lambda sql: _inline(sql, pieces))
            elsewhere |= objects

        async def one(output: StepOutput) -> bytes:
            key = output.execution_id, output.step
            if key in elsewhere:
                return await self.span(output, 0, output.size)
            return inline.get(key, b"")[: output.size]

        return await asyncio.gather(*map(one, outputs))

    async def span(self, output: StepOutput, start: int, end: int) -> bytes:
        """Return an output's bytes in `[start, end)`."""
        if output.sealed is not None:
            try:
                return await self._blobs.get(output.sealed, start=start, end=end)
            except FileNotFoundError:
                return b""  # its time is over
        parts = []
        async for piece in self._logs.read(output.execution_id, output.step, offset=start):
            parts.append(piece.data[: end - piece.offset])
            if piece.offset + len(piece.data) >= end:
                break
        return b"".join(parts)


def _page(sql: Sql, project_id: ProjectId, at: SearchPlace) -> OutputsPage:
    which = {"project": project_id, "job": at.job, "jobs": JOBS_AT_ONCE}
    rows = sql.all(_OUTPUTS, node=at.node, step=at.step, limit=OUTPUTS_AT_ONCE, **which)
    outputs = [_output(row) for row in rows]
    if len(outputs) == OUTPUTS_AT_ONCE:
        last = outputs[-1]
        following = SearchPlace(last.job_number, last.node, last.step + 1)
        return OutputsPage(outputs=outputs, following=following)
    jobs = sql.all(_JOBS, **which)
    more = len(jobs) == JOBS_AT_ONCE and jobs[-1][1] > 1
    return OutputsPage(outputs=outputs, following=SearchPlace(jobs[-1][1] - 1) if more else None)


def _output(row: Row) -> StepOutput:
    return StepOutput(
        execution_id=ExecutionId(row[0]),
        node=row[1],
        step=row[2],
        step_name=row[3],
        size=row[4],
        sealed=row[5],
        job_id=JobId(row[6]),
        job_name=row[7],
        job_number=row[8],
        workflow_id=WorkflowId(row[9]),
        workflow_name=row[10],
        pipeline_id=PipelineId(row[11]),
        pipeline_number=row[12],
    )


def _inline(
    sql: Sql, outputs: Sequence[StepOutput]
) -> tuple[Mapping[tuple[str, int], bytes], set[tuple[ExecutionId, int]]]:
    """Return the output that is in rows, and of which steps some is in objects."""
    executions, values = placeholders("id", sorted({it.execution_id for it in outputs}))
    steps, positions = placeholders("step", sorted({it.step for it in outputs}))
    found: defaultdict[tuple[str, int], list[bytes]] = defaultdict(list)
    objects: set[tuple[ExecutionId, int]] = set()
    for execution, step, data in sql.all(
        f"SELECT execution_id, step, data FROM chunk WHERE execution_id IN ({executions})"
        f" AND step IN ({steps}) AND start_at < :size ORDER BY execution_id, step, number",
        size=max(it.size for it in outputs),
        **values,
        **positions,
    ):
        if data is None:  # or sealed since we have heard of it
            objects.add((ExecutionId(execution), step))
        else:
            found[execution, step].append(bytes(data))
    return {key: b"".join(parts) for key, parts in found.items()}, objects
