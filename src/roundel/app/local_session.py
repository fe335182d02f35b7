"""One local run: the runner beside the engine, the pipeline's way to its end, and the end."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from roundel.app.engine import Engine
from roundel.app.local_attending import Attending
from roundel.app.local_backend import choose_backend, end_leftovers
from roundel.app.local_commands import Commands
from roundel.app.local_events import Audience, Event, Summary
from roundel.app.local_orders import changed
from roundel.app.local_pipeline import (
    asks,
    begin,
    cancel_open,
    create,
    errors_of,
    mark_of,
    note_run,
    over,
)
from roundel.app.local_plan import PlanChange
from roundel.app.local_questions import Questions
from roundel.app.local_results import LogFiles, keep_results
from roundel.app.local_server import TellingServer
from roundel.app.local_signals import hear_signals
from roundel.app.local_snapshots import NoSnapshot, Snapshots
from roundel.app.local_trouble import TROUBLE, RunLog
from roundel.app.local_wanted import CannotRunHere, Wanted
from roundel.domain.access import Actor
from roundel.domain.errors import DomainError
from roundel.domain.flows import WORKFLOW_ENDED, WorkflowStatus
from roundel.domain.ids import PipelineId, WorkflowId
from roundel.domain.pipelines import Commit, Pipeline, PipelineState, Ref
from roundel.domain.projects import Project
from roundel.domain.runners import JobOrder
from roundel.domain.views import WorkflowView
from roundel.runner.main import Runner
from roundel.services.workflows import CancelWorkflow, cancel_workflow
from roundel.settings import BackendChoice

SLOW_POLL_SECONDS = 0.5  # what changes without an end of a job is seen this late
MOST_WORKFLOWS = 1000
LEAVE_SECONDS = 15.0  # for sandboxes that are being removed at the end


class Session:
    """One run: the runner beside the engine, and the way to end it early."""

    def __init__(
        self,
        engine: Engine,
        wanted: Wanted,
        audience: Audience,
        root: Path,
        commit: Commit,
        told: Mapping[str, str],
    ) -> None:
        self._engine = engine
        self._commit = commit
        self._learned: dict[str, str] = {}
        self._contexts: Mapping[str, Mapping[str, str]] = {}  # by the jobs that name them
        self._all_secrets = tuple(
            value for variables in wanted.contexts.values() for value in variables.values()
        )
        self._root = root
        self._told = told
        self._wanted = wanted
        self._audience: Audience | None = audience
        self._logs = LogFiles(engine.folder.path.parent / "runs", self)
        self._server = TellingServer(engine, self._logs, self._change, engine.clock)
        self._interrupted = asyncio.Event()
        self._at_once = asyncio.Event()
        slots = wanted.slots or os.cpu_count() or 1
        self._snapshots = Snapshots(
            engine.folder.path / "snapshots", engine.folder.path.parent.name
        )
        self._refusal: NoSnapshot | CannotRunHere | None = None
        self._attending = Attending(
            self._logs,
            wanted.desk,
            breaks=wanted.breaks,
            shell_on_failure=wanted.shell_on_failure,
            hold=wanted.stays,
            most=slots,
            snapshots=self._snapshots,
            every_step=wanted.snapshots,
        )
        self._commands = Commands(engine, self._logs, self._attending, self._server.ended)
        self._questions = Questions(engine, self._logs, wanted.decide, self._server.ended)
        self._doors = contextlib.AsyncExitStack()
        self._running: asyncio.Task[None] | None = None
        self._obeying: asyncio.Task[None] | None = None

    def hear(self, event: Event) -> None:
        """Pass an event on.  When nobody reads any more (`| head`), the run ends.

        Nothing is raised: the runner would take it for a server that is away, and try for ever.
        """
        if self._audience is None:
            return
        try:
            self._audience.hear(event)
        except OSError:
            self._audience = None
            self._interrupt()

    async def __aenter__(self) -> "Session":
        engine = self._engine
        wanted = self._wanted
        self._backend, self._host = await choose_backend(
            BackendChoice.PROCESS if wanted.stub else wanted.backend,
            wanted.image_map,
            self._logs,
            shared=self._root if wanted.in_place else None,
            on_pull=self._server.pulling,
            prepare_ahead=wanted.prepare_ahead,
        )
        self._snapshots.backend = self._backend
        engine.folder.runner.mkdir(mode=0o700, exist_ok=True)
        await end_leftovers(self._backend, engine.folder.runner)
        self._runner = Runner(
            self._server,
            self._backend,
            folder=engine.folder.runner,
            clock=engine.clock,
            slots=self._wanted.slots or os.cpu_count() or 1,
            attendant=self._attending,
        )
        hear_signals(self._interrupt)
        self._log = RunLog(engine.folder.path, note=self._attending.note, broken=self._give_up)
        self._log.begin()
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, TROUBLE):
            self._at_once.set()  # no job's end could be kept
        self._questions.close()
        if self._obeying is not None:
            self._obeying.cancel()
        self._attending.release()
        if self._running is not None and not self._running.done():
            await self._stop_runner()
        if self._running is not None:
            with contextlib.suppress(asyncio.CancelledError, DomainError):
                await self._running
        await self._doors.aclose()
        # What had to be left because there was no time is ended now, however often we are told to.
        await end_leftovers(self._backend, self._engine.folder.runner)
        await self._backend.close()
        self._log.end()
        self._logs.close()

    async def _stop_runner(self) -> None:
        """Give jobs that are being ended their time, unless nobody wants to wait for them."""
        leaving = asyncio.create_task(self._runner.stop(LEAVE_SECONDS))
        hurrying = asyncio.create_task(self._at_once.wait())
        await asyncio.wait([leaving, hurrying], return_when=asyncio.FIRST_COMPLETED)
        hurrying.cancel()
        if not leaving.done():
            leaving.cancel()
            jobs = self._engine.folder.runner / "jobs"
            await self._backend.sweep(jobs.absolute(), frozenset())
            await self._runner.stop(0.0)

    def _change(self, order: JobOrder) -> JobOrder:
        """Return an order as the command line wants it."""
        wanted = self._wanted
        secrets = {**wanted.secrets, **self._learned, **self._contexts.get(order.job_name, {})}
        order = changed(order, wanted.environment, secrets, self._all_secrets, self._told)
        if wanted.again is not None:
            from roundel.app.local_again import of_today

            order = of_today(order, self._commit)
        if wanted.resume_at is None or wanted.resume_at[0] != order.job_name:
            return order
        try:
            return self._snapshots.resumed(order, wanted.resume_at[1])
        except NoSnapshot as refusal:
            self._refusal = refusal
            self._interrupt()
            return replace(order, steps=())

    def _interrupt(self) -> None:
        """End the run; said twice, at once."""
        if self._interrupted.is_set():
            self._at_once.set()
        self._interrupted.set()
        self._attending.release()
        self._server.ended.set()

    def _give_up(self, why: str) -> None:
        """End the run at once: nothing that happens in it can be kept."""
        self._refusal = CannotRunHere(why)
        self._at_once.set()
        self._interrupt()

    async def pipeline(self, project: Project, ref: Ref, by: Actor, change: PlanChange) -> Summary:
        """Trigger the pipeline, wait for its end, and keep what it left."""
        engine = self._engine
        pipeline = await self._pipeline(project, ref, by)
        if change.refusal is not None:
            raise change.refusal
        self._learned = change.learned
        self._contexts = change.contexts
        if change.chosen is not None and change.chosen.setup:
            from roundel.app.local_doors import api_beside  # the whole API, which few runs need

            await self._doors.enter_async_context(api_beside(engine, self._host))
        note_run(engine)
        self._running = asyncio.create_task(self._runner.run(), name="runner")
        if self._wanted.desk is not None:
            self._obeying = asyncio.create_task(self._commands.obey(self._wanted.desk, by))
        pipeline = await self._to_the_end(pipeline.id, by, change)
        if self._refusal is not None:
            raise self._refusal
        summary = await keep_results(engine, pipeline, self._logs.folder)
        if any(status not in WORKFLOW_ENDED for _, status in summary.workflows):
            await cancel_open(engine, project, by)
        mark_of(engine).unlink()
        summary = replace(summary, interrupted=self._interrupted.is_set())
        self._logs.hear(summary)
        return summary

    async def _pipeline(self, project: Project, ref: Ref, by: Actor) -> Pipeline:
        """Return a new pipeline, or the one to go on with."""
        engine, again = self._engine, self._wanted.again
        if again is None:
            return await create(engine, project, ref, by, self._wanted)
        from roundel.app.local_again import has_job, run_again

        await begin(engine, project, by)
        if self._wanted.resume_at is not None:
            await has_job(again, engine, project)
            self._snapshots.check(*self._wanted.resume_at)
        pipeline, _ = await self._look(await run_again(again, engine, project, by))
        return pipeline

    async def _to_the_end(self, pipeline_id: PipelineId, by: Actor, change: PlanChange) -> Pipeline:
        canceled: set[WorkflowId] = set()
        while True:
            self._server.ended.clear()
            if self._refusal is not None and self._at_once.is_set():
                raise self._refusal
            pipeline, workflows = await self._look(pipeline_id)
            if pipeline.state is PipelineState.ERRORED:
                raise errors_of(pipeline, self._engine)
            if self._wanted.follow:
                await self._commands.tell(workflows)
            if self._commands.left and not (over(workflows, set()) or self._interrupted.is_set()):
                self._interrupt()
            # What was to run again once its workflow has ended is not meant by who ends all.
            if not self._interrupted.is_set() and await self._commands.rerun(workflows, by):
                continue
            waiting = await self._questions.look(workflows, by) if asks(change) else set()
            if over(workflows, waiting) and not self._stays(workflows):
                return pipeline
            if self._interrupted.is_set() and await self._cancel(workflows, canceled, by):
                continue
            if self._at_once.is_set():
                return pipeline
            await self._change_comes()

    async def _cancel(
        self, workflows: list[WorkflowView], canceled: set[WorkflowId], by: Actor
    ) -> bool:
        """Cancel each workflow that goes on, once; return whether there were any."""
        open_ = [
            view.workflow.id
            for view in workflows
            if view.workflow.status not in WORKFLOW_ENDED and view.workflow.id not in canceled
        ]
        for workflow in open_:
            canceled.add(workflow)
            await cancel_workflow(CancelWorkflow(workflow=workflow, by=by), self._engine)
        return bool(open_)

    def _stays(self, workflows: list[WorkflowView]) -> bool:
        """Tell whether somebody may want to look into what failed, or run it again."""
        if not self._wanted.stays or self._commands.left or self._interrupted.is_set():
            return False
        last = {view.workflow.workspace_id: view.workflow.status for view in workflows}
        return any(status is not WorkflowStatus.SUCCESS for status in last.values())

    async def _look(self, pipeline_id: PipelineId) -> tuple[Pipeline, list[WorkflowView]]:
        view = await self._engine.reads.pipeline(pipeline_id)
        if view is None:
            raise CannotRunHere("the pipeline is gone from the state folder")
        workflows = await self._engine.reads.workflows(pipeline_id, limit=MOST_WORKFLOWS)
        return view.pipeline, list(workflows)

    async def _change_comes(self) -> None:
        """Wait until something may have changed; raise what ended the runner."""
        running = self._running
        assert running is not None  # noqa: S101 begun before the first wait
        waiting = asyncio.create_task(self._server.ended.wait())
        try:
            await asyncio.wait(
                [waiting, running],
                timeout=SLOW_POLL_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            waiting.cancel()
        if running.done():
            await running
            raise CannotRunHere("the runner ended before the pipeline did")
