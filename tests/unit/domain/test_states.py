"""The tables of moves: total, and without a way out of an end."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from roundel.domain.errors import IllegalMove
from roundel.domain.flows import WORKFLOW_ENDED, WORKFLOW_MOVES, WorkflowStatus
from roundel.domain.jobs import (
    ENDED,
    EXECUTION_ENDED,
    EXECUTION_MOVES,
    JOB_MOVES,
    ExecutionStatus,
    JobStatus,
    check_move,
    lane_of,
    merged,
)
from roundel.domain.pipelines import PIPELINE_MOVES, PipelineState

TABLES: list[tuple[type[StrEnum], Mapping[StrEnum, frozenset[StrEnum]], frozenset[StrEnum]]] = [
    (JobStatus, JOB_MOVES, ENDED),  # type: ignore[list-item]  # a table of its own enumeration
    (ExecutionStatus, EXECUTION_MOVES, EXECUTION_ENDED),  # type: ignore[list-item]
    (WorkflowStatus, WORKFLOW_MOVES, WORKFLOW_ENDED),  # type: ignore[list-item]
    (
        PipelineState,
        PIPELINE_MOVES,  # type: ignore[list-item]
        frozenset({PipelineState.CREATED, PipelineState.ERRORED}),
    ),
]


@pytest.mark.parametrize(("statuses", "moves", "ended"), TABLES)
def test_every_status_has_a_row_and_ends_have_no_way_out(
    statuses: type[StrEnum],
    moves: Mapping[StrEnum, frozenset[StrEnum]],
    ended: frozenset[StrEnum],
) -> None:
    assert set(moves) == set(statuses)
    assert {status for status, ways in moves.items() if not ways} == ended


def test_a_move_that_the_table_lacks_is_refused() -> None:
    with pytest.raises(IllegalMove, match="'build' cannot go from success to running"):
        check_move("build", JobStatus.SUCCESS, JobStatus.RUNNING)


@pytest.mark.parametrize(
    ("nodes", "job"),
    [
        (["success", "success"], "success"),
        (["success", "failed"], "failed"),
        (["canceled", "timedout"], "timedout"),
        (["infrastructure_fail", "failed"], "infrastructure_fail"),
    ],
)
def test_a_job_is_what_its_worst_node_is(nodes: list[str], job: str) -> None:
    assert merged([ExecutionStatus(node) for node in nodes]) == job


def test_a_job_with_an_open_node_has_no_result_yet() -> None:
    assert merged([ExecutionStatus.FAILED, ExecutionStatus.RUNNING]) is None


def test_other_systems_and_classes_with_a_namespace_have_queues_of_their_own() -> None:
    assert lane_of("acme/gpu", "machine") == "acme/gpu"
    assert lane_of("large", "machine") == lane_of(None, "machine") == "machine"
    assert lane_of("windows.large", "machine") == lane_of("windows.large") == "windows.large"
    assert lane_of("m4pro.medium", "macos") == lane_of("m4pro.medium") == "m4pro.medium"
    assert lane_of("macos.m1.medium.gen1") == "macos.m1.medium.gen1"
    assert lane_of(None, "macos") == "macos"
    assert lane_of("medium") == ""
    assert lane_of("acme/gpu") == "acme/gpu"
    assert lane_of("large") == ""
    assert lane_of(None) == ""
