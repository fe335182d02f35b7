"""Search in a project's output: newest jobs first, and only so far at once.

Nothing is kept for it while output is written (docs/decisions/0094).  A call reads a bounded number
of outputs and bytes, in bounded memory and beside the event loop, and says where the next goes on.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from roundel.domain.errors import Invalid
from roundel.domain.ids import ProjectId
from roundel.domain.log_search import FoundLine, SearchedOutputs, SearchPlace, StepOutput
from roundel.domain.records import dataclass

SHORTEST = 3  # characters; less is in every second line
LONGEST = 200
MOST_BYTES = 32 * 1024 * 1024  # looked through by one call: about 0.2 s of processor time
MOST_OUTPUTS = 500  # each may be an object in a store
AT_ONCE = 2  # calls that look; others wait for their turn
WINDOW_BYTES = 1024 * 1024  # of one output in memory
SHORT_BYTES = 256 * 1024  # outputs up to this are read many at once
_GROUP = 32
_AROUND = 200  # bytes shown on either side of a match
_OVERLAP = 1024  # of two windows in one line; longer than any needle
_COLOURS = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one call has found; `following` is where the next goes on, None at the oldest job's end.

    It may have found nothing, or little, and still be followed by more.
    """

    lines: Sequence[FoundLine]
    following: SearchPlace | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """A part of an output that begins with a line."""

    output: StepOutput
    place: SearchPlace
    data: bytes


class LogSearch:
    """The searches of one server.  Rights on the project are the caller's affair."""

    def __init__(self, outputs: SearchedOutputs) -> None:
        self._outputs = outputs
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def find(
        self,
        project_id: ProjectId,
        text: str,
        *,
        at: SearchPlace | None = None,
        most: int = 20,
        most_in_step: int | None = None,
        share: int = 1,
    ) -> Found:
        """Return lines that have `text` as it stands; the case of ASCII letters is no matter.

        `most_in_step` leaves out what one output has beyond so many lines.  Who asks about several
        projects at once has that part of a call for each: `share` is how many there are.  Refuses
        a text that is too short or too long, or has more than one line.
        """
        needle = needle_of(text)
        found: list[FoundLine] = []
        bytes_left, outputs_left = MOST_BYTES // share, MOST_OUTPUTS // share
        async with self._turn:
            async for windows, following in self._windows(project_id, at, most_in_step, found):
                reached = await asyncio.to_thread(
                    _search_each, windows, needle, most, most_in_step, found
                )
                if reached is not None:
                    return Found(lines=found, following=reached)
                bytes_left -= sum(len(it.data) for it in windows)
                outputs_left -= len(windows)
                if bytes_left <= 0 or outputs_left <= 0:
                    return Found(lines=found, following=following)
        return Found(lines=found, following=None)

    async def _windows(
        self,
        project_id: ProjectId,
        at: SearchPlace | None,
        most_in_step: int | None,
        found: Sequence[FoundLine],
    ) -> AsyncIterator[tuple[Sequence[_Window], SearchPlace | None]]:
        """Yield what to look at next, and where to go on behind it."""
        while True:
            page = await self._outputs.page(project_id, at)
            groups = _groups(page.outputs)
            for number, group in enumerate(groups):
                behind = groups[number + 1][0].place if number + 1 < len(groups) else page.following
                first = group[0]
                place = first.place
                if at is not None and (at.job, at.node, at.step) == _key(place):
                    place = at
                if first.size <= SHORT_BYTES:
                    data = await self._outputs.whole(group)
                    windows = [
                        _Window(output=output, place=output.place, data=each)
                        for output, each in zip(group, data, strict=True)
                    ]
                    cut = windows[0].data[place.offset :]
                    windows[0] = _Window(output=first, place=place, data=cut)
                    yield windows, behind
                    continue
                while (window := await self._window(first, place)) is not None:
                    place = _behind(window)
                    over = place.offset >= first.size
                    yield [window], behind if over else place
                    if over or (most_in_step and _in_step(found, first) >= most_in_step):
                        break
            if page.following is None:
                return
            at = page.following

    async def _window(self, output: StepOutput, place: SearchPlace) -> _Window | None:
        """Return the part of a long output that begins at a place; it ends with a line."""
        end = min(place.offset + WINDOW_BYTES, output.size)
        data = await self._outputs.span(output, place.offset, end) if place.offset < end else b""
        if end < output.size:
            data = data[: data.rfind(b"\n") + 1] or data
        return _Window(output=output, place=place, data=data) if data else None


