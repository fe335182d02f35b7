"""What a change of a config changes in what runs: jobs, and the time until the last one ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TypeAlias

from roundel.domain.plan import JobPlan, Plan, SlotPlan, StepPlan, WorkflowPlan
from roundel.domain.records import dataclass

# Seconds by the names of workflow and job.
Durations: TypeAlias = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPath:
    """The chain of jobs that a workflow waits for longest.

    `unknown` has the jobs of the workflow that never ran; they count as no time.
    """

    jobs: tuple[str, ...]
    seconds: float
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlteredJob:
    """A job that both plans have; `what` names what differs, such as `steps` or `requires`."""

    name: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChange:
    """What becomes of one workflow.  A side where it does not run has no path."""

    name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    altered: tuple[AlteredJob, ...]
    before: CriticalPath | None
    after: CriticalPath | None

    @property
    def changes_jobs(self) -> bool:
        """Whether any job is added, removed or altered."""
        return bool(self.added or self.removed or self.altered)


def compare_plans(before: Plan, after: Plan, durations: Durations) -> tuple[WorkflowChange, ...]:
    """Return each workflow of either plan, in the order of the later one, removed ones last.

    Only jobs that run count: one that its filter keeps from running is not there.  A job that is
    new takes as long as a job of its name took before, in whatever workflow.
    """
    old = {flow.name: flow for flow in before.workflows}
    new = {flow.name: flow for flow in after.workflows}
    names = [*new, *(name for name in old if name not in new)]
    return tuple(
        _workflow_change(name, old.get(name), new.get(name), before, after, durations)
        for name in names
    )


def _workflow_change(
    name: str,
    old: WorkflowPlan | None,
    new: WorkflowPlan | None,
    before: Plan,
    after: Plan,
    durations: Durations,
) -> WorkflowChange:
    was, will = _running(old), _running(new)
    altered = [
        AlteredJob(name=job, what=what)
        for job in will
        if job in was and (what := _differences(was[job], will[job], before, after))
    ]
    return WorkflowChange(
        name=name,
        added=tuple(job for job in will if job not in was),
        removed=tuple(job for job in was if job not in will),
        altered=tuple(altered),
        before=critical_path(old, durations) if old is not None else None,
        after=critical_path(new, durations) if new is not None else None,
    )


def _running(flow: WorkflowPlan | None) -> dict[str, SlotPlan]:
    slots = flow.slots if flow is not None else ()
    return {slot.name: slot for slot in slots if slot.excluded is None}


def _differences(was: SlotPlan, will: SlotPlan, before: Plan, after: Plan) -> tuple[str, ...]:
    """Return what differs between two jobs of one name; moving its text changes nothing."""
    found = [
        field.name.replace("_", "-")
        for field in fields(SlotPlan)
        if field.name not in ("at", "job", "excluded")
        and getattr(was, field.name) != getattr(will, field.name)
    ]
    old, new = _body(was, before), _body(will, after)
    if old is None or new is None:
        return (*found, "body") if old is not new else tuple(found)
    for field in fields(JobPlan):
        if field.name in ("at", "name", "type"):
            continue
        if field.name == "steps":
            differs = _doings(old.steps) != _doings(new.steps)
        else:
            differs = getattr(old, field.name) != getattr(new, field.name)
        if differs:
            found.append(field.name.replace("_", "-"))
    return tuple(found)


def _body(slot: SlotPlan, plan: Plan) -> JobPlan | None:
    return plan.jobs.get(slot.job) if slot.job is not None else None


def _doings(steps: tuple[StepPlan, ...]) -> list[tuple[object, ...]]:
    return [(step.kind, step.name, step.when, step.args) for step in steps]


def critical_path(flow: WorkflowPlan, durations: Durations) -> CriticalPath:
    """Return the chain of a workflow that takes longest, if every job starts as soon as it may.

    Of chains that take as long, the one with more jobs is meant.
    """
    running = _running(flow)
    seconds = {name: _seconds(flow.name, name, durations) for name in running}
    ends: dict[str, tuple[float, int]] = {}  # time and number of jobs until each has ended
    comes_after: dict[str, str] = {}
    for name in _in_order(running):
        needs = [need.job for need in running[name].requires if need.job in ends]
        start, length = (0.0, 0)
        if needs:
            last = max(needs, key=lambda need: ends[need])
            comes_after[name] = last
            start, length = ends[last]
        ends[name] = (start + (seconds[name] or 0.0), length + 1)
    unknown = tuple(
        name for name, slot in running.items() if seconds[name] is None and slot.job is not None
    )
    if not ends:
        return CriticalPath(jobs=(), seconds=0.0, unknown=unknown)
    last = max(ends, key=lambda name: ends[name])
    total = ends[last][0]
    chain = [last]
    while chain[-1] in comes_after:
        chain.append(comes_after[chain[-1]])
    return CriticalPath(jobs=tuple(reversed(chain)), seconds=total, unknown=unknown)


def _in_order(running: Mapping[str, SlotPlan]) -> list[str]:
    """Return the jobs so that each comes after all that it requires; there are no cycles."""
    followers: dict[str, list[str]] = {}
    left: dict[str, int] = {}
    for name, slot in running.items():
        needs = {need.job for need in slot.requires if need.job in running}
        left[name] = len(needs)
        for need in needs:
            followers.setdefault(need, []).append(name)
    order = [name for name, count in left.items() if count == 0]
    for name in order:
        for follower in followers.get(name, ()):
            left[follower] -= 1
            if left[follower] == 0:
                order.append(follower)
    return order


def _seconds(workflow: str, job: str, durations: Durations) -> float | None:
    found = durations.get((workflow, job))
    if found is not None:
        return found
    elsewhere = [taken for (_, name), taken in durations.items() if name == job]
    return max(elsewhere) if elsewhere else None
