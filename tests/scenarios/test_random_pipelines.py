"""Random workflows under random events on a real database, held against a small model.

`ROUNDEL_RANDOM_PIPELINES` is how many are tried; a soak takes 10,000.
"""

import os
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from roundel.domain.ids import JobId, PipelineId, WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import JobType, Plan, Requirement, SlotPlan, WorkflowPlan
from roundel.domain.reruns import Choice
from roundel.domain.runners import Lease, Result
from tests.builders import a_job_plan
from tests.scenarios.conftest import House
from tests.scenarios.model import ENDED, Model
from tests.scenarios.trying import try_all

_USUAL = 10_000 if os.environ.get("ROUNDEL_SOAK") else 100
PIPELINES = int(os.environ.get("ROUNDEL_RANDOM_PIPELINES", _USUAL))
MOST_EVENTS = 14
MOST_WORKFLOWS = 5
WORDS = ("success", "failed", "canceled", "not_run")
ENDINGS = ["success", "success", "failed", "timedout", "infrastructure_fail"]
TYPES = [JobType.BUILD, JobType.BUILD, JobType.BUILD, JobType.APPROVAL, JobType.NO_OP]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan of one workflow without cycles; its filters leave out a job now and then."""
    slots = []
    for number in range(draw(st.integers(1, 8))):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        requires = tuple(
            Requirement(
                job=f"j{need}",
                statuses=("success",)
                if draw(st.booleans())
                else tuple(sorted(draw(st.sets(st.sampled_from(WORDS), min_size=1)))),
            )
            for need in sorted(needs)
        )
        type_ = draw(st.sampled_from(TYPES))
        slots.append(
            SlotPlan(
                name=f"j{number}",
                type=type_,
                job=None if type_ is JobType.APPROVAL else f"j{number}",
                requires=requires,
                excluded="a filter" if draw(st.integers(0, 9)) == 0 else None,
            )
        )
    workflow = WorkflowPlan(
        name="main",
        slots=tuple(draw(st.permutations(slots))),
        max_auto_reruns=draw(st.sampled_from([0, 0, 0, 1, 2])),
    )
    jobs = {it.job: a_job_plan(it.job, type=it.type) for it in slots if it.job is not None}
    return Plan(workflows=(workflow,), jobs=jobs, parameters={})


class Trial:
    """One pipeline and the models of its workflows, in the order of their creation."""

    def __init__(self, house: House, plan: Plan, leases: dict[str, Lease]) -> None:
        self.house = house
        self.plan = plan
        self.pipeline: PipelineId
        self.models: list[Model] = []
        self.tried_again: set[JobId] = set()
        self.stopping: set[JobId] = set()
        self.leases = leases  # also of trials that were given up in the middle

    async def begin(self) -> None:
        [workflow] = self.plan.workflows
        self.pipeline = (await self.house.trigger(self.plan)).id
        if any(slot.excluded is None for slot in workflow.slots):
            self.models.append(Model(workflow.slots, workflow.max_auto_reruns).begin())
        await self.compare()

    async def ids(self) -> list[WorkflowId]:
        views = await self.house.engine.reads.workflows(self.pipeline, limit=100)
        return [view.workflow.id for view in views]

    async def job(self, index: int, name: str) -> JobId:
        return (await self.house.jobs((await self.ids())[index]))[name].id

    async def compare(self) -> None:
        """Let a runner have all that there is; then nothing may differ from the models."""
        for model in list(self.models):
            self._follow(model)
        while (order := await self.house.runner.claim()) is not None:
            self.leases[order.job_id] = order.lease
        views = await self.house.engine.reads.workflows(self.pipeline, limit=100)
        assert [it.workflow.status.value for it in views] == [it.status() for it in self.models]
        for view, model in zip(views, self.models, strict=True):
            jobs = await self.house.jobs(view.workflow.id)
            assert {name: _seen(job.status.value) for name, job in jobs.items()} == model.now

    def _follow(self, model: Model) -> None:
        """Add the rerun that a failed workflow makes by itself, once."""
        if model.status() == "failed" and model.auto_reruns > 0:
            again = model.again(model.undone(), model.auto_reruns - 1)
            model.auto_reruns = 0
            self.models.append(again)
            self._follow(again)

    async def finish(self, index: int, name: str, status: str) -> None:
        job = await self.job(index, name)
        await self.house.runner.server.finish(
            self.leases.pop(job), Result(status=ExecutionStatus(status))
        )
        stopping = self.models[index].canceling or job in self.stopping
        if status == "infrastructure_fail" and not stopping and job not in self.tried_again:
            self.tried_again.add(job)  # as no step of it has begun
            return
        self.models[index].end(name, status)

    async def approve(self, index: int, name: str) -> None:
        workflow = (await self.ids())[index]
        job = await self.job(index, name)
        await self.house.use.approve_job(workflow, job, self.house.admin)
        self.models[index].end(name, "success")

    async def cancel(self, index: int) -> None:
        await self.house.use.cancel_workflow((await self.ids())[index], self.house.admin)
        self.models[index].cancel()

    async def cancel_job(self, index: int, name: str) -> None:
        job = await self.job(index, name)
        await self.house.use.cancel_job(job, self.house.admin)
        self.stopping.add(job)
        if self.models[index].now[name] == "on_hold":
            self.models[index].end(name, "canceled")

    async def rerun(self, index: int, from_failed: bool) -> None:
        workflow, model = (await self.ids())[index], self.models[index]
        choice = Choice(from_failed=from_failed)
        await self.house.use.rerun_workflow(workflow, choice, False, self.house.admin)
        self.models.append(model.again(model.undone() if from_failed else None))

    def possible(self) -> list[tuple[Any, ...]]:
        """Return the events that can happen now."""
        events: list[tuple[Any, ...]] = []
        for index, model in enumerate(self.models):
            if model.status() in ENDED:
                if len(self.models) < MOST_WORKFLOWS:
                    events.append((self.rerun, index, False))
                    events += [(self.rerun, index, True)] if model.undone() else []
                continue
            events.append((self.cancel, index))
            events += [(self.approve, index, name) for name in model.waiting("on_hold")]
            events += [(self.cancel_job, index, name) for name in model.waiting("on_hold")]
            events += [(self.finish, index, name) for name in model.waiting("queued")]
        return events


def _seen(status: str) -> str:
    return "queued" if status in {"queued", "not_running", "running"} else status


async def one_pipeline(house: House, leases: dict[str, Lease], data: st.DataObject) -> None:
    """Try one plan: events in any order, then the end of all that is still open."""
    trial = Trial(house, data.draw(plans()), leases)
    await trial.begin()
    for _ in range(data.draw(st.integers(0, MOST_EVENTS))):
        events = trial.possible()
        if not events:
            break
        act, *what = events[data.draw(st.integers(0, len(events) - 1))]
        if act == trial.finish:
            canceling = trial.models[what[0]].canceling
            endings = ["canceled", "canceled", "success"] if canceling else ENDINGS
            what.append(data.draw(st.sampled_from(endings)))
        await act(*what)
        await trial.compare()
    await wind_down(trial)


async def wind_down(trial: Trial) -> None:
    """End all that is still open, also what that makes begin."""
    while still := [it for it in trial.models if it.status() not in ENDED]:
        model, index = still[0], next(n for n, it in enumerate(trial.models) if it is still[0])
        if held := model.waiting("on_hold"):
            await trial.approve(index, held[0])
        else:
            ending = "canceled" if model.canceling else "success"
            await trial.finish(index, model.waiting("queued")[0], ending)
        await trial.compare()


def test_random_pipelines_stand_where_the_model_says_after_every_event(
    tmp_path: Path, database_url: str | None
) -> None:
    leases: dict[str, Lease] = {}

    async def numbers_without_gaps(house: House) -> None:
        jobs = await house.engine.reads.recent_jobs(house.project.id, limit=100)
        numbers = [view.job.number for view in jobs]
        newest = numbers[0] or 0
        assert numbers == list(range(newest, newest - len(numbers), -1))

    house = House(tmp_path / "data", database_url)
    try_all(
        house,
        PIPELINES,
        lambda data: one_pipeline(house, leases, data),
        after=numbers_without_gaps,
    )
