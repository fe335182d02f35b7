"""Take figures and print them: one JSON object a line."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence


def cost(name: str, values: Sequence[float], floors: Sequence[float], *, unit: str = "s") -> None:
    """Print a figure of which less is better; `ratio` is how many floors it takes."""
    value, floor = statistics.median(values), statistics.median(floors)
    show(name, value, floor, value / floor, unit, len(values))


def rate(name: str, values: Sequence[float], floors: Sequence[float], *, unit: str) -> None:
    """Print a figure of which more is better; `ratio` is again how many floors it takes."""
    value, floor = statistics.median(values), statistics.median(floors)
    show(name, value, floor, floor / value, unit, len(values))


def show(name: str, value: float, floor: float, ratio: float, unit: str, n: int) -> None:
    row = {
        "name": name,
        "value": significant(value),
        "unit": unit,
        "floor": significant(floor),
        "ratio": significant(ratio),
        "n": n,
    }
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def tally(name: str, count: int, *, unit: str) -> None:
    """Print how often something was; there is no floor to that."""
    sys.stdout.write(json.dumps({"name": name, "value": count, "unit": unit}) + "\n")
    sys.stdout.flush()


def significant(number: float) -> float:
    """Four digits; more would be noise."""
    return float(f"{number:.4g}")


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def processor_seconds(work: Callable[[], object]) -> float:
    """Return the processor time of some work that waits for nothing.

    On a busy machine the clock would not be fair: long work is interrupted, a short floor is not.
    """
    began = time.process_time()
    work()
    return time.process_time() - began


def in_turns(
    n: int, work: Callable[[], float], floor: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Measure both `n` times in turns, so that a slow moment of the machine hits both."""
    pairs = [(work(), floor()) for _ in range(n)]
    return [value for value, _ in pairs], [floor for _, floor in pairs]
