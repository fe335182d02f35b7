"""What a local run prints where there is no terminal to draw on."""

import pytest

from roundel.app.local_events import JobEnded, OutputLine, StepTold, Task
from roundel.cli.run_output import Plain
from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId, JobId
from roundel.domain.runners import StepReport, StepStatus
from roundel.runner.opening import SPIN_UP

TASK = Task(
    execution=ExecutionId("e"), job=JobId("j"), name="build", label="build", number=1, node=0
)
WHY = "The image cimg/none:1 cannot be had: no such image."


def told(status: StepStatus, name: str = SPIN_UP) -> StepTold:
    report = StepReport(
        index=0, name=name, kind="spin_up", status=status, command="", started_at=Micros(1)
    )
    return StepTold(task=TASK, report=report)


def ended(message: str | None, status: str = "infrastructure_fail") -> JobEnded:
    return JobEnded(task=TASK, status=status, message=message, at=Micros(2))


def line(text: str) -> OutputLine:
    return OutputLine(task=TASK, step=0, text=text)


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [it.partition("│ ")[2] for it in capsys.readouterr().out.splitlines()]


def test_why_there_is_no_environment_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain()
    for event in (told(StepStatus.RUNNING), line(WHY), told(StepStatus.INFRASTRUCTURE_FAIL)):
        plain.hear(event)
    plain.hear(ended(WHY))
    assert printed(capsys) == [f"✗ infrastructure_fail: {WHY}"]
    for event in (told(StepStatus.RUNNING), line(WHY), told(StepStatus.INFRASTRUCTURE_FAIL)):
        plain.hear(event)
    plain.hear(ended(WHY))
    assert printed(capsys) == ["✗ infrastructure_fail again"]
    plain.hear(ended("Another reason."))
    assert printed(capsys) == ["✗ infrastructure_fail: Another reason."]


def test_what_else_the_environment_said_stands_before_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = Plain()
    plain.hear(told(StepStatus.RUNNING))
    for text in ("Pulling cimg/none:1", WHY, "The registry said: \x1b[2Jgone"):
        plain.hear(line(text))
    plain.hear(told(StepStatus.INFRASTRUCTURE_FAIL))
    plain.hear(ended(f"{WHY}\nThe registry said: \x1b[2Jgone\n"))
    assert printed(capsys) == [
        "▸ Spin up environment",
        "Pulling cimg/none:1",
        f"✗ infrastructure_fail: {WHY}",
        "The registry said: gone",
    ]


def test_an_environment_that_was_made_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain()
    for event in (told(StepStatus.RUNNING), line("as processes"), told(StepStatus.SUCCESS)):
        plain.hear(event)
    plain.hear(ended("the end", "success"))
    assert printed(capsys) == ["✓ success"]
