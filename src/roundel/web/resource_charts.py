"""Charts of what a node of a job has used over time."""

from collections.abc import Sequence
from itertools import pairwise

from roundel.domain.clock import SECOND, Micros
from roundel.domain.records import dataclass
from roundel.domain.resource_use import Sample
from roundel.web.charts import Chart, line_chart, words

MOST_POINTS = 60
_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse:
    """What is drawn, the same as rows of a table, and the sums that people ask for first."""

    charts: tuple[Chart, ...]
    rows: tuple[tuple[str, str, str], ...]
    peak: str
    seconds: str


def resource_use(samples: Sequence[Sample], began: Micros) -> ResourceUse | None:
    """Return charts at even distances of time, None without samples.

    Samples stand closer in the younger part of a long job, so that values between them are taken.
    """
    if not samples or samples[-1].at <= began:
        return None
    count = min(MOST_POINTS, len(samples))
    span = samples[-1].at - began
    edges = [Micros(began + span * n // count) for n in range(count + 1)]
    times = [cpu_at(samples, began, edge) for edge in edges]
    cpu = [
        (after - before) / ((end - start) / SECOND) / 10  # ms in each second, as per cent
        for (before, after), (start, end) in zip(pairwise(times), pairwise(edges), strict=True)
    ]
    memory = [
        max(memory_at(samples, end), *(it.memory for it in samples if start < it.at <= end), 0)
        / _MB
        for start, end in pairwise(edges)
    ]
    names = [words((edge - began) / SECOND, "s") for edge in edges[1:]]
    charts = (
        line_chart("CPU, of one core", edges[1:], [("CPU", cpu)], unit="%", day_name=names),
        line_chart("Memory", edges[1:], [("memory", memory)], unit="MB", day_name=names),
    )
    return ResourceUse(
        charts=charts if count > 1 else (),  # one point is no course of anything
        rows=tuple(
            (name, words(c, "%"), words(m, "MB"))
            for name, c, m in zip(names, cpu, memory, strict=True)
        ),
        peak=words(max(it.memory for it in samples) / _MB, "MB"),
        seconds=words(samples[-1].cpu_ms / 1000, "s"),
    )


def cpu_at(samples: Sequence[Sample], began: Micros, at: Micros) -> float:
    """Return the processor time up to a moment, in ms: between two samples it goes evenly."""
    before_at, before = began, 0
    for sample in samples:
        if sample.at >= at:
            part = (at - before_at) / max(1, sample.at - before_at)
            return before + (sample.cpu_ms - before) * max(0.0, part)
        before_at, before = sample.at, sample.cpu_ms
    return float(before)


def memory_at(samples: Sequence[Sample], at: Micros) -> int:
    """Return the memory as it was last seen at a moment; before the first sample, as then."""
    found = samples[0].memory
    for sample in samples:
        if sample.at > at:
            break
        found = sample.memory
    return found
