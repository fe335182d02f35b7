"""What a job's processes have used: samples over time, of which a bounded number is kept."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.records import dataclass

MOST_SAMPLES = 240  # 20 minutes at one each 5 s; then half as many over twice the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look: processor time in ms since the job began, and the memory in bytes just then."""

    at: Micros
    cpu_ms: int
    memory: int


def joined(kept: Sequence[Sample], more: Sequence[Sample]) -> list[Sample]:
    """Return the samples with those that are newer behind them; what is told twice counts once.

    Where there are too many, each two become one.  Nothing is lost of the processor time, which is
    a sum, and of the memory the higher value stays.
    """
    samples = list(kept)
    for sample in more:
        if not samples or sample.at > samples[-1].at:
            samples.append(sample)
    while len(samples) > MOST_SAMPLES:
        samples = [_one_of(samples[at : at + 2]) for at in range(0, len(samples), 2)]
    return samples


def _one_of(samples: Sequence[Sample]) -> Sample:
    last = samples[-1]
    return Sample(at=last.at, cpu_ms=last.cpu_ms, memory=max(it.memory for it in samples))
