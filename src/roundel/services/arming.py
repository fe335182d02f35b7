"""Arming the sweep of what jobs left behind; `services.sweeping` is what then happens."""

from roundel.domain.clock import HOUR, Micros
from roundel.domain.ids import TimerId, new_id
from roundel.domain.timers import Timer, TimerKind
from roundel.services.work import Tx

SUBJECT = "storage"  # one sweep for the whole server
EVERY = HOUR
GRACE = HOUR  # somebody may be reading what has just been let go


def arm_sweep(tx: Tx, at: Micros) -> None:
    """Make sure that a sweep will come."""
    tx.timers.add_once(
        Timer(
            id=TimerId(new_id()),
            kind=TimerKind.SWEEP_STORAGE,
            subject=SUBJECT,
            run_at=Micros(at + EVERY),
        )
    )
