"""Workflows with `triggers`: what the config of a branch says of them is kept until it changes."""

from roundel.compiler.filters import accepts
from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import CronTriggerId, TimerId, new_id
from roundel.domain.pipelines import Pipeline, TriggerType
from roundel.domain.schedules import CronTrigger
from roundel.domain.timers import Timer, TimerKind
from roundel.services.cron import parse_cron
from roundel.services.plans import PlanHead
from roundel.services.work import TIMERS, Tx


def note_cron_triggers(tx: Tx, pipeline: Pipeline, head: PlanHead, at: Micros) -> None:
    """Keep what the config of this branch schedules, in place of what was kept.

    Pipelines with parameters of their own and scheduled ones may leave workflows out for reasons
    that do not hold for the schedule; they change nothing.
    """
    branch = pipeline.ref.branch
    if branch is None or pipeline.parameters or pipeline.trigger.type is TriggerType.SCHEDULED:
        return
    wanted = _wanted(head, branch)
    for trigger in tx.cron_triggers.of_branch(pipeline.project_id, branch):
        if (trigger.workflow, trigger.cron) in wanted:
            wanted.discard((trigger.workflow, trigger.cron))
            continue
        tx.timers.remove_for(TimerKind.CRON, trigger.id)
        tx.cron_triggers.remove(trigger.id)
    for workflow, cron in sorted(wanted):
        _add(tx, pipeline, branch, workflow, cron, at)


def _wanted(head: PlanHead, branch: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for workflow in head.workflows:
        for schedule in workflow.schedules:
            cron, filters = schedule.get("cron"), schedule.get("filters")
            rule = filters.get("branches") if isinstance(filters, dict) else None
            if isinstance(cron, str) and (rule is None or accepts(rule, branch)):
                found.add((workflow.name, cron))
    return found


def _add(tx: Tx, pipeline: Pipeline, branch: str, workflow: str, cron: str, at: Micros) -> None:
    try:
        next_at = parse_cron(cron).next_after(at)
    except Invalid:
        return  # the compiler has said what is wrong with it
    trigger = CronTrigger(
        id=CronTriggerId(new_id()),
        project_id=pipeline.project_id,
        branch=branch,
        workflow=workflow,
        cron=cron,
        actor_id=pipeline.trigger.actor_id,
        actor_login=pipeline.trigger.actor_login,
        next_at=next_at,
    )
    tx.cron_triggers.add(trigger)
    if next_at is None:
        return
    tx.timers.add(
        Timer(id=TimerId(new_id()), kind=TimerKind.CRON, subject=trigger.id, run_at=next_at)
    )
    tx.wake(TIMERS)
