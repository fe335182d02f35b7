"""Which share of a job's tests a node gets: largest first, each to the node that has least.

By name every item weighs the same, which deals the sorted list round.  Ties go to the lowest node.
"""

import heapq
from collections.abc import Mapping, Sequence
from enum import StrEnum

from roundel.domain.records import dataclass

NAME_FALLBACK = "Error auto-detecting timing type, falling back to weighting by name."
NO_TIMINGS = (
    "Requested weighting by historical based timing, but they are not present. "
    "Falling back to weighting by name."
)


class SplitBy(StrEnum):
    """`--split-by`."""

    NAME = "name"
    FILESIZE = "filesize"
    TIMINGS = "timings"


class TimingsType(StrEnum):
    """`--timings-type`; `filename` is an older word for `file`."""

    FILE = "file"
    CLASSNAME = "classname"
    TESTNAME = "testname"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A node's items, and what to tell on standard error."""

    items: tuple[str, ...]
    notes: tuple[str, ...] = ()


def timings_type(word: str) -> TimingsType | None:
    """Return the type that a flag's value names."""
    if word == "filename":
        return TimingsType.FILE
    return TimingsType(word) if word in TimingsType.__members__.values() else None


def by_name(items: Sequence[str], index: int, total: int) -> Share:
    """Deal the sorted items round."""
    return Share(items=_share(sorted(items), [1.0] * len(items), index, total))


def by_size(items: Sequence[str], sizes: Mapping[str, int], index: int, total: int) -> Share:
    """Weigh by file size; what is no file weighs as much as the average."""
    unknown = [item for item in items if item not in sizes]
    notes = tuple(f'Cannot read the size of "{item}".' for item in unknown[:20])
    weights = _weights(items, sizes, None)
    return Share(items=_share(items, weights, index, total), notes=notes)


def by_timings(
    items: Sequence[str],
    timings: Mapping[TimingsType, Mapping[str, float]],
    index: int,
    total: int,
    *,
    default: float | None = None,
) -> Share:
    """Weigh by recorded seconds.

    With several types in `timings` the one that knows the most items is taken.  An item without
    a time weighs `default`, or the average of the others.  Without any time the split is by name.
    """
    matches = {
        kind: {item: known[key] for item in items if (key := _key(kind, item, known)) is not None}
        for kind, known in timings.items()
    }
    kind = max(matches, key=lambda each: len(matches[each]), default=None)
    if kind is None or not matches[kind]:
        note = NO_TIMINGS if len(timings) == 1 else NAME_FALLBACK
        return Share(items=by_name(items, index, total).items, notes=(note,))
    known = matches[kind]
    notes = [f"Autodetected {kind} timings for {len(known)} tests."] if len(timings) > 1 else []
    missing = [item for item in items if item not in known]
    notes += [f'No timing found for "{item}"' for item in missing[:20]]
    if len(missing) > 20:
        notes.append(f"No timing found for {len(missing) - 20} more")
    return Share(
        items=_share(items, _weights(items, known, default), index, total), notes=tuple(notes)
    )


def _key(kind: TimingsType, item: str, known: Mapping[str, float]) -> str | None:
    """Return the name under which an item's time is kept."""
    if item in known:
        return item
    if kind is TimingsType.FILE:
        # Reports and globs do not agree on a leading `./`.
        for other in (item.removeprefix("./"), f"./{item}"):
            if other in known:
                return other
    return None


def _weights(
    items: Sequence[str], known: Mapping[str, float], default: float | None
) -> list[float]:
    if default is None:
        values = [known[item] for item in items if item in known]
        default = sum(values) / len(values) if values else 1.0
    return [float(known.get(item, default)) for item in items]


def _share(
    items: Sequence[str], weights: Sequence[float], index: int, total: int
) -> tuple[str, ...]:
    """Give out the items, heaviest first; return those of node `index` in their order."""
    order = sorted(range(len(items)), key=lambda at: (-weights[at], at))
    # By load, then by count: items without weight are dealt round as well.
    nodes = [(0.0, 0, node) for node in range(total)]
    mine: list[int] = []
    for at in order:
        load, count, node = nodes[0]
        heapq.heapreplace(nodes, (load + weights[at], count + 1, node))
        if node == index:
            mine.append(at)
    return tuple(items[at] for at in sorted(mine))
