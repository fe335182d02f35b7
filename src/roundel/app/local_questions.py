"""The approvals of a local run: each is asked for once, when its turn has come."""

import asyncio
from collections.abc import Sequence

from roundel.app.engine import Engine
from roundel.app.local_events import Approved, Audience, Note, Waiting
from roundel.app.local_wanted import Decide
from roundel.domain.access import Actor
from roundel.domain.errors import DomainError
from roundel.domain.flows import WORKFLOW_ENDED
from roundel.domain.ids import JobId, WorkflowId
from roundel.domain.jobs import ENDED, Job, JobStatus
from roundel.domain.views import WorkflowView
from roundel.domain.workflows import Workflow
from roundel.services.approvals import ApproveJob, approve_job

_STUCK = {JobStatus.BLOCKED, JobStatus.ON_HOLD} | ENDED


class Questions:
    """Asks whoever decides; `changed` is set at each answer."""

    def __init__(
        self, engine: Engine, audience: Audience, decide: Decide, changed: asyncio.Event
    ) -> None:
        self._engine = engine
        self._audience = audience
        self._decide = decide
        self._changed = changed
        self._asking: dict[JobId, asyncio.Task[None]] = {}
        self._declined: set[JobId] = set()

    def close(self) -> None:
        """Take back what has no answer yet."""
        for asking in self._asking.values():
            asking.cancel()

    async def look(self, workflows: Sequence[WorkflowView], by: Actor) -> set[WorkflowId]:
        """Ask for what waits now, and take back what does not any more.

        Return the workflows that wait for nothing but approvals which nobody will give.
        """
        waiting: set[WorkflowId] = set()
        on_hold: set[JobId] = set()
        for view in workflows:
            if view.workflow.status in WORKFLOW_ENDED:
                continue
            slots = await self._engine.reads.slots(view.workflow.id)
            held = [slot.job for slot in slots if slot.job.status is JobStatus.ON_HOLD]
            for job in held:
                on_hold.add(job.id)
                if job.id not in self._asking:
                    asking = asyncio.create_task(self._ask(view.workflow, job, by))
                    self._asking[job.id] = asking
            if self._declined.issuperset(job.id for job in held) and all(
                slot.job.status in _STUCK for slot in slots
            ):
                waiting.add(view.workflow.id)
        for known in self._asking.keys() - on_hold:
            self._asking[known].cancel()
        return waiting

    async def _ask(self, workflow: Workflow, job: Job, by: Actor) -> None:
        self._audience.hear(Waiting(workflow=workflow.name, job=job.name))
        try:
            given = await self._decide(workflow.name, job.name)
            if given:
                await approve_job(
                    ApproveJob(workflow=workflow.id, approval=job.id, by=by), self._engine
                )
            else:
                self._declined.add(job.id)
            self._audience.hear(Approved(workflow=workflow.name, job=job.name, given=bool(given)))
        except DomainError as refusal:  # it was canceled meanwhile
            self._audience.hear(Note(text=f"{job.name}: {refusal}"))
        finally:
            self._changed.set()
