"""Orbs as a compilation gets them: the port, what it answers, what is locked of it."""

from __future__ import annotations

from typing import Protocol

from roundel.domain.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOrb:
    """An orb's packed text at an exact version.  `reference` is exact: `ns/name@1.2.3`."""

    reference: str
    text: str
    digest: str


class OrbSource(Protocol):
    """Where orbs come from: a folder, a registry, the repository itself."""

    def resolve(self, reference: str) -> ResolvedOrb | None:
        """Return the orb that a reference means now, None if there is none.

        Called once per reference and compilation.  Raise `OrbRefused` for an orb that is there
        and may not be used.
        """


class OrbRefused(Exception):
    """The orb exists, but this organisation may not use it.  The text says why."""


class NoOrbs:
    """A source without any orb."""

    def resolve(self, reference: str) -> ResolvedOrb | None:  # noqa: ARG002 - the port's shape
        """Return None."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedOrb:
    """One orb that a compilation used: as named in the config, and what that was."""

    alias: str
    written: str
    exact: str
    digest: str
    nested: bool = False  # named by another orb
