"""Workflows and their slots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import JobId, PipelineId, ProjectId, WorkflowId
from roundel.domain.jobs import JobStatus
from roundel.domain.plan import JobType
from roundel.domain.watching import Wake, topic_of_changes
from roundel.domain.workflows import Layout, Workflow, WorkflowSlot, layout_of
from roundel.store.dialect import Row, Sql, in_pieces, placeholders
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
SLOT_WIDTH = 10

# Layouts never change.  They are kept for a workflow's next ending: with a thousand jobs there are
# a thousand of those.
_known: dict[WorkflowId, Layout] = {}
_MOST_KNOWN = 100_000  # invocations, of all kept workflows together
_STATUS: Mapping[str | None, JobStatus | None] = {None: None, **{it.value: it for it in JobStatus}}

# Who needs it: `advance`, at every ending; so it costs the same in a workflow of any size.
_STATUSES = " UNION ALL ".join(
    f"SELECT '{it.value}' WHERE EXISTS"  # words of our own
    f" (SELECT 1 FROM job WHERE workflow_id = :id AND status = '{it.value}')"
    for it in JobStatus
)
_KEPT_STATUSES = (
    "SELECT DISTINCT j.status FROM workflow_job s JOIN job j ON j.id = s.job_id"
    " WHERE s.workflow_id = :id AND j.workflow_id <> :id"
)


class SqlWorkflows:
    """Implements `domain.workflows.Workflows`."""

    def __init__(self, sql: Sql, wake: Wake) -> None:
        self._sql = sql
        self._wake = wake

    def add(self, workflow: Workflow) -> None:
        """Add a workflow."""
        self._sql.put(
            f"INSERT INTO workflow ({WORKFLOW}) VALUES ({values_of(WORKFLOW)})",
            **workflow_row(workflow),
        )
        self._wake(topic_of_changes(workflow.project_id))

    def get(self, workflow_id: WorkflowId) -> Workflow | None:
        """Return the workflow."""
        rows = self._sql.kept(f"SELECT {WORKFLOW} FROM workflow WHERE id = :id", id=workflow_id)
        return workflow_of(rows[0]) if rows else None

    def save(self, workflow: Workflow, before: WorkflowStatus) -> None:
        """Save unless its status is no longer `before`."""
        self._sql.put(
            "UPDATE workflow SET status = :status, canceled_by = :canceled_by,"
            " stopped_at = :stopped_at WHERE id = :id AND status = :before",
            before=before.value,
            **workflow_row(workflow),
        )
        self._wake(topic_of_changes(workflow.project_id))

    def add_slots(self, slots: Sequence[WorkflowSlot]) -> None:
        """Add slots; their jobs must be there already."""
        self._sql.each(
            f"INSERT INTO workflow_job ({SLOT}) VALUES ({values_of(SLOT)})",
            [_slot_row(slot) for slot in slots],
        )

    def contexts_of(self, workflow_id: WorkflowId, job_id: JobId) -> Sequence[str]:
        """Return the contexts that a job of a workflow names."""
        slot = self.layout(workflow_id).by_job.get(job_id)
        return () if slot is None else slot.contexts

    def slots(self, workflow_id: WorkflowId) -> Sequence[WorkflowSlot]:
        """Return all slots in the order of the config."""
        rows = self._sql.all(
            "SELECT j.status FROM workflow_job s LEFT JOIN job j ON j.id = s.job_id"
            " WHERE s.workflow_id = :id ORDER BY s.position",
            id=workflow_id,
        )
        slots = self.layout(workflow_id).slots.values()
        return [
            replace(slot, status=_STATUS[row[0]]) for slot, row in zip(slots, rows, strict=True)
        ]

    def layout(self, workflow_id: WorkflowId) -> Layout:
        """Return what never changes about a workflow; cheap after the first time."""
        known = _known.get(workflow_id)
        if known is not None:
            return known
        rows = self._sql.all(
            f"SELECT {columns(SLOT, 's')}, j.workflow_id FROM workflow_job s"
            " LEFT JOIN job j ON j.id = s.job_id WHERE s.workflow_id = :id ORDER BY s.position",
            id=workflow_id,
        )
        slots = [_slot_of(row) for row in rows]
        kept = [slot.name for slot, row in zip(slots, rows, strict=True) if _kept(row)]
        layout = layout_of(slots, kept)
        if rows:
            _keep(workflow_id, layout)
        return layout

    def standing(self, jobs: Collection[JobId]) -> Mapping[JobId, JobStatus]:
        """Return where these jobs stand."""
        found: dict[JobId, JobStatus] = {}
        for some in in_pieces(list(jobs)):
            marks, values = placeholders("job", some)
            rows = self._sql.all(f"SELECT id, status FROM job WHERE id IN ({marks})", **values)
            found |= {JobId(row[0]): JobStatus(row[1]) for row in rows}
        return found

    def statuses(self, workflow: Workflow) -> Collection[JobStatus]:
        """Return the statuses that jobs of the workflow have, each once."""
        rows = self._sql.all(_STATUSES, id=workflow.id)
        if workflow.rerun_of is not None:
            rows += self._sql.all(_KEPT_STATUSES, id=workflow.id)
        return {JobStatus(row[0]) for row in rows}

    def with_job(self, job_id: JobId) -> Sequence[Workflow]:
        """Return the workflows that a job is part of: its own, and reruns that kept it."""
        rows = self._sql.all(
            f"SELECT {columns(WORKFLOW, 'w')} FROM workflow_job s"
            " JOIN workflow w ON w.id = s.workflow_id WHERE s.job_id = :job",
            job=job_id,
        )
        return [workflow_of(row) for row in rows]

    def newest_named(self, project_id: ProjectId, name: str) -> WorkflowId | None:
        """Return the newest workflow of a name."""
        row = self._sql.one(
            "SELECT id FROM workflow WHERE project_id = :project AND name = :name"
            " ORDER BY created_at DESC, id DESC LIMIT 1",
            project=project_id,
            name=name,
        )
        return None if row is None else WorkflowId(row[0])

    def came_from(self, pipeline_id: PipelineId, plan: str) -> bool:
        """Tell whether a workflow of the pipeline came from this plan."""
        row = self._sql.one(
            "SELECT 1 FROM workflow WHERE pipeline_id = :pipeline AND plan = :plan LIMIT 1",
            pipeline=pipeline_id,
            plan=plan,
        )
        return row is not None

    def runs_of(self, workspace_id: WorkflowId) -> int:
        """Return how many workflows there are with this original, itself included."""
        row = self._sql.one(
            "SELECT COUNT(*) FROM workflow WHERE workspace_id = :id", id=workspace_id
        )
        return 0 if row is None else int(row[0])

    def was_rerun(self, workflow: Workflow) -> bool:
        """Tell whether there is a rerun of this very workflow."""
        row = self._sql.one(
            "SELECT 1 FROM workflow WHERE workspace_id = :original AND rerun_of = :id LIMIT 1",
            original=workflow.workspace_id,
            id=workflow.id,
        )
        return row is not None

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


def _keep(workflow_id: WorkflowId, layout: Layout) -> None:
    _known[workflow_id] = layout
    left = sum(len(it.slots) for it in _known.values())
    for other in list(_known):
        if left <= _MOST_KNOWN or other == workflow_id:
            return
        gone = _known.pop(other, None)
        left -= 0 if gone is None else len(gone.slots)


def _kept(row: Row) -> bool:
    return row[SLOT_WIDTH] is not None and row[SLOT_WIDTH] != row[0]


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
