"""Resource classes of runners elsewhere, the tokens that speak for them, and who was seen."""

import re
from collections.abc import Sequence
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import OrganizationId, RunnerId, TokenId
from roundel.domain.records import dataclass

ResourceClassId = NewType("ResourceClassId", str)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}/[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RUNNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceClass:
    """`namespace/name`.  Jobs of its organisation may ask for it; without one, everybody's."""

    id: ResourceClassId
    name: str
    organization_id: OrganizationId | None
    description: str
    created_at: Micros

    @property
    def namespace(self) -> str:
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerToken:
    """A token that lets a runner take jobs of one class, and do nothing else."""

    id: TokenId
    resource_class: ResourceClass
    nickname: str
    prefix: str
    digest: bytes
    created_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRunner:
    """A runner that has asked for jobs."""

    id: RunnerId
    resource_class: ResourceClass
    name: str
    hostname: str
    version: str
    ip: str
    first_connected: Micros
    last_connected: Micros
    last_used: Micros | None = None


def checked_class_name(text: str) -> str:
    """Return `text` if it is a name for a class of runners, or refuse it."""
    if _NAME.fullmatch(text) is None:
        raise Invalid(f"resource_class: expected namespace/name such as acme/linux, got {text!r}")
    return text


def runner_id(owner: ResourceClass, unverified_name: str) -> RunnerId:
    """Return a runner's id below the class that its token speaks for.

    So whatever a runner says of itself, it cannot be one of another class.
    """
    if _RUNNER.fullmatch(unverified_name) is None:
        raise Invalid(
            f"a runner's name has letters, digits, '.', '_' and '-', got {unverified_name!r}"
        )
    return RunnerId(f"{owner.id}/{unverified_name}")


class ResourceClasses(Protocol):
    """Where classes, their tokens and their runners are kept."""

    def add(self, resource_class: ResourceClass) -> None: ...

    def get(self, class_id: ResourceClassId) -> ResourceClass | None: ...

    def by_name(self, name: str) -> ResourceClass | None: ...

    def by_digest(self, digest: bytes) -> ResourceClass | None:
        """Return the class that the token with this SHA-256 speaks for."""

    def all(self) -> Sequence[ResourceClass]:
        """Return all classes by name."""

    def remove(self, class_id: ResourceClassId) -> None:
        """Remove a class with its tokens and runners."""

    def add_token(self, token: RunnerToken) -> None: ...

    def tokens(self, class_id: ResourceClassId) -> Sequence[RunnerToken]: ...

    def token(self, token_id: TokenId) -> RunnerToken | None: ...

    def remove_token(self, token_id: TokenId) -> None: ...

    def seen(self, runner: SeenRunner) -> None:
        """Keep that a runner was here; when it was first seen stays as it is."""

    def used(self, runner: RunnerId, at: Micros) -> None:
        """Keep that a runner was given a job."""

    def runners(self, class_id: ResourceClassId) -> Sequence[SeenRunner]: ...

    def waiting(self, name: str) -> tuple[int, int]:
        """Return how many executions of the class wait, and how many run."""
