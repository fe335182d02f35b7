"""Workflows and their slots."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import JobId, ProjectId, WorkflowId
from roundel.domain.jobs import JobStatus
from roundel.domain.plan import JobType
from roundel.domain.watching import Wake, topic_of_changes
from roundel.domain.workflows import Workflow, WorkflowSlot
from roundel.store.dialect import Row, Sql
from roundel.store.rows import (
    WORKFLOW,
    columns,
    json_text,
    names_of,
    requirements_of,
    values_of,
    workflow_of,
    workflow_row,
)

SLOT = (
    "workflow_id, position, name, type, requires, contexts, serial_group, excluded, job_id, "
    "job_group"
)

# Slots never change, but for where their jobs stand.  What was made of the rows of a workflow is
# kept for its next ending, and each time held against where its jobs stand now: a workflow of a
# thousand jobs is looked at a thousand times.
_known: dict[WorkflowId, list[WorkflowSlot]] = {}
_MOST_KNOWN = 256  # workflows
_STATUS: Mapping[str | None, JobStatus | None] = {None: None, **{it.value: it for it in JobStatus}}


class SqlWorkflows:
    """Implements `domain.workflows.Workflows`."""

    def __init__(self, sql: Sql, wake: Wake) -> None:
        self._sql = sql
        self._wake = wake

    def add(self, workflow: Workflow) -> None:
        """Add a workflow."""
        self._sql.run(
            f"INSERT INTO workflow ({WORKFLOW}) VALUES ({values_of(WORKFLOW)})",
            **workflow_row(workflow),
        )
        self._wake(topic_of_changes(workflow.project_id))

    def get(self, workflow_id: WorkflowId) -> Workflow | None:
        """Return the workflow."""
        row = self._sql.one(f"SELECT {WORKFLOW} FROM workflow WHERE id = :id", id=workflow_id)
        return None if row is None else workflow_of(row)

    def save(self, workflow: Workflow, before: WorkflowStatus) -> bool:
        """Save unless its status is no longer `before`; tell whether it was saved."""
        changed = self._sql.run(
            "UPDATE workflow SET status = :status, canceled_by = :canceled_by,"
            " stopped_at = :stopped_at WHERE id = :id AND status = :before",
            before=before.value,
            **workflow_row(workflow),
        )
        self._wake(topic_of_changes(workflow.project_id))
        return changed > 0

    def add_slots(self, slots: Sequence[WorkflowSlot]) -> None:
        """Add slots; their jobs must be there already."""
        self._sql.each(
            f"INSERT INTO workflow_job ({SLOT}) VALUES ({values_of(SLOT)})",
            [_slot_row(slot) for slot in slots],
        )

    def contexts_of(self, workflow_id: WorkflowId, job_id: JobId) -> Sequence[str]:
        """Return the contexts that a job of a workflow names."""
        row = self._sql.one(
            "SELECT contexts FROM workflow_job WHERE workflow_id = :workflow AND job_id = :job",
            workflow=workflow_id,
            job=job_id,
        )
        return () if row is None else names_of(row[0])

    def slots(self, workflow_id: WorkflowId) -> Sequence[WorkflowSlot]:
        """Return all slots in the order of the config."""
        # Who needs it: `advance`, at every ending; so it reads of the jobs where they stand only.
        known = _known.get(workflow_id)
        if known is None:
            known = self._all_slots(workflow_id)
        rows = self._sql.all(
            "SELECT j.status FROM workflow_job s LEFT JOIN job j ON j.id = s.job_id"
            " WHERE s.workflow_id = :id ORDER BY s.position",
            id=workflow_id,
        )
        if len(rows) != len(known):
            known = self._all_slots(workflow_id)
        now = [
            slot if slot.status is (status := _STATUS[row[0]]) else replace(slot, status=status)
            for slot, row in zip(known, rows, strict=True)
        ]
        if now:
            _known[workflow_id] = now
            while len(_known) > _MOST_KNOWN:
                _known.pop(next(iter(_known)), None)
        return now

    def _all_slots(self, workflow_id: WorkflowId) -> list[WorkflowSlot]:
        rows = self._sql.all(
            f"SELECT {columns(SLOT, 's')} FROM workflow_job s"
            " WHERE s.workflow_id = :id ORDER BY s.position",
            id=workflow_id,
        )
        return [_slot_of(row) for row in rows]

    def newest_named(self, project_id: ProjectId, name: str) -> WorkflowId | None:
        """Return the newest workflow of a name."""
        row = self._sql.one(
            "SELECT id FROM workflow WHERE project_id = :project AND name = :name"
            " ORDER BY created_at DESC, id DESC LIMIT 1",
            project=project_id,
            name=name,
        )
        return None if row is None else WorkflowId(row[0])

    def runs_of(self, workspace_id: WorkflowId) -> int:
        """Return how many workflows there are with this original, itself included."""
        row = self._sql.one(
            "SELECT COUNT(*) FROM workflow WHERE workspace_id = :id", id=workspace_id
        )
        return 0 if row is None else int(row[0])

    def redundant(self, project_id: ProjectId, branch: str, before: Micros) -> Sequence[WorkflowId]:
        """Return those that go on and may be cancelled for a pipeline made after `before`."""
        # Who needs it: every new pipeline; the partial index has the few that still go on.
        rows = self._sql.all(
            "SELECT w.id FROM workflow w JOIN pipeline p ON p.id = w.pipeline_id"
            " WHERE w.project_id = :project AND w.auto_cancel = 1"
            " AND w.status IN ('running', 'on_hold', 'failing')"
            " AND p.branch = :branch AND p.created_at < :before ORDER BY w.created_at, w.id",
            project=project_id,
            branch=branch,
            before=before,
        )
        return [WorkflowId(row[0]) for row in rows]


def _slot_of(row: Row) -> WorkflowSlot:
    return WorkflowSlot(
        workflow_id=row[0],
        position=row[1],
        name=row[2],
        type=JobType(row[3]),
        requires=requirements_of(row[4]),
        contexts=names_of(row[5]),
        serial_group=row[6],
        excluded=row[7],
        job_id=row[8],
        job_group=row[9],
    )


def _slot_row(slot: WorkflowSlot) -> dict[str, object]:
    return {
        "workflow_id": slot.workflow_id,
        "position": slot.position,
        "name": slot.name,
        "type": slot.type.value,
        "requires": json_text(slot.requires),
        "contexts": json_text(slot.contexts),
        "serial_group": slot.serial_group,
        "excluded": slot.excluded,
        "job_id": slot.job_id,
        "job_group": slot.job_group,
    }
