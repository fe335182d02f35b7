"""The live view's picture: jobs above, output of the chosen one below, keys at the bottom.

A picture is drawn anew for the size that the terminal has now, so a resize cannot garble it.
"""

from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from roundel.cli.board import ENDED, Board, Row
from roundel.domain.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYS = "↑↓ job  PgUp/PgDn output  c cancel  r rerun  s shell  q end"
LEFT_KEYS = "↑↓ job  PgUp/PgDn output  r rerun  s shell  q leave"
_MARKS = {
    "success": ("✓", "green"),
    "running": ("●", "cyan"),
    "queued": ("○", "yellow"),
    "blocked": ("·", "bright_black"),
    "not_run": ("-", "bright_black"),
    "on_hold": ("?", "yellow"),
    "canceled": ("✗", "yellow"),
}
_OTHER_MARK = ("✗", "red")


@dataclass(slots=True)
class Choice:
    """What the person looks at: a job, and how far they have scrolled back in its output."""

    job: str | None = None
    back: int = 0
    question: str = ""


class Picture:
    """A rich renderable of a board, as large as the console is."""

    def __init__(self, board: Board, choice: Choice, now: int) -> None:
        self._board = board
        self._choice = choice
        self._now = now

    def __rich_console__(self, console: Console, _options: ConsoleOptions) -> RenderResult:
        width, height = console.size
        lines = self.lines(width, height)
        for number, line in enumerate(lines):
            yield from _padded(console, line, width)
            if number < len(lines) - 1:
                yield Segment.line()

    def lines(self, width: int, height: int) -> list[Text]:
        """Return exactly `height` lines, none wider than `width`."""
        board, choice = self._board, self._choice
        chosen = next((row for row in board.rows if row.job == choice.job), None)
        room = max(1, height - 3)
        jobs = list(self._jobs(width))
        most = max(1, min(len(jobs), room // 2 if chosen is not None else room))
        jobs = _window(jobs, most)
        out = [line for line, _ in jobs]
        title = f"── {chosen.name} " if chosen is not None else ""
        out.append(Text(f"{title}{'─' * width}"[:width], style="bright_black"))
        left = max(0, height - len(out) - 2)
        out += _output(chosen, left, choice.back)
        out += [Text("")] * max(0, height - len(out) - 2)
        out.append(Text(board.notes[-1] if board.notes else "", style="yellow"))
        over = bool(board.workflows) and all(row.status in ENDED for row in board.rows)
        question = choice.question
        out.append(
            Text(question or (LEFT_KEYS if over else KEYS), style="bold" if question else "")
        )
        return [_cut(line, width) for line in out[-height:]]

    def _jobs(self, width: int) -> "Iterable[tuple[Text, bool]]":
        seen: str | None = None
        for row in self._board.rows:
            if row.workflow != seen:
                seen = row.workflow
                title, status = self._board.workflows.get(seen, ("", ""))
                if title:
                    yield Text.assemble((title, "bold"), f"  {status}"), False
            yield self._job(row, width), row.job == self._choice.job

    def _job(self, row: Row, width: int) -> Text:
        mark, colour = _MARKS.get(row.status, _OTHER_MARK)
        chosen = row.job == self._choice.job
        branch = "  " * row.depth + ("└ " if row.depth else "")
        text = Text.assemble(
            "▶ " if chosen else "  ",
            branch,
            (f"{mark} ", colour),
            (row.name, "bold reverse" if chosen else ""),
            f"  {row.status}",
        )
        if row.step and row.status == "running":
            text.append(f"  {row.step}", "bright_black")
        if row.began is not None:
            end = row.ended if row.ended is not None else self._now
            time = f"  {_shown(end - row.began)}"
            text.truncate(max(0, width - len(time)), overflow="ellipsis")
            text.append(time)
        return text


def _output(row: Row | None, count: int, back: int) -> list[Text]:
    if row is None or count <= 0:
        return []
    lines = list(row.lines)
    end = max(min(len(lines), count), len(lines) - back)
    return [Text.from_ansi(line) for line in lines[max(0, end - count) : end]]


def _window(lines: "list[tuple[Text, bool]]", most: int) -> "list[tuple[Text, bool]]":
    """Return at most so many lines, the chosen one among them."""
    at = next((number for number, (_, chosen) in enumerate(lines) if chosen), 0)
    first = max(0, min(at - most // 2, len(lines) - most))
    return lines[first : first + most]


def _cut(text: Text, width: int) -> Text:
    text = text.copy()
    text.expand_tabs(8)
    text.truncate(width, overflow="ellipsis")
    return text


def _padded(console: Console, text: Text, width: int) -> "Iterable[Segment]":
    segments = list(text.render(console, end=""))
    used = Segment.get_line_length(segments)
    yield from segments
    if used < width:
        yield Segment(" " * (width - used))


def _shown(microseconds: int) -> str:
    seconds = max(0, microseconds) // 1_000_000
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
