"""What a search finds in outputs, however long they are and wherever it goes on."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.errors import Invalid
from roundel.domain.ids import ExecutionId, JobId, PipelineId, ProjectId, WorkflowId
from roundel.domain.log_search import OutputsPage, SearchPlace, StepOutput
from roundel.services.log_search import LONGEST, MOST_BYTES, SHORT_BYTES, WINDOW_BYTES, LogSearch

HERE = ProjectId("p")
LINES = st.sampled_from(
    [b"", b"needle", b"a NEEDLE, two needles", b"nee", b"dle", b"\xc3", b"\x1b[31mnee\x1b[0mdle"]
)
OUTPUTS = st.lists(st.lists(LINES, max_size=9).map(b"\n".join), max_size=6)


class PlannedOutputs:
    """Implements `SearchedOutputs`: one job for each output, the first is the newest."""

    def __init__(self, outputs: Sequence[bytes], at_once: int = 2) -> None:
        self.data = {len(outputs) - index: data for index, data in enumerate(outputs)}
        self.at_once = at_once
        self.read = 0
        self.largest = 0

    async def page(self, project_id: ProjectId, at: SearchPlace | None) -> OutputsPage:
        numbers = [it for it in sorted(self.data, reverse=True) if at is None or it <= at.job]
        shown, left = numbers[: self.at_once], numbers[self.at_once :]
        outputs = [self.output(it) for it in shown if self.data[it]]
        return OutputsPage(outputs=outputs, following=SearchPlace(left[0]) if left else None)

    def output(self, number: int) -> StepOutput:
        return StepOutput(
            execution_id=ExecutionId("e"),
            node=0,
            step=0,
            step_name="step",
            size=len(self.data[number]),
            sealed=None,
            job_id=JobId("j"),
            job_name="job",
            job_number=number,
            workflow_id=WorkflowId("w"),
            workflow_name="workflow",
            pipeline_id=PipelineId("i"),
            pipeline_number=number,
        )

    async def whole(self, outputs: Sequence[StepOutput]) -> Sequence[bytes]:
        return [await self.span(it, 0, it.size) for it in outputs]

    async def span(self, output: StepOutput, start: int, end: int) -> bytes:
        data = self.data[output.job_number][start:end]
        self.read += len(data)
        self.largest = max(self.largest, len(data))
        return data


def plainly(outputs: Sequence[bytes]) -> list[tuple[int, int]]:
    """The lines with a match by splitting everything."""
    return [
        (len(outputs) - index, number)
        for index, data in enumerate(outputs)
        for number, line in enumerate(data.split(b"\n"))
        if b"needle" in line.replace(b"\x1b[31m", b"").replace(b"\x1b[0m", b"").lower()
    ]


@given(outputs=OUTPUTS, most=st.integers(1, 5))
async def test_pages_together_have_each_line_once_and_in_order(
    outputs: list[bytes], most: int
) -> None:
    search = LogSearch(PlannedOutputs(outputs))
    found: list[tuple[int, int]] = []
    at = None
    while True:
        page = await search.find(HERE, "Needle", at=at, most=most)
        assert len(page.lines) <= most
        for it in page.lines:
            assert it.text[it.start : it.end].lower() == "needle"
            found.append((it.output.job_number, it.line))
        if page.following is None:
            break
        at = SearchPlace.read(page.following.text)
    assert found == plainly(outputs)


async def test_a_long_output_is_read_in_windows_and_gone_on_in() -> None:
    line = b"an ordinary line of output\n"
    filler = line * (SHORT_BYTES // len(line) + 1)
    long = (
        b"first needle\n" + filler * 10 + b"\x1b[1msecond needle\x1b[0m\n" + filler * 10 + b"needle"
    )
    outputs = PlannedOutputs([b"needle\n", long, b"needle\n"])
    search = LogSearch(outputs)
    assert len(long) > 2 * WINDOW_BYTES
    expected = plainly([b"needle\n", long, b"needle\n"])
    page = await search.find(HERE, "needle")
    assert [(it.output.job_number, it.line) for it in page.lines] == expected
    assert page.following is None
    assert outputs.largest <= WINDOW_BYTES
    found, at = [], None
    for _ in range(len(expected)):
        page = await search.find(HERE, "needle", at=at, most=1)
        found += [(it.output.job_number, it.line) for it in page.lines]
        at = page.following
    assert found == expected


async def test_a_line_longer_than_a_window_is_found_once_wherever_the_match_lies() -> None:
    cut = b"x" * (WINDOW_BYTES - 3) + b"needle" + b"y" * WINDOW_BYTES + b"needle\nneedle\n"
    page = await LogSearch(PlannedOutputs([cut])).find(HERE, "needle")
    assert [it.line for it in page.lines] == [0, 1]
    assert len(page.lines[0].text) < 1000


async def test_one_call_looks_through_so_many_bytes_and_says_where_it_stopped() -> None:
    outputs = PlannedOutputs([b"nothing here\n" * 1000] * 20 + [b"needle\n"])
    search = LogSearch(outputs)
    calls, at = 0, None
    while True:
        before = outputs.read
        page = await search.find(HERE, "needle", at=at, share=MOST_BYTES // 50_000)
        calls += 1
        assert outputs.read - before < 100_000
        if page.lines:
            break
        assert page.following is not None
        at = page.following
    assert calls > 3


async def test_of_one_step_only_so_many_lines_are_taken() -> None:
    loud = b"needle\n" * 1000
    outputs = PlannedOutputs([loud, loud * 200, b"needle\n"])
    page = await LogSearch(outputs).find(HERE, "needle", most_in_step=2)
    assert [it.output.job_number for it in page.lines] == [3, 3, 2, 2, 1]
    assert outputs.read < len(loud) + WINDOW_BYTES + 10


@pytest.mark.parametrize("text", ["", "ab", "x" * (LONGEST + 1), "two\nlines"])
async def test_a_text_that_finds_nothing_useful_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="q: give"):
        await LogSearch(PlannedOutputs([])).find(HERE, text)


@pytest.mark.parametrize(
    "text", ["1", "1.2.3.4", "1.2.3.4.-5", "1.2.3.4.5.6", "٣.1.1.1.1", "9" * 99]
)
def test_a_place_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="begin the search again"):
        SearchPlace.read(text)
