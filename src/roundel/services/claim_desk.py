"""The desk where jobs are given out: runners that ask at the same time share one transaction.

A job that is queued wakes every runner that waits.  Served one by one they would all look through
the same queue, and all but one of them for nothing.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from dataclasses import replace

from roundel.domain.clock import SECOND, Micros
from roundel.domain.jobs import Claims, Execution, ExecutionStatus, Job, JobStatus, lane_of
from roundel.domain.records import dataclass
from roundel.domain.runners import Offer, Result
from roundel.services.claims import LEASE
from roundel.services.orders import TIME_LIMIT_SECONDS, CannotOrder, Draft, make_order
from roundel.services.results import end_execution
from roundel.services.work import App, Tx

GIVEN_AT_ONCE = 16  # orders of one transaction: bounds how long the first of them waits
# Also what a damaged plan leads to: whoever is next in the queue must not wait for it.
_NO_ORDER = (CannotOrder, LookupError, TypeError, ValueError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asking:
    """A runner that asks, and where its answer goes."""

    offer: Offer
    answer: "asyncio.Future[Draft | None]"


class ClaimDesk:
    """One for a server; used from its event loop only."""

    def __init__(self) -> None:
        self._asking: list[_Asking] = []
        self._serving: set[asyncio.Task[None]] = set()

    async def draft(self, offer: Offer, app: App) -> Draft | None:
        """Claim a job for a runner; None when there is none for it now."""
        app.supply.asked(queues_of(offer))
        loop = asyncio.get_running_loop()
        asking = _Asking(offer, loop.create_future())
        self._asking.append(asking)
        if len(self._asking) == 1:
            loop.call_soon(self._serve, app)  # behind all that the same wake-up has woken
        return await asking.answer

    def _serve(self, app: App) -> None:
        asking, self._asking = self._asking, []
        task = asyncio.create_task(_serve_all(asking, app), name="claims")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)


async def _serve_all(asking: list[_Asking], app: App) -> None:
    """Give everybody an answer, those first who asked first."""
    while asking:
        try:
            drafts = await _drafts([it.offer for it in asking], app)
        except Exception as error:
            for it in asking:
                if not it.answer.done():
                    it.answer.set_exception(error)
            return
        for it, draft in zip(asking, drafts, strict=False):
            if not it.answer.done():
                it.answer.set_result(draft)
        asking = asking[len(drafts) :]


async def _drafts(offers: Sequence[Offer], app: App) -> Sequence[Draft | None]:
    at = app.clock.now()
    return await app.database.write(lambda tx: _give(tx, offers, app, at))


def queues_of(offer: Offer) -> tuple[str, ...]:
    """Return the queues that a runner takes jobs from."""
    named = {lane_of(name): None for name in offer.resource_classes}
    return tuple(named or {lane_of(None, kind): None for kind in offer.executors})


def _give(tx: Tx, offers: Sequence[Offer], app: App, at: Micros) -> list[Draft | None]:
    """Return what the first of the offers get, up to as many as are served at once."""
    claims = tx.executions.claims()
    empty: set[str] = set()
    drafts: list[Draft | None] = []
    given = 0
    for offer in offers:
        # In any order: a queue that is never empty must not keep the others waiting for ever.
        lanes = [lane for lane in queues_of(offer) if lane not in empty]
        random.shuffle(lanes)
        # A microsecond apart, so that projects have their turns in the order of the claims.
        draft = _claim(tx, claims, offer, lanes, app, Micros(at + given)) if lanes else None
        drafts.append(draft)
        if draft is None:
            empty.update(lanes)
            continue
        given += 1
        if given == GIVEN_AT_ONCE:
            break
    return drafts


def _claim(
    tx: Tx, claims: Claims, offer: Offer, lanes: Sequence[str], app: App, at: Micros
) -> Draft | None:
    # An execution whose order cannot be made must not keep others from theirs.
    while execution := claims.next(
        runner=offer.runner_id,
        lanes=lanes,
        lease_until=Micros(at + LEASE),
        deadline=Micros(at + TIME_LIMIT_SECONDS * SECOND),
    ):
        try:
            return _begin(tx, execution, offer, app, at)
        except _NO_ORDER as error:
            log.error("cannot run a job: %s", error, extra={"event": "order-failed"})
            refused = Result(status=ExecutionStatus.INFRASTRUCTURE_FAIL, message=str(error))
            end_execution(tx, execution, refused, at)
            claims.look_anew()
    return None


def _begin(tx: Tx, execution: Execution, offer: Offer, app: App, at: Micros) -> Draft:
    job = tx.jobs.get(execution.job_id)
    if job is None:
        raise CannotOrder("the job is not in the database")
    _check_class(tx, execution, job, at)
    if job.status is JobStatus.QUEUED:  # of several nodes the first one moves it
        job = replace(job, status=JobStatus.NOT_RUNNING)
        tx.jobs.save(job, JobStatus.QUEUED)
    draft = make_order(tx, execution, job, app)
    return _with_hints(tx, execution, job, offer, draft) if offer.ahead else draft


def _with_hints(tx: Tx, execution: Execution, job: Job, offer: Offer, draft: Draft) -> Draft:
    """Return the draft with what the runner may prepare meanwhile."""
    from roundel.services.next_containers import next_containers

    with contextlib.suppress(*_NO_ORDER):  # a damaged plan of the next job is no affair of this one
        upcoming = next_containers(tx, execution, job, offer.ahead)
        return replace(draft, order=replace(draft.order, next=upcoming))
    return draft


def _check_class(tx: Tx, execution: Execution, job: Job, at: Micros) -> None:
    """Refuse a job that names a class of runners of somebody else's."""
    lane = lane_of(execution.resource_class)
    if not lane:
        return
    from roundel.services.resource_classes import may_use

    project = tx.projects.get_by_id(job.project_id)
    if project is not None and not may_use(tx, lane, project.organization.id):
        raise CannotOrder(f"the resource class {lane!r} belongs to another organization")
    if execution.runner_id is not None:
        tx.resource_classes.used(execution.runner_id, at)
