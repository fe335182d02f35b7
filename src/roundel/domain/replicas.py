"""Servers on one database: each shows that it lives, and takes over from those that do not."""

from typing import Protocol

from roundel.domain.clock import SECOND, Micros

BEAT = 5 * SECOND  # how often a server shows that it lives
DEAD_AFTER = 20 * SECOND  # without that for so long, others take up what it had begun


class Replicas(Protocol):
    """Which servers there are, and what all of them must agree on."""

    def beat(self, instance: str, at: Micros) -> None:
        """Show that `instance` lives."""

    def leave(self, instance: str) -> None:
        """Forget `instance`, which ends."""

    def leave_all(self) -> None:
        """Forget all, as whoever asks has the database to itself."""

    def others(self, instance: str, since: Micros) -> int:
        """Return how many others have shown since then that they live."""

    def shared_key(self, name: str, proposal: str) -> str:
        """Return the key of that name; the first proposal becomes it."""

    def replace_shared_key(self, name: str, value: str) -> None:
        """Let `value` be the key of that name."""
