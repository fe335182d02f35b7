"""What the live view knows and draws."""

from dataclasses import replace

from rich.console import Console

from roundel.app.local_events import (
    JobBegan,
    JobEnded,
    JobStands,
    OutputLine,
    StepTold,
    Task,
    WorkflowStands,
)
from roundel.cli.board import Board
from roundel.cli.screen import Choice, Picture
from roundel.domain.clock import SECOND, Micros
from roundel.domain.ids import ExecutionId, JobId, WorkflowId
from roundel.domain.runners import StepReport, StepStatus
from roundel.runner.opening import SPIN_UP


def stands(name: str, status: str = "blocked", *requires: str, job: str = "") -> JobStands:
    return JobStands(
        job=JobId(job or name), name=name, type="build", status=status, requires=requires
    )


def workflow(*jobs: JobStands, id: str = "w1", status: str = "running") -> WorkflowStands:
    return WorkflowStands(workflow=WorkflowId(id), name="main", status=status, jobs=jobs)


def a_task(name: str, node: int = 0, nodes: int = 1) -> Task:
    label = name if nodes == 1 else f"{name}[{node}]"
    execution = ExecutionId(f"{name}-{node}")
    return Task(execution=execution, job=JobId(name), name=name, label=label, number=1, node=node)


def picture(board: Board, choice: Choice, width: int = 60, height: int = 16) -> list[str]:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(Picture(board, choice, 5 * SECOND), end="")
    return captured.get().split("\n")


def test_each_job_stands_below_the_last_of_those_that_it_requires() -> None:
    board = Board()
    board.hear(
        workflow(stands("a"), stands("b"), stands("c", "blocked", "a", "b"), stands("d", "", "c"))
    )
    assert [(row.name, row.depth) for row in board.rows] == [("a", 0), ("b", 0), ("c", 1), ("d", 2)]


def test_a_job_shows_its_time_and_its_output() -> None:
    board = Board()
    board.hear(workflow(stands("build")))
    board.hear(JobBegan(task=a_task("build"), at=Micros(SECOND)))
    board.hear(OutputLine(task=a_task("build"), step=2, text="\x1b[2Jhello\x1b[1A"))
    lines = picture(board, Choice(job="build"))
    assert lines[1].rstrip() == "▶ ● build  running  0:04"
    assert lines[3].rstrip() == "hello"


def test_a_job_that_begins_before_its_workflow_is_told_of_stands_once() -> None:
    board = Board()
    board.hear(JobBegan(task=a_task("build"), at=Micros(SECOND)))
    board.hear(workflow(stands("build"), stands("test", "blocked", "build")))
    board.hear(JobEnded(task=a_task("build"), status="success", message=None, at=Micros(SECOND)))
    assert [(row.name, row.status, row.depth) for row in board.rows] == [
        ("build", "success", 0),
        ("test", "blocked", 1),
    ]
    assert picture(board, Choice(job="build"))[0].rstrip() == "main  running"


def test_why_there_is_no_environment_is_told_once() -> None:
    board, task, why = Board(), a_task("build"), "The image cannot be had."
    steps = (StepStatus.RUNNING, StepStatus.INFRASTRUCTURE_FAIL)
    began, failed = (StepTold(task=task, report=a_spin_up(status)) for status in steps)
    for event in (workflow(stands("build")), JobBegan(task=task, at=Micros(0)), began):
        board.hear(event)
    board.hear(OutputLine(task=task, step=0, text=why))
    board.hear(failed)
    end = JobEnded(task=task, status="infrastructure_fail", message=why, at=Micros(SECOND))
    board.hear(end)
    assert list(board.rows[0].lines) == ["\x1b[1m▸ Spin up environment\x1b[0m", why]
    board.hear(replace(end, message="Another reason."))
    assert board.rows[0].lines[-1] == "\x1b[31mAnother reason.\x1b[0m"


def a_spin_up(status: StepStatus) -> StepReport:
    return StepReport(index=0, name=SPIN_UP, kind="spin_up", status=status, started_at=Micros(1))


def test_a_picture_is_as_large_as_the_terminal_whatever_was_said() -> None:
    board = Board()
    board.hear(workflow(*(stands(f"job-{n}") for n in range(40))))
    for n in range(200):
        board.hear(OutputLine(task=a_task("job-7"), step=2, text="wide\t" * n + "漢字"))
    for width, height in ((80, 24), (20, 6), (200, 50)):
        lines = picture(board, Choice(job="job-7"), width, height)
        assert len(lines) == height
        assert any("▶" in line for line in lines)


def test_the_output_of_several_nodes_tells_them_apart() -> None:
    board = Board()
    board.hear(workflow(stands("test")))
    for node in (0, 1):
        board.hear(OutputLine(task=a_task("test", node, 2), step=2, text="said"))
    assert list(board.rows[0].lines) == ["0 │ said", "1 │ said"]


def test_what_a_rerun_keeps_shows_what_it_said_before() -> None:
    board = Board()
    board.hear(workflow(stands("build"), stands("test")))
    task = a_task("build")
    board.hear(JobBegan(task=task, at=Micros(0)))
    board.hear(OutputLine(task=task, step=2, text="built"))
    board.hear(JobEnded(task=task, status="success", message=None, at=Micros(SECOND)))
    again = workflow(stands("build", "success"), stands("test", job="test-2"), id="w2")
    board.hear(again)
    kept = next(row for row in board.rows if row.workflow == "w2" and row.name == "build")
    assert (list(kept.lines), kept.ended) == (["built"], SECOND)
    assert board.workflows["w2"][0] == "main (run 2)"
