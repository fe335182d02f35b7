"""Checkout keys: the key pairs with which a project's jobs clone its repository."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.records import dataclass

MOST_PER_PROJECT = 20


class KeyType(StrEnum):
    """`type` of the API."""

    DEPLOY = "deploy-key"
    USER = "github-user-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutKey:
    """One key pair, known by either fingerprint.  The preferred one is what jobs use."""

    project_id: ProjectId
    type: KeyType
    public_key: str
    md5: str  # `c9:0b:…`
    sha256: str  # `SHA256:…`
    private_key: Sealed
    preferred: bool
    created_at: Micros


class CheckoutKeys(Protocol):
    """Where checkout keys are kept."""

    def add(self, key: CheckoutKey) -> None:
        """Add a key; a preferred one takes the place of that before it."""

    def prefer(self, project_id: ProjectId, md5: str) -> None:
        """Let a key be the preferred one, and no other."""

    def remove(self, project_id: ProjectId, md5: str) -> bool:
        """Remove a key, the newest left being preferred then; tell whether there was one."""

    def of_project(self, project_id: ProjectId) -> Sequence[CheckoutKey]: ...

    def under_other_keys(self, key_id: str) -> Sequence[tuple[OrganizationId, CheckoutKey]]:
        """Return keys that are not sealed under this master key, with whose they are."""

    def reseal(self, key: CheckoutKey) -> None:
        """Save the private key as it is sealed now."""


class CheckoutKeyReads(Protocol):
    """What the doors read of checkout keys."""

    async def checkout_keys(self, project_id: ProjectId) -> Sequence[CheckoutKey]: ...
