"""Turns in serial groups and locks: asked for when a job is due, given up when it has ended."""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId, OrganizationId, TimerId, WorkflowId, new_id
from roundel.domain.jobs import ENDED, Job
from roundel.domain.timers import Timer, TimerKind
from roundel.domain.turns import LONGEST_WAIT, Ticket, TurnKind
from roundel.domain.workflows import Layout, Workflow, WorkflowSlot
from roundel.services.plans import plan_of, read_job
from roundel.services.work import Tx

OVERTAKEN = "A newer pipeline has had its turn in the serial group {!r}: this one is skipped."
WAITED_TOO_LONG = "It waited for its turn for 5 hours."


class Turn(StrEnum):
    """The answer to a job that asks for its turn."""

    NOW = "now"
    WAIT = "wait"
    NEVER = "never"  # a newer pipeline was first


def ask_for_turn(
    tx: Tx, workflow: Workflow, slot: WorkflowSlot, job: Job, at: Micros
) -> tuple[Turn, str]:
    """Take the turn or a place in the line; return the answer and what it is about."""
    ticket = _wish(tx, workflow, slot, job, at)
    serial = ticket.kind is TurnKind.SERIAL
    if serial and tx.tickets.newest_rank(ticket.organization_id, ticket.key) > ticket.rank:
        return Turn.NEVER, ticket.key
    line = tx.tickets.line(ticket.organization_id, ticket.kind, ticket.key)
    others = any(it.held and it.holder != ticket.holder for it in line)
    tx.tickets.add(replace(ticket, held=not others))
    if others:
        tx.timers.add(
            Timer(
                id=TimerId(new_id()),
                kind=TimerKind.TURN_EXPIRY,
                subject=job.id,
                run_at=Micros(at + LONGEST_WAIT),
            )
        )
        return Turn.WAIT, ticket.key
    if serial:
        tx.tickets.note_rank(ticket.organization_id, ticket.key, ticket.rank)
    return Turn.NOW, ticket.key


def _wish(tx: Tx, workflow: Workflow, slot: WorkflowSlot, job: Job, at: Micros) -> Ticket:
    project = tx.projects.get_by_id(workflow.project_id)
    organization = OrganizationId("") if project is None else project.organization.id
    if slot.serial_group is None:
        kind, key = TurnKind.LOCK, f"{workflow.project_id}:{lock_key(tx, workflow, job)}"
        holder, rank = str(workflow.id), int(at)
    else:
        kind, key = TurnKind.SERIAL, slot.serial_group
        holder, rank = _holder(slot), _rank(tx, workflow)
    return Ticket(
        job_id=job.id,
        workflow_id=workflow.id,
        organization_id=organization,
        kind=kind,
        key=key,
        holder=holder,
        rank=rank,
        held=False,
        asked_at=Micros(at + slot.position),  # of those who ask at once, the config's first
    )


def _holder(slot: WorkflowSlot) -> str:
    """Return who has the turn: the job, or the whole job group that it is in."""
    if slot.job_group is not None:
        return f"{slot.workflow_id}/group/{slot.job_group}"
    return f"{slot.workflow_id}/job/{slot.name}"


def _rank(tx: Tx, workflow: Workflow) -> int:
    """Return the pipeline's age; a rerun by hand is as new as itself, so that one can go back.

    One that nobody asked for is no wish to go back: it is as old as its pipeline.
    """
    pipeline = tx.pipelines.get(workflow.pipeline_id)
    by_hand = workflow.rerun_of is not None and workflow.auto_rerun_number == 0
    if by_hand or pipeline is None:
        return int(workflow.created_at)
    return int(pipeline.created_at)


def lock_key(tx: Tx, workflow: Workflow, job: Job) -> str:
    """Return the key of a job that locks or unlocks."""
    pipeline = tx.pipelines.get(workflow.pipeline_id)
    stored = None if pipeline is None else plan_of(pipeline, workflow)
    if stored is None or job.plan_key is None:
        return ""
    body = read_job(tx.documents, stored, job.plan_key)
    return "" if body is None else str(body.extra.get("key", ""))


def unlock(tx: Tx, workflow: Workflow, job: Job) -> list[Ticket]:
    """Give a lock back that this workflow has; return the tickets that are gone."""
    key = f"{workflow.project_id}:{lock_key(tx, workflow, job)}"
    gone = [
        it
        for it in tx.tickets.of_workflow(workflow.id)
        if it.held and it.kind is TurnKind.LOCK and it.key == key
    ]
    for ticket in gone:
        tx.tickets.remove(ticket.job_id)
    return gone


def give_back(tx: Tx, workflow_id: WorkflowId, layout: Layout, *, ended: bool) -> list[Ticket]:
    """Give back what the workflow's ended jobs need no more; return the tickets that are gone."""
    if not layout.takes_turns:
        return []
    tickets = tx.tickets.of_workflow(workflow_id)
    if not tickets:
        return []
    involved = {it.job_id: _together(layout, it.job_id) for it in tickets}
    status = tx.workflows.standing({job for jobs in involved.values() for job in jobs})
    gone = []
    for ticket in tickets:
        over = status.get(ticket.job_id) in ENDED
        if ticket.held:
            together = all(status.get(job) in ENDED for job in involved[ticket.job_id])
            over = ended if ticket.kind is TurnKind.LOCK else together
        if over or ended:
            tx.tickets.remove(ticket.job_id)
            tx.timers.remove_for(TimerKind.TURN_EXPIRY, ticket.job_id)
            gone.append(ticket)
    return gone


def _together(layout: Layout, job_id: JobId) -> list[JobId]:
    """Return the jobs that have their turn together with this one, itself included."""
    slot = layout.by_job.get(job_id)
    if slot is None or slot.job_group is None:
        return [job_id]
    return [it.job_id for it in layout.groups[slot.job_group] if it.job_id is not None]


def next_in_line(tx: Tx, gone: Iterable[Ticket]) -> tuple[list[Ticket], list[Ticket]]:
    """Return whose turn it is in the lines that moved on, and who was overtaken in them."""
    now: list[Ticket] = []
    never: list[Ticket] = []
    for organization, kind, key in {(it.organization_id, it.kind, it.key): None for it in gone}:
        line = tx.tickets.line(organization, kind, key)
        if any(it.held for it in line):
            continue
        newest = tx.tickets.newest_rank(organization, key) if kind is TurnKind.SERIAL else 0
        late = [it for it in line if kind is TurnKind.SERIAL and it.rank < newest]
        left = [it for it in line if it not in late]
        chosen = [it for it in left if it.holder == left[0].holder]
        for ticket in late:
            tx.tickets.remove(ticket.job_id)
        for ticket in chosen:
            tx.tickets.hold(ticket.job_id)
            if kind is TurnKind.SERIAL:
                tx.tickets.note_rank(organization, key, ticket.rank)
        for ticket in (*late, *chosen):
            tx.timers.remove_for(TimerKind.TURN_EXPIRY, ticket.job_id)
        never += late
        now += chosen
    return now, never
