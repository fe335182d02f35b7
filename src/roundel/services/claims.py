"""Claims: a runner asks for work, and keeps what it has got."""

import asyncio
import contextlib
from collections.abc import Collection, Sequence

from roundel.domain.clock import SECOND, Micros
from roundel.domain.errors import LeaseLost
from roundel.domain.ids import ExecutionId, RunnerId
from roundel.domain.jobs import (
    EXECUTION_ENDED,
    Execution,
    ExecutionStatus,
)
from roundel.domain.resource_use import MOST_SAMPLES, Sample
from roundel.domain.runners import (
    LEASE_SECONDS,
    JobOrder,
    Lease,
    Offer,
    Orders,
    Result,
    Resumed,
    StepProgress,
)
from roundel.services.orders import CannotOrder, Draft, make_order
from roundel.services.results import end_execution, lose, put_back
from roundel.services.work import CLAIMS, App, Tx, topic_of_execution

LEASE = LEASE_SECONDS * SECOND
SLOW_POLL_SECONDS = 2.0  # what a lost wake-up costs
# What is cancelled between its claim and our listening waits so long; most short jobs end sooner,
# and need not be looked at.
FIRST_LOOK_SECONDS = 0.2
UNHEARD_CLAIMS = 10  # whose answers may be lost before it counts as an attempt
NOT_HELD = "The runner that had this job was started anew and knows nothing of it."


async def claim(offer: Offer, app: App) -> JobOrder | None:
    """Return a job, or None when there was none within `offer.wait_seconds`."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + offer.wait_seconds
    with app.wakeups.listen(CLAIMS) as woken:
        while True:
            woken.clear()
            order = await _claim_once(offer, app)
            left = give_up - loop.time()
            if order is not None or left <= 0:
                return order
            await wait_for(woken, min(left, SLOW_POLL_SECONDS))


async def wait_for(woken: asyncio.Event, seconds: float) -> None:
    """Wait for a wake-up, or until it is time to look again without one."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return


async def _claim_once(offer: Offer, app: App) -> JobOrder | None:
    """Claim a job.  If the runner leaves meanwhile, what was claimed for it is put back."""
    trying = asyncio.create_task(_try_claim(offer, app))
    try:
        return await asyncio.shield(trying)
    except asyncio.CancelledError:
        await asyncio.shield(_undo(trying, app))
        raise


async def _undo(trying: "asyncio.Task[JobOrder | None]", app: App) -> None:
    order = await trying
    if order is None:
        return
    lease = order.lease

    def transaction(tx: Tx) -> None:
        execution = held(tx, lease)
        if execution.canceling:
            end_execution(tx, execution, Result(status=ExecutionStatus.CANCELED), app.clock.now())
        else:
            put_back(tx, execution)

    with contextlib.suppress(LeaseLost):
        await app.database.write(transaction)


async def settle(runner_id: RunnerId, holds: Collection[ExecutionId], app: App) -> None:
    """Take back what a runner is thought to have and, as it says, does not."""
    at = app.clock.now()
    kept = frozenset(holds)

    def transaction(tx: Tx) -> None:
        for execution in tx.executions.leased_to(runner_id):
            if execution.id in kept:
                continue
            if _never_arrived(execution):
                put_back(tx, execution)
            else:
                lose(tx, execution, NOT_HELD, at)

    await app.database.write(transaction)


def _never_arrived(execution: Execution) -> bool:
    """Tell whether a runner has most likely not heard of a job that it was given.

    The network may cut a claim off before its answer; that is none of the job's attempts.  Too
    often, and it may be the job that ends the runner.
    """
    unheard = execution.status is ExecutionStatus.CLAIMED and not execution.canceling
    return unheard and execution.fence <= UNHEARD_CLAIMS


async def _try_claim(offer: Offer, app: App) -> JobOrder | None:
    draft = await app.claim_desk.draft(offer, app)
    return None if draft is None else await draft.signed(app)


def held(tx: Tx, lease: Lease) -> Execution:
    """Return the execution if this very lease still holds it, else raise LeaseLost."""
    execution = tx.executions.get(lease.execution_id)
    if execution is None or not holds(lease, execution):
        raise LeaseLost("this execution is not yours, or no longer")
    return execution


def holds(lease: Lease, execution: Execution) -> bool:
    """Tell whether this very lease has an execution that goes on."""
    return not (
        execution.runner_id != lease.runner_id
        or execution.fence != lease.fence
        or execution.status in EXECUTION_ENDED
        or execution.status is ExecutionStatus.QUEUED
    )


async def resume(lease: Lease, app: App) -> Resumed | None:
    """Return the order again to a runner that was away, or None when it must give up."""
    at = app.clock.now()

    def transaction(tx: Tx) -> tuple[Draft, tuple[StepProgress, ...]] | None:
        try:
            execution = held(tx, lease)
            job = tx.jobs.get(execution.job_id)
            if job is None:
                return None
            draft = make_order(tx, execution, job, app)
        except (LeaseLost, CannotOrder):
            return None
        tx.executions.renew(execution.id, Micros(at + LEASE))
        return draft, tuple(tx.steps.progress(execution.id))

    found = await app.database.write(transaction)
    if found is None:
        return None
    draft, steps = found
    return Resumed(order=await draft.signed(app), steps=steps)


async def renew(lease: Lease, samples: Sequence[Sample], app: App) -> Orders:
    """Keep the lease for another while, and what the job has used; tell whether to cancel."""
    at = app.clock.now()

    def transaction(tx: Tx) -> Orders:
        execution = held(tx, lease)
        tx.executions.renew(execution.id, Micros(at + LEASE))
        if samples:
            tx.executions.measured(execution.id, samples[:MOST_SAMPLES])
        return Orders(cancel=execution.canceling)

    return await app.database.write(transaction)


async def canceled(lease: Lease, app: App) -> None:
    """Return once this execution is to be cancelled or its lease is lost."""
    pause = FIRST_LOOK_SECONDS
    with app.wakeups.listen(topic_of_execution(lease.execution_id)) as woken:
        while True:
            await wait_for(woken, pause)
            woken.clear()
            # A read: it must not wait in line with the writers.
            execution = await app.reads.execution(lease.execution_id)
            if execution is None or execution.canceling or not holds(lease, execution):
                return
            pause = SLOW_POLL_SECONDS
