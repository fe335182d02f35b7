"""Workspaces: which layers a job unpacks, in which order, and when two of them contradict."""

from collections.abc import Iterator, Mapping, Sequence

from roundel.domain.records import dataclass
from roundel.domain.storage import LayerConflict, WorkspaceLayer

_CONFLICTS_SHOWN = 100  # paths of one conflict that are told


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamJob:
    """A job of the workflow as far as layers are concerned."""

    name: str
    requires: tuple[str, ...]
    layers: tuple[WorkspaceLayer, ...] = ()


def layers_for(
    name: str, jobs: Sequence[UpstreamJob]
) -> tuple[WorkspaceLayer, ...] | LayerConflict:
    """Return what job `name` unpacks: the layers of all jobs that it waited for, near and far.

    A job's layers come after those of every job that it waited for itself; beside that the order
    of `jobs` (the config's) counts, then the node, then the order in which they were persisted.
    Two jobs neither of which waited for the other must not have persisted the same file.  Nodes
    of one job may: the higher node wins.
    """
    by_name = {job.name: job for job in jobs}
    above = {job.name: _above(job.name, by_name) for job in jobs}
    upstream = [job for job in jobs if job.name in above.get(name, frozenset())]
    conflict = _conflict(upstream, above)
    if conflict is not None:
        return conflict
    position = {job.name: at for at, job in enumerate(jobs)}
    # A job has strictly more jobs above it than any of those jobs has.
    upstream.sort(key=lambda job: (len(above[job.name]), position[job.name]))
    return tuple(layer for job in upstream for layer in sorted(job.layers, key=_node))


def upstream_of(name: str, jobs: Sequence[UpstreamJob]) -> frozenset[str]:
    """Return the names of all jobs that `name` waited for, near and far."""
    return _above(name, {job.name: job for job in jobs})


def _node(layer: WorkspaceLayer) -> int:
    return layer.node


def _above(name: str, jobs: Mapping[str, UpstreamJob]) -> frozenset[str]:
    """Return the names of all jobs that `name` waited for."""
    found: set[str] = set()
    todo = [name]
    while todo:
        job = jobs.get(todo.pop())
        for required in job.requires if job else ():
            if required not in found:
                found.add(required)
                todo.append(required)
    return frozenset(found)


def _conflict(
    upstream: Sequence[UpstreamJob], above: Mapping[str, frozenset[str]]
) -> LayerConflict | None:
    # Most files have one writer: only those with two are looked at in pairs.
    writers: dict[str, list[str]] = {}
    for job in upstream:
        for path in {path for layer in job.layers for path in layer.paths}:
            writers.setdefault(path, []).append(job.name)
    clashes: dict[tuple[str, str], list[str]] = {}
    for path, names in writers.items():
        for first, second in _pairs(names):
            if first not in above[second] and second not in above[first]:
                clashes.setdefault((first, second), []).append(path)
    if not clashes:
        return None
    jobs, paths = min(clashes.items())
    return LayerConflict(jobs=jobs, paths=tuple(sorted(paths)[:_CONFLICTS_SHOWN]))


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            yield first, second
