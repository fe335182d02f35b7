"""Git events: what a git host, or a repository of one's own, says has happened.

Adapters make them of verified messages; everything behind an adapter speaks of these alone.
"""

from dataclasses import field
from enum import StrEnum
from typing import TypeAlias

from roundel.domain.pipelines import Commit
from roundel.domain.records import dataclass

NO_REVISION = "0" * 40  # what git writes for "there was none" and "there is none any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who did it, as the host knows them; never what a commit claims."""

    login: str
    external_id: str = ""
    avatar_url: str = ""
    type: str = "User"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRepository:
    """A repository as its host names it.  `external_id` stays when it is renamed."""

    external_id: str
    owner: str
    name: str
    web_url: str = ""
    addresses: tuple[str, ...] = ()  # what git may clone it from
    default_branch: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A branch that has a new head.  `before` is None where the branch is new."""

    repository: HostRepository
    sender: Sender
    branch: str
    after: str
    before: str | None = None
    forced: bool = False
    commit: Commit | None = None  # the head, as far as the host tells
    commit_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPush:
    """A tag that is new or was moved; `after` is the commit, or the tag object."""

    repository: HostRepository
    sender: Sender
    tag: str
    after: str
    before: str | None = None
    commit: Commit | None = None
    commit_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchDelete:
    """A branch that is gone."""

    repository: HostRepository
    sender: Sender
    branch: str
    before: str | None = None


class PullAction(StrEnum):
    """`pipeline.event.action` of a pull request."""

    OPENED = "opened"
    SYNCHRONIZE = "synchronize"
    REOPENED = "reopened"
    CLOSED = "closed"
    LABELED = "labeled"
    READY = "ready_for_review"
    CHANGED = "changed"  # anything else that is worth remembering and starts nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class PullEnd:
    """One end of a pull request: a branch of a repository, and its head.

    Some hosts shorten the hash of `revision`.  `address` is where git finds the head, if the
    repository that the pull request is for does not have it.
    """

    branch: str
    revision: str
    owner: str = ""
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull or merge request, and what was done to it.

    `fork` is what the host says of the repositories of both ends.
    """

    repository: HostRepository
    sender: Sender
    action: PullAction
    number: int
    title: str
    url: str
    head: PullEnd
    base: PullEnd
    author: str = ""
    author_id: str = ""
    fork: bool = False
    trusted: bool = False  # the host counts the author among those who may write
    draft: bool = False
    merged: bool = False
    open: bool = True
    added_labels: tuple[str, ...] = ()  # just now
    labels: tuple[str, ...] = ()
    before: str | None = None  # the head before a push to it
    merge_revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on a pull request."""

    repository: HostRepository
    sender: Sender
    number: int
    body: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message that was verified and read, and starts nothing; `reason` says why."""

    reason: str


GitEvent: TypeAlias = Push | TagPush | BranchDelete | PullRequest | Comment


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One verified message of a host.  `id` is the host's own; empty where it gives none."""

    id: str
    name: str  # what the host calls the event
    events: tuple[GitEvent, ...] = ()
    ignored: tuple[Ignored, ...] = field(default=())


def revision_or_none(text: str | None) -> str | None:
    """Return the revision; None for an empty one and for git's row of zeros."""
    return None if not text or not text.strip("0") else text


def event_ref(event: GitEvent) -> str:
    """Return the full name of the ref that an event is about; empty for none."""
    match event:
        case Push() | BranchDelete():
            return f"refs/heads/{event.branch}"
        case TagPush():
            return f"refs/tags/{event.tag}"
        case PullRequest():
            return f"refs/pull/{event.number}"
        case Comment():
            return ""
