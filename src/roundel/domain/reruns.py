"""Reruns: which jobs of a workflow run again, and which are kept as they ended.

Rules: spec, job run time section 10.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from roundel.domain.clock import DAY, Micros
from roundel.domain.errors import Invalid
from roundel.domain.flows import WORKFLOW_ENDED, WorkflowStatus
from roundel.domain.ids import JobId
from roundel.domain.jobs import ENDED, JobStatus
from roundel.domain.plan import JobType
from roundel.domain.records import dataclass
from roundel.domain.workflows import Workflow, WorkflowSlot

MOST_RERUNS = 100  # of one original
RERUN_LIFETIME = 90 * DAY


class Fate(StrEnum):
    """What becomes of an invocation in a rerun."""

    RUN = "run"
    KEEP = "keep"  # the job of the workflow before fills the slot, with all that it left behind
    LEAVE_OUT = "leave-out"  # not part of the rerun


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to run again: everything, from what failed on, or certain jobs."""

    from_failed: bool = False
    jobs: tuple[JobId, ...] = ()
    sparse_tree: bool = False
    failed_tests: bool = False  # from what failed on, and there only the tests that failed

    def __post_init__(self) -> None:
        if self.failed_tests and (self.jobs or self.sparse_tree):
            raise Invalid("rerun_failed_tests: goes neither with jobs nor with sparse_tree")
        if self.from_failed and self.jobs:
            raise Invalid("from_failed and jobs: only one of the two may be given")
        if self.sparse_tree and self.from_failed:
            raise Invalid("from_failed and sparse_tree: only one of the two may be given")
        if self.sparse_tree and not self.jobs:
            raise Invalid("sparse_tree: give the jobs to rerun as well")


def check_rerun(
    workflow: Workflow, original: Workflow, runs: int, at: Micros, *, open_too: bool = False
) -> None:
    """Refuse to rerun a workflow that has not ended, is too old, or was rerun too often.

    With `open_too` one that is failing may be rerun while the rest of it goes on.
    """
    failing = open_too and workflow.status is WorkflowStatus.FAILING
    if workflow.status not in WORKFLOW_ENDED and not failing:
        raise Invalid("Workflow must be in a terminal state to be rerun")
    if at - original.created_at > RERUN_LIFETIME:
        raise Invalid("Workflow cannot be rerun: it is older than 90 days")
    if runs > MOST_RERUNS:
        raise Invalid(f"Workflow cannot be rerun: it was rerun {MOST_RERUNS} times already")


def fates(slots: Sequence[WorkflowSlot], choice: Choice) -> dict[str, Fate]:
    """Return what becomes of each invocation; refuse a choice that leaves nothing to run.

    What follows a job that runs again runs again.  Of chosen jobs also what they need and has not
    succeeded runs; with `sparse_tree` what is not connected to them at all is left out.
    """
    present = [slot for slot in slots if slot.job_id is not None]
    names = {slot.name for slot in present}
    needs = {
        slot.name: {need.job for need in slot.requires if need.job in names} for slot in present
    }
    followers: dict[str, set[str]] = {name: set() for name in names}
    for name, needed in needs.items():
        for other in needed:
            followers[other].add(name)
    again = _again(present, choice, needs, followers)
    outside: Collection[str] = ()
    if choice.sparse_tree:
        either = {name: needs[name] | followers[name] for name in names}
        outside = names - _reach(again, either)
    return {
        slot.name: Fate.RUN
        if slot.name in again
        else Fate.LEAVE_OUT
        if slot.job_id is None or slot.name in outside
        else Fate.KEEP
        for slot in slots
    }


def locks_to_take(
    slots: Sequence[WorkflowSlot], fate: Mapping[str, Fate], keys: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return for invocations that run again the kept locks under which they ran before.

    The locks were given back when the workflow ended, so they are to be taken once more, first.
    `keys` has the key of each invocation that locks or unlocks.
    """
    followers: dict[str, list[WorkflowSlot]] = {}
    for slot in slots:
        for need in slot.requires:
            followers.setdefault(need.job, []).append(slot)
    found: dict[str, list[str]] = {}
    for lock in slots:
        if lock.type is not JobType.LOCK or fate[lock.name] is not Fate.KEEP:
            continue
        seen, waiting = {lock.name}, [lock.name]
        while waiting:
            for slot in followers.get(waiting.pop(), ()):
                if slot.name in seen:
                    continue
                seen.add(slot.name)
                gives_back = slot.type is JobType.UNLOCK and keys[slot.name] == keys[lock.name]
                if fate[slot.name] is Fate.RUN:
                    found.setdefault(slot.name, []).append(lock.name)
                elif fate[slot.name] is Fate.KEEP and not gives_back:
                    waiting.append(slot.name)
    return found


def _again(
    present: Sequence[WorkflowSlot],
    choice: Choice,
    needs: Mapping[str, set[str]],
    followers: Mapping[str, set[str]],
) -> set[str]:
    # What has not ended yet is kept, and goes on in both workflows.
    undone = {
        slot.name
        for slot in present
        if slot.status in ENDED and slot.status is not JobStatus.SUCCESS
    }
    if choice.from_failed or choice.failed_tests:
        if not undone:
            raise Invalid("Workflow has no failed jobs to rerun")
        return _reach(undone, followers)
    if not choice.jobs:
        return set(needs)
    by_id = {slot.job_id: slot.name for slot in present}
    unknown = [job for job in choice.jobs if job not in by_id]
    if unknown:
        raise Invalid(f"jobs: {unknown[0][:80]!r} is not a job of this workflow")
    again = {by_id[job] for job in choice.jobs}
    while True:
        wider = _reach(again, followers)
        wider |= _reach(wider, needs) & undone
        if wider == again:
            return again
        again = wider


def _reach(start: Collection[str], ways: Mapping[str, set[str]]) -> set[str]:
    """Return `start` and all that can be reached from it."""
    seen, waiting = set(start), list(start)
    while waiting:
        for name in ways[waiting.pop()]:
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen
