"""Charts over time: numbers to places in a drawing.  Whatever is drawn is a table as well."""

import math
from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.records import dataclass

WIDTH, HEIGHT = 720, 150
LEFT, TOP, BOTTOM, RIGHT = 52, 8, 20, 8
_STEPS = (1, 2, 2.5, 5, 10)
MOST_LINES = 4  # across, for people to read values from


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value, where it is drawn, and the words that say it."""

    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series: its path, broken where there is no value, and its points."""

    name: str
    path: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """A line of the scale, with its label."""

    y: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All that is drawn of one figure."""

    title: str
    lines: tuple[Line, ...]
    across: tuple[Across, ...]
    days: tuple[tuple[float, str], ...]


def line_chart(
    title: str,
    days: Sequence[Micros],
    series: Sequence[tuple[str, Sequence[float | None]]],
    *,
    unit: str,
    top: float | None = None,
    day_name: "Sequence[str]",
) -> Chart:
    """Return a chart of values by day; None is a day without one.

    `top` is where the scale ends; without it, the highest value decides.
    """
    highest = max((v for _, values in series for v in values if v is not None), default=0.0)
    step, end = scale(top if top is not None else highest, whole=not unit)
    span = max(len(days) - 1, 1)

    def x_of(index: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * index / span, 1)

    def y_of(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, end) / end), 1)

    lines = []
    for name, values in series:
        points = [
            Point(x=x_of(i), y=y_of(v), words=f"{day_name[i]}: {name} {words(v, unit)}")
            for i, v in enumerate(values)
            if v is not None
        ]
        path, drawing = [], False
        for i, value in enumerate(values):
            if value is None:
                drawing = False
                continue
            path.append(f"{'L' if drawing else 'M'}{x_of(i)} {y_of(value)}")
            drawing = True
        lines.append(Line(name=name, path="".join(path), points=tuple(points)))
    count = round(end / step)
    across = tuple(Across(y=y_of(step * n), label=words(step * n, unit)) for n in range(count + 1))
    every = max(1, math.ceil(len(days) / 6))
    shown = tuple((x_of(i), day_name[i]) for i in range(0, len(days), every))
    return Chart(title=title, lines=tuple(lines), across=across, days=shown)


def scale(highest: float, *, whole: bool = False) -> tuple[float, float]:
    """Return a round step and the end of a scale that holds `highest`, in few steps.

    With `whole` the steps are whole numbers, as counts are.
    """
    if highest <= 0:
        return 1.0, 1.0
    rough = highest / MOST_LINES
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(it * power for it in _STEPS if it * power >= rough * 0.999)
    if whole:
        step = float(math.ceil(step))
    return step, step * max(1, math.ceil(highest / step - 1e-9))


def words(value: float, unit: str) -> str:
    """Return a value for people: `87 %`, `2m 05s`, `12`."""
    if unit == "%":
        return f"{_short(value)} %"
    if unit == "s":
        return _seconds(value)
    if unit == "MB":
        return _memory(value)
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def _short(value: float) -> str:
    """Return a small number with a digit behind the point, unless that is a nought."""
    text = f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return text.removesuffix(".0")


def _memory(value: float) -> str:
    if 0 < value < 1:
        return f"{value * 1000:.0f} kB"
    return f"{_short(value)} MB" if value < 10_000 else f"{value / 1000:.1f} GB"


def _seconds(value: float) -> str:
    if value < 60:
        return f"{value:.0f}s" if value >= 10 or value == round(value) else f"{value:.1f}s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
