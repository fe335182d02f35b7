"""What a `run` step asks for."""

import pytest

from roundel.backends.protocol import Facts
from roundel.domain.plan import Json, StepPlan
from roundel.runner.steps.plan import Process, Refusal
from roundel.runner.steps.run import run_step

FACTS = Facts(bash=True, git=True, ssh=True)


def asked(**args: Json) -> Process | Refusal:
    return run_step(StepPlan(kind="run", name="x", args={"command": "x", **args}), None, FACTS)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1200", 1200.0), (1200, 1200.0), ("1.5", 1.5), ("20m", 1200.0), ("1h30m", 5400.0)],
)
def test_silence_is_bounded_in_units_or_in_seconds(written: Json, seconds: float) -> None:
    process = asked(no_output_timeout=written)
    assert isinstance(process, Process)
    assert process.no_output_seconds == seconds


@pytest.mark.parametrize("written", ["5x", "", "-5", "nan"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    refusal = asked(no_output_timeout=written)
    assert isinstance(refusal, Refusal)
    assert "is not a duration" in refusal.why
