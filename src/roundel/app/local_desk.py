"""The person at the terminal: what they can ask of a run, and the terminal they lend."""

from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from roundel.domain.ids import JobId
from roundel.domain.records import dataclass


class Verb(StrEnum):
    """What can be asked for while a run is under way."""

    CANCEL = "cancel"
    RERUN = "rerun"  # once the job's workflow has ended
    SHELL = "shell"  # in the job, which runs or has just failed
    LEAVE = "leave"  # end the run if it is under way, else leave it


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something asked for; `job` is None for what concerns the whole run."""

    verb: Verb
    job: JobId | None = None


class Desk(Protocol):
    """Where a person sits."""

    async def command(self) -> Command:
        """Return the next thing they ask for."""

    def lend(self) -> AbstractAsyncContextManager[None]:
        """Give the terminal to a program until the block is left; one has it at a time."""
