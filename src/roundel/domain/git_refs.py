"""Heads of branches and tags as we know them: which push is news, which has been seen.

Messages of a host come twice, late, in any order or not at all, and a look at the repository finds
what was lost.  Both ways meet here, so that each change of a ref counts once.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Protocol, TypeAlias

from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId
from roundel.domain.records import dataclass

Step: TypeAlias = tuple[str | None, str | None]  # (before, after)

MOST_STEPS = 32  # changes of one ref that are remembered; more do not come in each other's way


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRef:
    """A branch or tag by its full name.  `revision` is None once it is deleted.

    `steps` are the changes that were seen, oldest first, as (before, after); none for a ref that
    was there when we began to look.
    """

    ref: str
    revision: str | None
    steps: tuple[Step, ...] = ()


class News(StrEnum):
    """What a change of a ref is to us."""

    NEW = "new"
    LATE = "late"  # not seen before, but a newer one of its ref has been
    SEEN = "seen"


def change_ref(
    known: KnownRef | None, ref: str, before: str | None, after: str | None
) -> tuple[KnownRef, News]:
    """Return the ref after a change that the host told of, and what that is to us."""
    step = (before, after)
    if known is None:
        return KnownRef(ref=ref, revision=after, steps=(step,)), News.NEW
    moved = replace(known, revision=after, steps=_with(known, step))
    if known.revision == after:
        # Where we only began with what was there, nothing has come of it yet.
        return (known, News.SEEN) if known.steps else (moved, News.NEW)
    if before == known.revision:
        return moved, News.NEW  # also where the ref goes a second time where it was before
    if step in known.steps:
        return known, News.SEEN
    left = {earlier for earlier, _ in known.steps}
    alive = known.revision is not None
    overtaken = after in left or (before is not None and before in left)
    if overtaken or (alive and None in step):
        # Somebody has moved on from there, or the ref that was made or deleted lives on.
        return replace(known, steps=_with(known, step)), News.LATE
    return moved, News.NEW  # a change in between was not told of


def look_at_ref(known: KnownRef | None, ref: str, revision: str | None) -> tuple[KnownRef, News]:
    """Return the ref after a look at the repository, which says where it is now."""
    if known is None:
        return KnownRef(ref=ref, revision=revision, steps=((None, revision),)), News.NEW
    if known.revision == revision:
        return known, News.SEEN
    moved = replace(known, revision=revision, steps=_with(known, (known.revision, revision)))
    left = {earlier for earlier, _ in known.steps}
    told = {later for _, later in known.steps}
    # A late message may have told of it; then it is only our idea of the head that was wrong.
    return moved, News.SEEN if revision in told - left else News.NEW


def _with(known: KnownRef, step: Step) -> tuple[Step, ...]:
    return (*known.steps, step)[-MOST_STEPS:]


def changed_refs(known: Mapping[str, KnownRef], heads: Mapping[str, str]) -> list[str]:
    """Return the refs that are not where we think they are, gone ones too."""
    moved = [ref for ref, at in heads.items() if ref not in known or known[ref].revision != at]
    gone = [ref for ref, it in known.items() if it.revision is not None and ref not in heads]
    return [*moved, *gone]


class KnownRefs(Protocol):
    """Where the refs of projects are kept."""

    def get(self, project_id: ProjectId, ref: str) -> KnownRef | None: ...

    def put(self, project_id: ProjectId, ref: KnownRef, at: Micros) -> None: ...

    def of_project(self, project_id: ProjectId) -> Mapping[str, KnownRef]: ...
