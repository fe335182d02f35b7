"""Choosing from a plan: some workflows or jobs of it, and what steps become of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from roundel.domain.errors import DomainError
from roundel.domain.plan import (
    STUB,
    Dropped,
    ExecutorKind,
    JobPlan,
    Json,
    Plan,
    SlotPlan,
    StepPlan,
    WorkflowPlan,
)
from roundel.domain.records import dataclass

NOT_CHOSEN = "it was not chosen"
SCHEDULED = "it runs on schedule only; name it to run it now"


class NoSuchChoice(DomainError):
    """What was chosen is not in the plan; `str()` says why, and what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to run.  No names mean everything; with `only`, requirements are left out.

    A name is a workflow's, a job's as the workflow calls it, or a pattern of such names; that of a
    matrix stands for all of its members.
    """

    names: tuple[str, ...] = ()
    only: bool = False


def choose(plan: Plan, choice: Choice) -> Plan:
    """Return the plan with what was chosen; the rest is excluded or dropped, with the reason.

    A setup plan stays as it is: what is chosen from may be in its continuation.
    """
    if plan.setup:
        return plan
    chosen = {name: _chosen(plan, name) for name in choice.names}
    kept: list[WorkflowPlan] = []
    dropped = list(plan.dropped)
    for workflow in plan.workflows:
        if not choice.names:
            if workflow.schedules:
                dropped.append(_dropped(workflow, SCHEDULED))
            else:
                kept.append(workflow)
            continue
        slots = {slot for of in chosen.values() for flow, slot in of if flow == workflow.name}
        if not slots:
            dropped.append(_dropped(workflow, NOT_CHOSEN))
            continue
        if not choice.only:
            slots = _with_requirements(workflow, slots)
        kept.append(replace(_cut(workflow, slots), schedules=()))
    return replace(plan, workflows=tuple(kept), dropped=tuple(dropped))


def _dropped(workflow: WorkflowPlan, reason: str) -> Dropped:
    return Dropped(workflow=workflow.name, reason=reason, at=workflow.at)


def _chosen(plan: Plan, name: str) -> set[tuple[str, str]]:
    """Return the jobs that a name stands for, as pairs of workflow and job; refuse none."""
    for flow in plan.workflows:
        if flow.name == name:
            return {(flow.name, slot.name) for slot in flow.slots if slot.excluded is None}
    slots = [(flow, slot) for flow in plan.workflows for slot in flow.slots]
    for pattern in (name, f"{name}-*"):
        found = [(flow, slot) for flow, slot in slots if _fits(slot.name, pattern)]
        running = {(flow.name, slot.name) for flow, slot in found if slot.excluded is None}
        if running:
            return running
        if found:
            raise NoSuchChoice(f"{name!r} does not run: {found[0][1].excluded}")
    for drop in plan.dropped:
        if drop.workflow == name:
            raise NoSuchChoice(f"workflow {name!r} does not run: {drop.reason}")
    there = sorted({flow.name for flow in plan.workflows} | {slot.name for _, slot in slots})
    raise NoSuchChoice(f"there is no workflow or job {name!r} here; there are: {_list(there)}")


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _with_requirements(workflow: WorkflowPlan, names: set[str]) -> set[str]:
    """Return the names with everything that they require, directly or not."""
    requires = {slot.name: [need.job for need in slot.requires] for slot in workflow.slots}
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += requires.get(name, [])
    return found


def _cut(workflow: WorkflowPlan, names: set[str]) -> WorkflowPlan:
    return replace(workflow, slots=tuple(_cut_slot(slot, names) for slot in workflow.slots))


def _cut_slot(slot: SlotPlan, names: set[str]) -> SlotPlan:
    """Exclude a job that was not chosen; one that was waits only for others that were."""
    if slot.name not in names:
        return replace(slot, excluded=slot.excluded or NOT_CHOSEN)
    requires = tuple(need for need in slot.requires if need.job in names)
    return replace(slot, requires=requires)


def stubbed(plan: Plan) -> Plan:
    """Return the plan with each job's steps replaced by one that does nothing.

    A setup plan stays as it is: only its real steps know the rest of the graph.
    """
    if plan.setup:
        return plan
    return replace(plan, jobs={key: _stub(job) for key, job in plan.jobs.items()})


def _stub(job: JobPlan) -> JobPlan:
    if job.executor.kind is ExecutorKind.NONE:
        return job
    return replace(job, steps=(STUB,), shell=None)


def with_steps(plan: Plan, kind: str, args: Mapping[str, Json]) -> Plan:
    """Return the plan with all steps of one kind made into `run` steps with these arguments.

    Their own arguments stay.
    """

    def changed(step: StepPlan) -> StepPlan:
        if step.kind != kind:
            return step
        return replace(step, kind="run", args={**step.args, **args})

    jobs = {
        key: replace(job, steps=tuple(changed(step) for step in job.steps))
        for key, job in plan.jobs.items()
    }
    return replace(plan, jobs=jobs)
