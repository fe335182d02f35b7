"""The end of a step's output, ready for a page."""

from collections.abc import Sequence

from markupsafe import Markup

from roundel.domain.ids import ExecutionId
from roundel.domain.logs import Logs
from roundel.domain.records import dataclass
from roundel.domain.runners import StepReport
from roundel.services.live_output import whole_characters
from roundel.web.ansi import lines_of

TAIL_BYTES = 64 * 1024  # what a page shows at once; the rest is one click away
LONGEST_LINE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The last lines of a step, from the byte `start` on; `end` is how far it was read."""

    lines: Sequence[Markup]
    start: int
    end: int


async def tail_of(logs: Logs, execution: ExecutionId, report: StepReport, size: int) -> Tail:
    """Return the last lines of a step's output, beginning with a whole line."""
    end = await whole_characters(logs, execution, report.index, size)
    start = max(0, end - TAIL_BYTES)
    data = b""
    async for piece in logs.read(execution, report.index, offset=start):
        data += piece.data[: max(0, end - piece.offset)]
        if piece.offset + len(piece.data) >= end:
            break
    if start:
        cut = data.find(b"\n") + 1
        data, start = data[cut:], start + cut
    text = data.decode("utf-8", "replace").removesuffix("\n")
    lines = lines_of(text) if data else []
    return Tail(lines=lines, start=start, end=end)
