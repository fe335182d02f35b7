"""The part of a workflow that a decision needs, so that an ending costs little in a large one."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from roundel.domain.flows import Flow, rules_out
from roundel.domain.ids import JobId
from roundel.domain.jobs import ENDED, JobStatus
from roundel.domain.workflows import Layout, Workflow, WorkflowSlot
from roundel.services.work import Tx

MANY = 8  # requirements; with more, one that has not ended is remembered and asked for first


def whole(tx: Tx, workflow: Workflow) -> Flow:
    """Return a workflow as it stands."""
    slots = tx.workflows.slots(workflow.id)
    kept = tx.workflows.layout(workflow.id).kept
    judged = None if not kept else {slot.name for slot in slots} - kept
    return Flow(slots=slots, judged=judged, canceling=_canceling(workflow))


def part_after(tx: Tx, workflow: Workflow, ended: Collection[JobId]) -> Flow:
    """Return what the endings of these jobs may have made due, with all that it requires.

    An invocation that certainly waits for something else is left out.
    """
    layout = tx.workflows.layout(workflow.id)
    over = [layout.by_job[job].name for job in ended]
    names = dict.fromkeys(name for job in over for name in layout.followers.get(job, ()))
    # A kept job is the affair of the workflow that it was kept of.
    own = [layout.slots[name] for name in names if name not in layout.kept]
    candidates = [slot for slot in own if slot.job_id is not None]
    few = [slot for slot in candidates if len(slot.requires) <= MANY]
    many = [slot for slot in candidates if len(slot.requires) > MANY]
    wanted = {slot.name for slot in candidates} | _needs(few) | set(over if many else ())
    wanted |= {layout.waits_for[slot.name] for slot in many if slot.name in layout.waits_for}
    found = _standing(tx, layout, wanted)
    unclear = [slot for slot in many if not _waits(slot, layout, over, found)]
    found |= _standing(tx, layout, _needs(unclear) - found.keys())
    for slot in unclear:
        _remember(slot, layout, found)
    return Flow(
        slots=[*sorted(found.values(), key=_position)],
        judged={slot.name for slot in (*few, *unclear)},
        canceling=_canceling(workflow),
    )


def _position(slot: WorkflowSlot) -> int:
    return slot.position


def _canceling(workflow: Workflow) -> bool:
    return workflow.canceled_by is not None


def _needs(slots: Collection[WorkflowSlot]) -> set[str]:
    return {need.job for slot in slots for need in slot.requires}


def _standing(tx: Tx, layout: Layout, names: Collection[str]) -> dict[str, WorkflowSlot]:
    slots = [layout.slots[name] for name in names if name in layout.slots]
    there = {slot.job_id: slot for slot in slots if slot.job_id is not None}
    status = tx.workflows.standing(there)
    return {slot.name: replace(slot, status=status[job]) for job, slot in there.items()}


def _waits(
    slot: WorkflowSlot, layout: Layout, over: Collection[str], found: Mapping[str, WorkflowSlot]
) -> bool:
    """Tell whether an invocation cannot be due: what it is known to wait for has not ended, and
    none of the endings rules it out."""
    other = found.get(layout.waits_for.get(slot.name, ""))
    if other is None or other.status in ENDED:
        return False
    return not any(rules_out(slot, name, _status(found[name])) for name in over)


def _remember(slot: WorkflowSlot, layout: Layout, found: Mapping[str, WorkflowSlot]) -> None:
    # The last of them: jobs end roughly in the order of the config.
    for need in reversed(slot.requires):
        other = found.get(need.job)
        if other is not None and other.status not in ENDED:
            layout.waits_for[slot.name] = need.job
            return


def _status(slot: WorkflowSlot) -> JobStatus:
    return slot.status or JobStatus.BLOCKED
