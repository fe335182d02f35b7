"""The graph of a workflow's jobs: who waits for whom, laid out in columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId
from roundel.domain.jobs import Job
from roundel.domain.plan import Place
from roundel.domain.records import dataclass
from roundel.domain.views import SlotView
from roundel.web.statuses import TONES, tone_of

NODE_WIDTH, NODE_HEIGHT = 216, 44
GAP_X, GAP_Y = 56, 14
MARGIN = 8
LANE_HEIGHT = 10
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
    """Place groups in columns, each behind all that it requires, with few crossings.

    A way over several columns has a lane of its own in each that it crosses.
    """
    net = _net(groups)
    columns = _ordered(net)
    heights = [[_height(groups, it) for it in column] for column in columns]
    totals = [sum(each) + GAP_Y * (len(each) - 1) for each in heights]
    total = max(totals, default=0)
    spots: dict[int, tuple[int, int]] = {}  # the left end and the middle of each
    for number, column in enumerate(columns):
        y = MARGIN + (total - totals[number]) // 2
        for it, height in zip(column, heights[number], strict=True):
            spots[it] = (MARGIN + number * (NODE_WIDTH + GAP_X), y + height // 2)
            y += height + GAP_Y
    on_path = [bool(critical.intersection(job.id for job in group.jobs)) for group in groups]
    edges = [
        Edge(
            path=_way([spots[it] for it in (need, *lanes, at)]),
            critical=on_path[at] and on_path[need],
        )
        for (need, at), lanes in net.ways.items()
    ]
    return Drawing(
        width=2 * MARGIN + max(1, len(columns)) * (NODE_WIDTH + GAP_X) - GAP_X,
        height=2 * MARGIN + max(NODE_HEIGHT, total),
        nodes=tuple(
            Placed(
                group=group,
                x=spots[at][0],
                y=spots[at][1] - NODE_HEIGHT // 2,
                critical=on_path[at],
            )
            for at, group in enumerate(groups)
        ),
        edges=tuple(sorted(edges, key=lambda edge: edge.critical)),  # the critical ones on top
    )


def _height(groups: Sequence[Group], at: int) -> int:
    return NODE_HEIGHT if at < len(groups) else LANE_HEIGHT


@dataclass(slots=True)
class _Net:
    """Groups and lanes by column; numbers from the count of groups on are lanes."""

    columns: list[list[int]]
    before: dict[int, list[int]]  # neighbours in the column before
    behind: dict[int, list[int]]
    ways: dict[tuple[int, int], tuple[int, ...]]  # the lanes of each edge


def _net(groups: Sequence[Group]) -> _Net:
    depth = _depths(groups)
    columns: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for at, column in enumerate(depth):
        columns[column].append(at)
    net = _Net(columns, {}, {}, {})
    free = len(groups)
    for at, group in enumerate(groups):
        for need in sorted(group.requires):
            lanes = range(free, free + max(0, depth[at] - depth[need] - 1))
            free += len(lanes)
            for number, lane in enumerate(lanes):
                columns[depth[need] + 1 + number].append(lane)
            hops = (need, *lanes, at)
            for one, other in pairwise(hops):
                net.behind.setdefault(one, []).append(other)
                net.before.setdefault(other, []).append(one)
            net.ways[need, at] = tuple(lanes)
    return net


def _depths(groups: Sequence[Group]) -> list[int]:
    """Return for each group the length of the longest way to it."""
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
            depth.update(dict.fromkeys(left, 1 + max(depth.values(), default=-1)))
            break
        waiting = left
    return [depth[at] for at in range(len(groups))]


def _ordered(net: _Net) -> list[list[int]]:
    """Return the columns with each group near the middle of its neighbours."""
    row = {it: float(place) for column in net.columns for place, it in enumerate(column)}
    for round_ in range(ROUNDS):
        forward = round_ % 2 == 0
        near = net.before if forward else net.behind
        for column in net.columns if forward else reversed(net.columns):
            middle = {
                it: _mean([row[other] for other in near.get(it, ())], row[it]) for it in column
            }
            column.sort(key=middle.__getitem__)
            row.update((it, float(place)) for place, it in enumerate(column))
    return net.columns


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _way(spots: Sequence[tuple[int, int]]) -> str:
    """Return the path from the right end of the first spot to the left end of the last."""
    parts = [f"M{spots[0][0] + NODE_WIDTH} {spots[0][1]}"]
    for number, (x, y) in enumerate(spots[1:], start=1):
        before = spots[number - 1]
        bend = x - GAP_X // 2
        parts.append(f"C{bend} {before[1]} {bend} {y} {x} {y}")
        if number < len(spots) - 1:
            parts.append(f"H{x + NODE_WIDTH}")
    return "".join(parts)
