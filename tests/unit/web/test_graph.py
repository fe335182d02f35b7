"""The graph of jobs: columns by what is waited for, matrices folded, the critical path marked."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.clock import SECOND, Micros
from roundel.domain.ids import JobId, ProjectId, WorkflowId
from roundel.domain.jobs import Job, JobStatus
from roundel.domain.plan import JobType, Place, Requirement
from roundel.domain.views import SlotView
from roundel.web.gantt import WIDTH, timeline
from roundel.web.graph import NODE_HEIGHT, NODE_WIDTH, critical_path, draw, groups_of

AT = 1_800_000_000 * SECOND


def slots(*texts: str, **times: tuple[float, float]) -> list[SlotView]:
    """Slots such as `deploy<build`; a job's times are seconds after the beginning."""
    made = []
    for text in texts:
        name, _, needs = text.partition("<")
        begun, ended = times.get(name, (None, None))
        required = tuple(needs.split(",")) if needs else ()
        job = Job(
            id=JobId(name),
            project_id=ProjectId("p"),
            workflow_id=WorkflowId("w"),
            name=name,
            type=JobType.BUILD,
            status=JobStatus.BLOCKED if begun is None else JobStatus.SUCCESS,
            plan_key=name,
            created_at=Micros(AT),
            queued_at=None if begun is None else Micros(AT + int(begun * SECOND)),
            started_at=None if begun is None else Micros(AT + int(begun * SECOND)),
            stopped_at=None if ended is None else Micros(AT + int(ended * SECOND)),
        )
        made.append(
            SlotView(
                job=job,
                requires=tuple(Requirement(job=need) for need in required),
                dependencies=tuple(map(JobId, required)),
            )
        )
    return made


def columns(*texts: str) -> dict[str, int]:
    drawing = draw(groups_of(slots(*texts), {}, fold=True), frozenset())
    lefts = sorted({node.x for node in drawing.nodes})
    return {node.group.name: lefts.index(node.x) for node in drawing.nodes}


def test_a_job_stands_behind_all_that_it_waits_for() -> None:
    assert columns("a", "b<a", "c<a,b", "d") == {"a": 0, "b": 1, "c": 2, "d": 0}


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_no_two_jobs_share_a_place_and_no_way_leads_back(picks: list[int]) -> None:
    texts = [f"j{at}" + (f"<j{pick % at}" if at and pick else "") for at, pick in enumerate(picks)]
    drawing = draw(groups_of(slots(*texts), {}, fold=True), frozenset())
    boxes = [(node.x, node.y) for node in drawing.nodes]
    for x, y in boxes:
        assert 0 <= x <= drawing.width - NODE_WIDTH
        assert 0 <= y <= drawing.height - NODE_HEIGHT
        near = [other for other in boxes if other[0] == x and abs(other[1] - y) < NODE_HEIGHT]
        assert near == [(x, y)]
    for edge in drawing.edges:
        numbers = [int(it) for it in re.findall(r"-?\d+", edge.path)]
        assert numbers[0] < numbers[-2]


def test_a_way_over_several_columns_leads_around_the_jobs_between() -> None:
    drawing = draw(groups_of(slots("a", "b<a", "c<a,b"), {}, fold=True), frozenset())
    (middle,) = [node for node in drawing.nodes if node.group.name == "b"]
    (long,) = [edge for edge in drawing.edges if "H" in edge.path]
    level = int(re.findall(r"(\d+)H", long.path)[0])
    assert not middle.y <= level <= middle.y + NODE_HEIGHT


def test_cells_of_one_matrix_are_one_node_and_can_be_unfolded() -> None:
    place = Place(file="config.yml", line=9, column=9)
    cells = slots("a", "t-1<a", "t-2<a", "t-3<a", "t-4<a", "z<t-1,t-2,t-3,t-4")
    places = {f"t-{number}": place for number in range(1, 5)}
    folded = groups_of(cells, places, fold=True)
    assert [(it.name, len(it.jobs)) for it in folded] == [("a", 1), ("t", 4), ("z", 1)]
    assert folded[2].requires == {1}
    assert len(groups_of(cells, places, fold=False)) == 6
    few = groups_of(cells[:3], places, fold=True)
    assert [len(it.jobs) for it in few] == [1, 1, 1]


def test_a_folded_node_is_called_by_its_worst_cell() -> None:
    place = Place(file="config.yml", line=9, column=9)
    cells = slots("t-1", "t-2", "t-3", "t-4", **{"t-1": (0, 1), "t-2": (0, 1)})
    (group,) = groups_of(cells, dict.fromkeys(("t-1", "t-2", "t-3", "t-4"), place), fold=True)
    assert (group.tone, group.tones) == ("off", (("off", 2), ("ok", 2)))


def test_the_critical_path_leads_back_from_what_ended_last() -> None:
    times = {"a": (0.0, 1.0), "b": (0.0, 3.0), "c": (3.0, 4.0), "d": (1.0, 2.0)}
    made = slots("a", "b", "c<a,b", "d<a", **times)
    assert critical_path(made) == {"b", "c"}


@pytest.mark.parametrize("times", [{"a": (0.0, 1.0)}, {"a": (0.0, 1.0), "b": (1.0, None)}])
def test_nothing_is_critical_while_something_goes_on(times: dict[str, tuple[float, float]]) -> None:
    assert critical_path(slots("a", "b<a", **times)) == frozenset()


def test_a_timeline_shows_each_job_where_it_ran() -> None:
    made = slots("a", "b<a", "c<b", a=(0.0, 5.0), b=(5.0, 10.0))
    shown = timeline(made, Micros(AT), Micros(AT + 10 * SECOND), frozenset())
    assert [(bar.job.name, bar.x, bar.width) for bar in shown.bars] == [
        ("a", 0.0, WIDTH / 2),
        ("b", WIDTH / 2, WIDTH / 2),
    ]
    assert [mark.label for mark in shown.marks] == ["0", "2s", "4s", "6s", "8s", "10s"]


def test_a_timeline_of_days_has_few_marks() -> None:
    shown = timeline([], Micros(AT), Micros(AT + 40 * 86400 * SECOND), frozenset())
    assert 2 <= len(shown.marks) <= 41