def needle_of(text: str) -> bytes:
    """Return what is looked for; refuse what nothing useful would be found by."""
    if not SHORTEST <= len(text) <= LONGEST:
        raise Invalid(f"q: give {SHORTEST} to {LONGEST} characters to look for in the logs")
    if "\n" in text or "\r" in text:
        raise Invalid("q: give a part of one line")
    return text.encode("utf-8", "replace").lower()


def _groups(outputs: Sequence[StepOutput]) -> list[list[StepOutput]]:
    """Return outputs in their order: short ones together, each long one for itself."""
    groups: list[list[StepOutput]] = []
    held = WINDOW_BYTES  # by the last group, so that the first output begins one
    for output in outputs:
        fits = output.size <= SHORT_BYTES and held + output.size <= WINDOW_BYTES
        if fits and len(groups[-1]) < _GROUP:
            groups[-1].append(output)
            held += output.size
        else:
            groups.append([output])
            held = output.size if output.size <= SHORT_BYTES else WINDOW_BYTES
    return groups


def _key(place: SearchPlace) -> tuple[int, int, int]:
    return place.job, place.node, place.step


def _behind(window: _Window) -> SearchPlace:
    """Return where the part of an output behind a window begins."""
    place, data = window.place, window.data
    read = len(data)
    if not data.endswith(b"\n") and place.offset + read < window.output.size:
        read -= _OVERLAP  # in the middle of a line that is longer than a window
    return replace(place, offset=place.offset + read, line=place.line + data.count(b"\n"))


def _in_step(found: Sequence[FoundLine], output: StepOutput) -> int:
    return sum(1 for it in found if it.output is output)


def _search_each(
    windows: Sequence[_Window],
    needle: bytes,
    most: int,
    most_in_step: int | None,
    found: list[FoundLine],
) -> SearchPlace | None:
    """Add what is found; return where to go on if that has become enough."""
    for window in windows:
        enough = most
        if most_in_step is not None:
            enough = min(most, len(found) + most_in_step - _in_step(found, window.output))
        reached = _search(window, needle, enough, found)
        if len(found) >= most:
            return reached
    return None


def _search(window: _Window, needle: bytes, most: int, found: list[FoundLine]) -> SearchPlace:
    """Add a window's lines until there are `most`; return where the line behind the last begins."""
    plain = window.data
    if b"\x1b[" in plain:
        plain = _COLOURS.sub(b"", plain)
    lower = plain.lower()
    line, counted, at = 0, 0, 0
    while len(found) < most and (at := lower.find(needle, at)) >= 0:
        line += plain.count(b"\n", counted, at)
        counted = at
        begin = plain.rfind(b"\n", 0, at) + 1
        end = plain.find(b"\n", at)
        end = len(plain) if end < 0 else end
        number = window.place.line + line
        last = found[-1] if found else None
        if last is None or last.output is not window.output or last.line != number:
            found.append(_line(window.output, number, plain, (begin, at, at + len(needle), end)))
        at = end
    *ended, rest = window.data.split(b"\n", line + 1)
    whole = len(ended) > line  # else the last line has no end, or none in this window
    behind = rest if whole else b""
    return replace(
        window.place,
        offset=window.place.offset + len(window.data) - len(behind),
        line=window.place.line + line + whole,
    )


def _line(
    output: StepOutput, number: int, plain: bytes, bounds: tuple[int, int, int, int]
) -> FoundLine:
    begin, start, stop, end = bounds
    before = plain[max(begin, start - _AROUND) : start].decode("utf-8", "ignore")
    match = plain[start:stop].decode("utf-8", "replace")
    behind = plain[stop : min(end, stop + _AROUND)].decode("utf-8", "ignore").rstrip("\r")
    return FoundLine(
        output=output,
        line=number,
        text=before + match + behind,
        start=len(before),
        end=len(before) + len(match),
    )
