"""Requests with idempotency keys: carried out once, answered as often as they are sent."""

from dataclasses import replace
from enum import Enum

from roundel.domain.clock import Micros
from roundel.domain.repeats import KEPT_FOR, FirstAnswer, Remembered
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal


class Standing(Enum):
    """How a request stands that has no first answer to give again."""

    NEW = "new"  # to be carried out now
    UNDER_WAY = "under way"  # by somebody else, or it broke off
    ANOTHER = "another"  # the key was used for another request


async def begin_request(key: str, request: str, app: App) -> FirstAnswer | Standing:
    """Say how a request under a key stands; both are digests, the key's is the caller's own.

    Of those who ask at once, one alone hears that it is new.
    """
    now = app.clock.now()
    wanted = Remembered(key=key, request=request, expires_at=Micros(now + KEPT_FOR))
    found = await app.database.write(lambda tx: tx.repeats.begin(wanted, now))
    if found is None:
        return Standing.NEW
    if found.request != request:
        return Standing.ANOTHER
    if found.status is None or found.answer is None:
        return Standing.UNDER_WAY
    try:
        body = app.cipher.unseal(found.answer, _bound_to(key))
    except CannotUnseal:  # the master key was changed since
        return Standing.UNDER_WAY
    return FirstAnswer(status=found.status, body=body.encode())


async def finish_request(key: str, request: str, answer: FirstAnswer, app: App) -> None:
    """Keep what a request was answered."""
    sealed = app.cipher.seal(answer.body.decode(), _bound_to(key))
    done = Remembered(key=key, request=request, expires_at=Micros(0), status=answer.status)

    def transaction(tx: Tx) -> None:
        tx.repeats.finish(replace(done, answer=sealed))

    await app.database.write(transaction)


async def forget_request(key: str, app: App) -> None:
    """Let a request that was refused be sent again under its key."""
    await app.database.write(lambda tx: tx.repeats.forget(key))


def _bound_to(key: str) -> bytes:
    return b"idempotency\0" + key.encode()
