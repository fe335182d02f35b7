"""What a local run is asked for, and how it refuses."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from pathlib import Path

from roundel.app.local_desk import Desk
from roundel.domain.errors import DomainError
from roundel.domain.plan import Json
from roundel.domain.records import dataclass
from roundel.services.choosing import Choice
from roundel.settings import PREPARE_AHEAD, BackendChoice

MOST_AT_ONCE = 8  # runs of one checkout side by side; each has a state of its own

AskContext = Callable[[str], Mapping[str, str]]
"""Returns the variables of a context that is not known here, from whoever sits there."""

Decide = Callable[[str, str], Awaitable[bool | None]]
"""Answers whether a workflow's approval job is approved; None leaves it waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What to run again of the last run: what failed (or its failed tests alone), or one job."""

    failed_tests: bool = False
    job: str | None = None


class CannotRunHere(DomainError):
    """There is nothing to run, or no way to; `str()` says what to do."""


class ConfigErrors(DomainError):
    """The config does not compile; `problems` are rendered for people."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


async def _leave_waiting(_workflow: str, _job: str) -> bool | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to run, and how.  `None` means what the checkout and the machine say."""

    folder: Path
    cache: Path
    config: Path | None = None
    branch: str | None = None
    tag: str | None = None
    clean: bool = False
    ignored: bool = True
    parameters: Mapping[str, Json] = field(default_factory=dict)  # texts, until a config is there
    values: Mapping[str, str] = field(default_factory=dict)  # of the pipeline, by full names
    pull_request: int | None = None  # the number of the one to pretend
    ask_context: AskContext | None = None
    contexts_matter: bool = True  # else nothing is asked or said of those that are not known
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # those that are known
    backend: BackendChoice = BackendChoice.AUTO
    image_map: tuple[tuple[str, str], ...] = ()
    slots: int | None = None
    prepare_ahead: int = PREPARE_AHEAD
    orbs: Path | None = None
    choice: Choice = field(default_factory=Choice)
    arguments: Mapping[str, str] = field(default_factory=dict)  # of the one job that was chosen
    in_place: bool = False
    stub: bool = False
    dry: bool = False
    decide: Decide = _leave_waiting
    approvals: tuple[str, ...] = ()  # jobs that are approved beforehand by name
    follow: bool = False  # tell how workflows stand, whenever that changes
    desk: Desk | None = None
    stays: bool = False  # after a failure, until the person leaves
    shell_on_failure: bool = False
    snapshots: bool = False  # of the files of every job before every step
    again: Again | None = None  # go on from the last run instead of making a new one
    resume_at: tuple[str, str] | None = None  # the job of `again`, and its step
    breaks: tuple[tuple[str, str], ...] = ()  # before which step of which job a shell is given


def state_folder(cache: Path, root: Path) -> Path:
    """Return where the states of a checkout lie, one for each run at once."""
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return cache / "run" / f"{root.name or 'root'}-{digest}"


def state_name(number: int) -> str:
    """Return the name of one of them."""
    return f"state-{number}" if number else "state"
