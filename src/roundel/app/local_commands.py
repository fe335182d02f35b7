"""What a person asks of a run while it is under way, done through the server's use cases."""

import asyncio

from roundel.app.engine import Engine
from roundel.app.local_attending import Attending
from roundel.app.local_desk import Desk, Verb
from roundel.app.local_events import Audience, JobStands, Note, WorkflowStands
from roundel.domain.access import Actor
from roundel.domain.errors import DomainError
from roundel.domain.flows import WORKFLOW_ENDED
from roundel.domain.ids import JobId, WorkflowId
from roundel.domain.reruns import Choice
from roundel.domain.views import WorkflowView


class Commands:
    """Carries out what is asked for; `changed` is set whenever the run has to look again."""

    def __init__(
        self, engine: Engine, audience: Audience, attending: Attending, changed: asyncio.Event
    ) -> None:
        self._engine = engine
        self._audience = audience
        self._attending = attending
        self._changed = changed
        self._again: list[JobId] = []
        self._told: dict[WorkflowId, WorkflowStands] = {}
        self.left = False

    async def obey(self, desk: Desk, by: Actor) -> None:
        """Do what is asked for, until cancelled."""
        while True:
            command = await desk.command()
            try:
                match command.verb:
                    case Verb.LEAVE:
                        self.left = True
                    case Verb.CANCEL if command.job is not None:
                        from roundel.services.jobs import CancelJob, cancel_job

                        await cancel_job(CancelJob(job=command.job, by=by), self._engine)
                    case Verb.RERUN if command.job is not None:
                        self._again.append(command.job)
                    case Verb.SHELL if command.job is not None:
                        if not await self._attending.shell(command.job):
                            self._say("a shell needs a job that runs, or has just failed")
                    case _:
                        self._say("choose a job first")
            except DomainError as refusal:
                self._say(str(refusal))
            self._changed.set()

    async def rerun(self, workflows: list[WorkflowView], by: Actor) -> bool:
        """Start the reruns whose workflow has ended; return whether there were any."""
        started = False
        for job in list(self._again):
            for view in workflows:
                slots = await self._engine.reads.slots(view.workflow.id)
                if job not in {slot.job.id for slot in slots}:
                    continue
                if view.workflow.status not in WORKFLOW_ENDED:
                    self._say("it runs again once its workflow has ended")
                    break
                from roundel.services.reruns import RerunWorkflow, rerun_workflow

                self._again.remove(job)
                self._attending.release(job)
                command = RerunWorkflow(
                    workflow=view.workflow.id, by=by, choice=Choice(jobs=(job,))
                )
                try:
                    await rerun_workflow(command, self._engine)
                    started = True
                except DomainError as refusal:
                    self._say(str(refusal))
                break
        return started

    async def tell(self, workflows: list[WorkflowView]) -> None:
        """Tell how the workflows stand, as far as that has changed."""
        for view in workflows:
            slots = await self._engine.reads.slots(view.workflow.id)
            stands = WorkflowStands(
                workflow=view.workflow.id,
                name=view.workflow.name,
                status=view.workflow.status.value,
                jobs=tuple(
                    JobStands(
                        job=slot.job.id,
                        name=slot.job.name,
                        type=slot.job.type.value,
                        status=slot.job.status.value,
                        requires=tuple(need.job for need in slot.requires),
                        message=slot.job.message,
                    )
                    for slot in slots
                ),
            )
            if self._told.get(view.workflow.id) != stands:
                self._told[view.workflow.id] = stands
                self._audience.hear(stands)

    def _say(self, text: str) -> None:
        self._audience.hear(Note(text=text))
