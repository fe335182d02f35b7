"""The audit log: what was changed through the doors, by whom, in an order that cannot be mended."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId
from roundel.domain.records import dataclass

START = ""  # what the first entry follows
LONGEST_TARGET = 500
LOOKED_THROUGH = 5000  # entries that one page with a filter looks through


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A call that changed something.  `actor_id` is empty where a signature or key was the right.

    `target` is the path of the call alone: queries may hold secrets.
    """

    operation: str
    target: str
    status: int
    actor_id: str
    actor_login: str
    organization_id: OrganizationId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A deed in its place.  `digest` covers it and, through the one before, all earlier ones."""

    number: int
    at: Micros
    deed: Deed
    digest: str


def digest_of(number: int, at: Micros, deed: Deed, before: str) -> str:
    """Return the SHA-256, in hex, of an entry that follows the one with the digest `before`."""
    facts = [
        *(before, number, at, deed.operation, deed.target, deed.status),
        *(deed.actor_id, deed.actor_login, deed.organization_id),
    ]
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def first_broken(entries: Iterable[AuditEntry], before: str = START) -> int | None:
    """Return the number of the first entry that does not follow its predecessor; None if all do.

    The entries come in their order, from the one behind `before` on.
    """
    expected: int | None = None
    for entry in entries:
        if expected is not None and entry.number != expected:
            return entry.number
        if entry.digest != digest_of(entry.number, entry.at, entry.deed, before):
            return entry.number
        before, expected = entry.digest, entry.number + 1
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted; what is empty does not count."""

    actor: str = ""  # a login, whole
    text: str = ""  # a part of what was done, or of what it was done to


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some entries, and the number to go on below; None where there are no older ones."""

    entries: Sequence[AuditEntry]
    before: int | None


class Audit(Protocol):
    """Where the log is kept.  There is nothing here to change or to remove an entry with."""

    def add(self, deed: Deed, at: Micros) -> None:
        """Write what was done behind the last entry."""


class AuditReads(Protocol):
    """What the doors read of the log."""

    async def audit(
        self, organization: OrganizationId | None, *, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return entries, newest first, below the number `before`; of None all there are."""

    async def searched(
        self, organization: OrganizationId, wanted: AuditFilter, *, before: int | None, limit: int
    ) -> AuditPage:
        """Return an organization's entries that fit, newest first, below the number `before`.

        One page looks through `LOOKED_THROUGH` entries at most, however few of them fit.
        """

    async def broken(self) -> int | None:
        """Return the number of the first entry that was tampered with; None if none was."""
