"""The graph of a workflow's jobs: who waits for whom, laid out in columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId
from roundel.domain.jobs import Job
from roundel.domain.plan import Place
from roundel.domain.views import SlotView
from roundel.web.statuses import TONES, tone_of

NODE_WIDTH, NODE_HEIGHT = 216, 44
GAP_X, GAP_Y = 56, 14
MARGIN = 8
FOLDED_FROM = 4  # cells of one matrix that are shown as one node
ROUNDS = 4  # of ordering the columns by their neighbours; more changes nothing one can see


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One job, or the cells of a matrix that stand as one."""

    name: str
    jobs: tuple[Job, ...]
    requires: frozenset[int]  # places of other groups in the list

    @property
    def tones(self) -> tuple[tuple[str, int], ...]:
        """Return how many cells have which tone, the worst first."""
        counts = Counter(tone_of(job.status) for job in self.jobs)
        order = ("bad", "run", "hold", "wait", "off", "ok")
        return tuple((tone, counts[tone]) for tone in order if counts[tone])

    @property
    def tone(self) -> str:
        """Return the tone of the whole: that of its worst cell."""
        return self.tones[0][0] if self.tones else TONES[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A group with its place in the drawing."""

    group: Group
    x: int
    y: int
    critical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A way from one group to another."""

    path: str
    critical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """All that is drawn."""

    width: int
    height: int
    nodes: tuple[Placed, ...]
    edges: tuple[Edge, ...]

    @property
    def has_critical(self) -> bool:
        """Whether any way is marked as the critical one."""
        return any(edge.critical for edge in self.edges)


def groups_of(
    slots: Sequence[SlotView], places: Mapping[str, Place | None], *, fold: bool
) -> list[Group]:
    """Return the slots as groups: cells of one matrix together, where there are enough of them.

    Cells are known by the place in the config that all of them come from.
    """
    cells = Counter(places.get(slot.job.name) for slot in slots)
    keys: list[object] = []
    for slot in slots:
        place = places.get(slot.job.name)
        folded = fold and place is not None and cells[place] >= FOLDED_FROM
        keys.append(place if folded else slot.job.id)
    order = list(dict.fromkeys(keys))
    index = {key: at for at, key in enumerate(order)}
    of_job = {slot.job.id: index[key] for slot, key in zip(slots, keys, strict=True)}
    members: list[list[SlotView]] = [[] for _ in order]
    for slot, key in zip(slots, keys, strict=True):
        members[index[key]].append(slot)
    return [
        Group(
            name=_name([slot.job.name for slot in each]),
            jobs=tuple(slot.job for slot in each),
            requires=frozenset(
                of_job[need] for slot in each for need in slot.dependencies if of_job[need] != at
            ),
        )
        for at, each in enumerate(members)
    ]


def _name(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    first, last = min(names), max(names)
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return first[:length].rstrip("-_ .") or names[0]


def critical_path(slots: Sequence[SlotView]) -> frozenset[JobId]:
    """Return the jobs that decided how long the workflow took: from the last one to end back.

    Empty while something goes on, and where a single job is all there was.
    """
    by_id = {slot.job.id: slot for slot in slots}
    ran = [slot for slot in slots if slot.job.stopped_at is not None and slot.job.started_at]
    if not ran or any(slot.job.stopped_at is None for slot in slots):
        return frozenset()
    at = max(ran, key=_end)
    found = [at.job.id]
    while True:
        before = [by_id[need] for need in at.dependencies if need in by_id]
        before = [slot for slot in before if slot.job.stopped_at is not None]
        if not before:
            return frozenset(found) if len(found) > 1 else frozenset()
        at = max(before, key=_end)
        found.append(at.job.id)


def _end(slot: SlotView) -> Micros:
    return slot.job.stopped_at or Micros(0)


def draw(groups: Sequence[Group], critical: frozenset[JobId]) -> Drawing:
    """Place groups in columns, each behind all that it requires, with few crossings."""
    columns = _ordered(groups, _columns(groups))
    height = max((len(column) for column in columns), default=0)
    total = height * (NODE_HEIGHT + GAP_Y) - GAP_Y
    spots: dict[int, tuple[int, int]] = {}
    for number, column in enumerate(columns):
        x = MARGIN + number * (NODE_WIDTH + GAP_X)
        own = len(column) * (NODE_HEIGHT + GAP_Y) - GAP_Y
        for row, at in enumerate(column):
            y = MARGIN + (total - own) // 2 + row * (NODE_HEIGHT + GAP_Y)
            spots[at] = (x, y)
    on_path = [bool(critical.intersection(job.id for job in group.jobs)) for group in groups]
    edges = [
        Edge(path=_curve(spots[need], spots[at]), critical=on_path[at] and on_path[need])
        for at, group in enumerate(groups)
        for need in sorted(group.requires)
    ]
    return Drawing(
        width=2 * MARGIN + max(1, len(columns)) * (NODE_WIDTH + GAP_X) - GAP_X,
        height=2 * MARGIN + max(NODE_HEIGHT, total),
        nodes=tuple(
            Placed(group=group, x=spots[at][0], y=spots[at][1], critical=on_path[at])
            for at, group in enumerate(groups)
        ),
        edges=tuple(sorted(edges, key=lambda edge: edge.critical)),  # the critical ones on top
    )


def _columns(groups: Sequence[Group]) -> list[list[int]]:
    """Return the groups by the length of the longest way to them."""
    depth: dict[int, int] = {}
    waiting = list(range(len(groups)))
    while waiting:
        left = []
        for at in waiting:
            needs = groups[at].requires
            if all(need in depth for need in needs):
                depth[at] = 1 + max((depth[need] for need in needs), default=-1)
            else:
                left.append(at)
        if len(left) == len(waiting):  # folding made a circle: what is left stands at the end
            depth.update((at, max(depth.values(), default=-1) + 1) for at in left)
            break
        waiting = left
    columns: list[list[int]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for at in range(len(groups)):
        columns[depth[at]].append(at)
    return columns


def _ordered(groups: Sequence[Group], columns: list[list[int]]) -> list[list[int]]:
    """Return the columns with each group near the middle of its neighbours."""
    followers: dict[int, list[int]] = {at: [] for at in range(len(groups))}
    for at, group in enumerate(groups):
        for need in group.requires:
            followers[need].append(at)
    for round_ in range(ROUNDS):
        row = {at: float(place) for column in columns for place, at in enumerate(column)}
        forward = round_ % 2 == 0
        for column in columns if forward else reversed(columns):
            around = {
                at: [row[it] for it in (groups[at].requires if forward else followers[at])]
                for at in column
            }
            middle = {at: sum(near) / len(near) if near else row[at] for at, near in around.items()}
            column.sort(key=lambda at, middle=middle, row=row: (middle[at], row[at]))  # type: ignore[misc]
            row.update((at, float(place)) for place, at in enumerate(column))
    return columns


def _curve(begin: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = begin[0] + NODE_WIDTH, begin[1] + NODE_HEIGHT // 2
    x2, y2 = end[0], end[1] + NODE_HEIGHT // 2
    bend = x1 + GAP_X // 2
    if x2 - x1 <= GAP_X:
        return f"M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}"
    # A long way stays level until the last gap, so that it runs between the columns.
    last = x2 - GAP_X
    return f"M{x1} {y1}C{bend} {y1} {bend} {y2} {x1 + GAP_X} {y2}H{last}L{x2} {y2}"
