"""Random workflows that take turns: one at a time, never back, and all of them end.

No model says where each job stands; what holds at every moment does.
"""

import os
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from roundel.domain.clock import SECOND, Micros
from roundel.domain.ids import WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import JobType, Plan, Requirement, SlotPlan, WorkflowPlan
from roundel.domain.reruns import Choice
from roundel.domain.runners import JobOrder, Result
from roundel.domain.settings import ProjectSettings
from tests.builders import a_job_plan
from tests.scenarios.conftest import House
from tests.scenarios.trying import try_all

_USUAL = 3_000 if os.environ.get("ROUNDEL_SOAK") else 40
TRIES = int(os.environ.get("ROUNDEL_RANDOM_TURNS", _USUAL))
MOST_EVENTS = 16
MOST_WORKFLOWS = 7
ENDED = {"success", "failed", "canceled", "not_run", "error"}
ENDINGS = ["success", "success", "success", "failed", "canceled"]
REPEATED = {"failed", "canceled", "failing"}  # from what failed on, early ones too

# The jobs that may be with a runner, and by what age they take their turn.
_TAKING_TURNS = (
    "SELECT j.id, w.id, s.name, s.serial_group, s.job_group,"
    " CASE WHEN w.rerun_of IS NOT NULL AND w.auto_rerun_number = 0"
    " THEN w.created_at ELSE p.created_at END"
    " FROM job j JOIN workflow_job s ON s.job_id = j.id AND s.workflow_id = j.workflow_id"
    " JOIN workflow w ON w.id = j.workflow_id JOIN pipeline p ON p.id = w.pipeline_id"
    " WHERE j.stopped_at IS NULL AND s.serial_group IS NOT NULL"
)
_WITH_THE_LOCK = (
    "SELECT DISTINCT w.id FROM workflow w"
    " JOIN job l ON l.workflow_id = w.id AND l.type = 'lock' AND l.status = 'success'"
    " LEFT JOIN job u ON u.workflow_id = w.id AND u.type = 'unlock'"
    " WHERE w.stopped_at IS NULL AND (u.status IS NULL OR u.status <> 'success')"
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan of which some jobs are in serial groups, or some run under a lock."""
    slots: list[SlotPlan] = []
    jobs = {}
    under_lock = draw(st.integers(0, 2)) == 0
    count = draw(st.integers(1, 5))
    for number in range(count):
        name = f"j{number}"
        needs = draw(st.sets(st.integers(0, number - 1), max_size=2)) if number else set()
        group = draw(st.sampled_from([None, "a", "a", "b"])) if not under_lock else None
        before = slots[-1] if slots else None
        job_group = None
        if before is not None and before.job_group is not None and draw(st.booleans()):
            # One more of the group: it needs nobody outside.
            group, job_group, needs = before.serial_group, before.job_group, {number - 1}
        elif group is not None and draw(st.integers(0, 3)) == 0:
            job_group = f"of-{name}"
        slots.append(
            SlotPlan(
                name=name,
                type=JobType.BUILD,
                job=name,
                requires=tuple(
                    Requirement(job=f"j{need}", statuses=("success",)) for need in needs
                ),
                serial_group=group,
                job_group=job_group,
            )
        )
        jobs[name] = a_job_plan(name)
    if under_lock:
        lock = SlotPlan(name="lock", type=JobType.LOCK, job="lock", requires=())
        free = [slot.name for slot in slots if not slot.requires]
        held = draw(st.sets(st.sampled_from(free), min_size=1))
        after = (Requirement(job="lock", statuses=("success",)),)
        slots = [replace(it, requires=after) if it.name in held else it for it in slots]
        jobs["lock"] = a_job_plan("lock", type=JobType.LOCK, steps=(), extra={"key": "env"})
        slots.insert(0, lock)
        if draw(st.booleans()):
            last = (Requirement(job=slots[-1].name, statuses=("success", "failed")),)
            slots.append(SlotPlan(name="unlock", type=JobType.UNLOCK, job="unlock", requires=last))
            jobs["unlock"] = a_job_plan(
                "unlock", type=JobType.UNLOCK, steps=(), extra={"key": "env"}
            )
    workflow = WorkflowPlan(
        name="main",
        slots=tuple(slots),
        max_auto_reruns=draw(st.sampled_from([0, 0, 1])),
    )
    return Plan(workflows=(workflow,), jobs=jobs, parameters={})


@dataclass
class Trial:
    """What was begun, and what runs."""

    house: House
    began: Micros
    running: dict[str, JobOrder] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def workflows(self) -> dict[WorkflowId, str]:
        rows = await self.house.rows(
            f"SELECT id, status FROM workflow WHERE created_at >= {self.began}"  # noqa: S608 ours
            " ORDER BY created_at, id"
        )
        return {WorkflowId(id_): status for id_, status in rows}

    def number_of(self, job: str) -> int:
        return self.running[job].job_number

    async def trigger(self, plan: Plan) -> None:
        await self.house.trigger(plan)

    async def finish(self, job: str, status: str) -> None:
        order = self.running.pop(job)
        await self.house.runner.server.finish(order.lease, Result(status=ExecutionStatus(status)))

    async def cancel(self, workflow: WorkflowId) -> None:
        await self.house.use.cancel_workflow(workflow, self.house.admin)

    async def rerun(self, workflow: WorkflowId, choice: Choice) -> None:
        await self.house.use.rerun_workflow(workflow, choice, False, self.house.admin)

    async def look(self) -> None:
        """Let a runner have all that there is; then all that must hold does."""
        self.house.clock.forward(SECOND)
        while (order := await self.house.runner.claim()) is not None:
            self.running[order.job_id] = order
        await self.one_at_a_time()
        await self.one_with_the_lock()

    async def one_at_a_time(self) -> None:
        holders: dict[str, set[str]] = defaultdict(set)
        ranks = {}
        for job, *slot in await self.house.rows(_TAKING_TURNS):
            if job in self.running:
                workflow, name, group, together, created = slot
                holders[group].add(f"{workflow}/{together or name}")
                ranks[group] = int(created)
        assert all(len(it) == 1 for it in holders.values()), holders
        for group, rank in ranks.items():
            assert rank >= self.newest[group], f"{group} went back"
            self.newest[group] = rank

    async def one_with_the_lock(self) -> None:
        held = await self.house.rows(_WITH_THE_LOCK)
        assert len(held) < 2, held

    async def possible(self) -> list[tuple[Any, ...]]:
        workflows = await self.workflows()
        events: list[tuple[Any, ...]] = [
            (self.finish, job) for job in sorted(self.running, key=self.number_of)
        ]
        for workflow, status in workflows.items():
            if status not in ENDED:
                events.append((self.cancel, workflow))
            if len(workflows) < MOST_WORKFLOWS:
                if status in ENDED:
                    events.append((self.rerun, workflow, Choice()))
                if status in REPEATED and await self.something_failed(workflow):
                    events.append((self.rerun, workflow, Choice(from_failed=True)))
        return events

    async def something_failed(self, workflow: WorkflowId) -> bool:
        statuses = {job.status.value for job in (await self.house.jobs(workflow)).values()}
        return not statuses.isdisjoint(ENDED - {"success"})

    async def end_all(self) -> None:
        """End what runs until nothing does; then nothing waits either."""
        while self.running:
            await self.finish(min(self.running, key=self.number_of), "success")
            await self.look()
        assert set((await self.workflows()).values()) <= ENDED
        assert await self.house.rows("SELECT * FROM ticket") == []


async def one_try(house: House, data: st.DataObject) -> None:
    house.clock.forward(SECOND)
    trial = Trial(house, house.clock.now())
    try:
        await events_of(trial, data)
    finally:  # also of a try that has failed nothing is left
        for workflow, status in (await trial.workflows()).items():
            if status not in ENDED:
                await trial.cancel(workflow)
        for job in list(trial.running):
            await trial.finish(job, "canceled")


async def events_of(trial: Trial, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, MOST_EVENTS))):
        events = await trial.possible()
        begins = 2 if len(await trial.workflows()) < MOST_WORKFLOWS else 0
        at = data.draw(st.integers(-begins, len(events) - 1)) if events else -1
        if at < 0:
            await trial.trigger(data.draw(plans()))
        else:
            act, *what = events[at]
            if act == trial.finish:
                what.append(data.draw(st.sampled_from(ENDINGS)))
            await act(*what)
        await trial.look()
    await trial.end_all()


async def allow_early_reruns(house: House) -> None:
    early = ProjectSettings(rerun_while_running=True)
    await house.engine.database.write(lambda tx: tx.settings.save_project(house.project.id, early))


def test_random_workflows_take_turns_and_all_of_them_end(
    tmp_path: Path, database_url: str | None
) -> None:
    house = House(tmp_path / "data", database_url)
    try_all(house, TRIES, lambda data: one_try(house, data), before=allow_early_reruns)
