"""Samples of resource use: what is kept of many, and of what is told twice."""

from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.clock import Micros
from roundel.domain.resource_use import MOST_SAMPLES, Sample, joined


def samples(*memory: int, begin: int = 0) -> list[Sample]:
    return [
        Sample(at=Micros(begin + at), cpu_ms=10 * at, memory=it)
        for at, it in enumerate(memory, start=1)
    ]


@given(memory=st.lists(st.integers(0, 99), max_size=3 * MOST_SAMPLES), size=st.integers(1, 50))
def test_few_are_kept_and_the_sum_and_the_peak_stay(memory: list[int], size: int) -> None:
    told = samples(*memory)
    kept: list[Sample] = []
    for at in range(0, len(told), size):
        kept = joined(kept, told[at : at + size])
        assert len(kept) <= MOST_SAMPLES
    assert [it.at for it in kept] == sorted({it.at for it in kept})
    if told:
        assert (kept[-1].at, kept[-1].cpu_ms) == (told[-1].at, told[-1].cpu_ms)
        assert max(it.memory for it in kept) == max(memory)


def test_what_is_told_twice_counts_once() -> None:
    told = samples(1, 2, 3)
    assert joined(joined([], told[:2]), told) == told
    assert joined(told, told[1:]) == told
