"""Random workflows in random orders of events, against a small reference model."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.flows import WORKFLOW_ENDED, Flow, Hold, Pass, Slot, Start, advance, status_of
from roundel.domain.jobs import ENDED, JobStatus
from roundel.domain.plan import JobType, Requirement

ENDINGS = [JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.TIMEDOUT]
WORDS = ("success", "failed", "canceled", "not_run")


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Draw a workflow without cycles whose slots come in any order."""
    count = draw(st.integers(1, 9))
    slots = []
    for number in range(count):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        requires = tuple(
            Requirement(
                job=f"j{need}",
                statuses=tuple(sorted(draw(st.sets(st.sampled_from(WORDS), min_size=1)))),
            )
            for need in sorted(needs)
        )
        type_ = draw(
            st.sampled_from([JobType.BUILD, JobType.BUILD, JobType.APPROVAL, JobType.NO_OP])
        )
        slots.append(
            Slot(
                name=f"j{number}",
                type=type_,
                status=JobStatus.BLOCKED,
                requires=requires,
                excluded=draw(st.integers(0, 9)) == 0,
            )
        )
    return Flow(slots=tuple(draw(st.permutations(slots))))


def settle(flow: Flow) -> Flow:
    """Carry out decisions until there are none, as the service does."""
    rounds = 0
    while decisions := advance(flow):
        rounds += 1
        assert rounds <= len(flow.slots) + 1
        after = {}
        for decision in decisions:
            match decision:
                case Start():
                    after[decision.job] = JobStatus.QUEUED
                case Hold():
                    after[decision.job] = JobStatus.ON_HOLD
                case Pass():
                    after[decision.job] = JobStatus.SUCCESS
                case _:
                    after[decision.job] = JobStatus.NOT_RUN
        flow = with_statuses(flow, after)
    return flow


def with_statuses(flow: Flow, after: dict[str, JobStatus]) -> Flow:
    slots = (replace(slot, status=after.get(slot.name, slot.status)) for slot in flow.slots)
    return replace(flow, slots=tuple(slots))


def reference(flow: Flow, endings: dict[str, JobStatus]) -> dict[str, JobStatus]:
    """Say where each job ends: a walk in the order of the numbers, as needs are smaller."""
    final: dict[str, JobStatus] = {}
    slots = {slot.name: slot for slot in flow.slots if not slot.excluded}
    for name in sorted(slots):
        slot = slots[name]
        present = [need for need in slot.requires if need.job in slots]
        words = {
            need.job: "failed" if final[need.job] is JobStatus.TIMEDOUT else final[need.job].value
            for need in present
        }
        absent = bool(slot.requires) and not present
        if absent or any(words[need.job] not in need.statuses for need in present):
            final[name] = JobStatus.NOT_RUN
        elif slot.type is JobType.NO_OP:
            final[name] = JobStatus.SUCCESS
        else:
            final[name] = endings[name]
    return final


@given(flows(), st.data())
def test_every_order_of_endings_leads_where_the_model_says(flow: Flow, data: st.DataObject) -> None:
    endings = {slot.name: data.draw(st.sampled_from(ENDINGS)) for slot in flow.slots}
    now = settle(flow)
    while True:
        open_jobs = [
            slot.name
            for slot in now.slots
            if slot.status in (JobStatus.QUEUED, JobStatus.ON_HOLD) and not slot.excluded
        ]
        if not open_jobs:
            break
        ended = data.draw(st.sampled_from(open_jobs))
        now = settle(with_statuses(now, {ended: endings[ended]}))

    final = {slot.name: slot.status for slot in now.slots if not slot.excluded}
    assert final == reference(flow, endings)
    assert all(status in ENDED for status in final.values())
    assert status_of(now) in WORKFLOW_ENDED


@given(flows(), st.data())
def test_a_canceled_workflow_starts_nothing_and_ends_with_its_last_running_job(
    flow: Flow, data: st.DataObject
) -> None:
    now = replace(settle(flow), canceling=True)
    now = settle(now)
    assert not any(slot.status is JobStatus.BLOCKED and not slot.excluded for slot in now.slots)
    stopped = {
        slot.name: JobStatus.CANCELED
        for slot in now.slots
        if slot.status in (JobStatus.QUEUED, JobStatus.ON_HOLD)
    }
    assert status_of(settle(with_statuses(now, stopped))) == "canceled"


@given(flows())
def test_deciding_again_on_the_outcome_finds_nothing_to_do(flow: Flow) -> None:
    assert advance(settle(flow)) == []
