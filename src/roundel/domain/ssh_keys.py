"""Additional SSH keys of projects: what `add_ssh_keys` installs in jobs, each for a host."""

import re
from collections.abc import Sequence
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.errors import Invalid
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.records import dataclass

MOST_PER_PROJECT = 100
LONGEST_KEY = 32 * 1024  # characters
# The name goes into the settings of ssh, where a space or a line end would begin something else.
_HOSTNAME = re.compile(r"[A-Za-z0-9._*?:\[\]-]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """A private key for a host; an empty host name stands for all hosts."""

    project_id: ProjectId
    hostname: str
    md5: str  # `c9:0b:…`
    sha256: str  # `SHA256:…`
    public_key: str
    private_key: Sealed
    created_at: Micros


def checked_hostname(text: str | None) -> str:
    """Return a host name as it is kept; refuse one that ssh could read as something else."""
    name = (text or "").strip()
    if name and _HOSTNAME.fullmatch(name) is None:
        raise Invalid(f"hostname: {name[:80]!r} is not a host name; an empty one means all hosts")
    return name


def has_fingerprint(fingerprint: str, md5: str, sha256: str) -> bool:
    """Tell whether a text names a key by one of its fingerprints, in any of their spellings."""
    wanted = fingerprint.strip()
    return wanted.removeprefix("MD5:").lower() == md5 or wanted.rstrip("=") == sha256


class SshKeys(Protocol):
    """Where additional keys are kept."""

    def put(self, key: SshKey) -> None:
        """Add a key; the same key for the same host is replaced."""

    def remove(self, project_id: ProjectId, hostname: str, md5: str) -> None: ...

    def of_project(self, project_id: ProjectId) -> Sequence[SshKey]:
        """Return a project's keys in the order of their making."""

    def under_other_keys(self, key_id: str) -> Sequence[tuple[OrganizationId, SshKey]]:
        """Return keys that are not sealed under this master key, with whose they are."""


class SshKeyReads(Protocol):
    """What the doors read of additional keys."""

    async def ssh_keys(self, project_id: ProjectId) -> Sequence[SshKey]: ...
