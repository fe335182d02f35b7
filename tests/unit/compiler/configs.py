"""Small configs for tests: one job with given steps, one workflow with given jobs."""

from typing import Any

from roundel.compiler import Compiled, Options, OrbSource, ResolvedOrb, compile_config
from roundel.domain.plan import StepPlan

VALUES = {"pipeline.git.branch": "main", "pipeline.number": 7, "pipeline.id": "an-id"}

# A config that uses an orb.
USES = "version: 2.1\norbs: {t: acme/tools@1}\njobs: {build: {machine: true, steps: [t/x]}}\n"


class TextOrbs:
    """Orbs given as texts by their exact references; counts what was asked for."""

    def __init__(self, **texts: str) -> None:
        self.texts = {name.replace("__", "/").replace("_v", "@"): t for name, t in texts.items()}
        self.asked: list[str] = []

    def resolve(self, reference: str) -> ResolvedOrb | None:
        self.asked.append(reference)
        text = self.texts.get(reference)
        if text is None:
            return None
        return ResolvedOrb(reference=reference, text=text, digest=str(hash(text)))


def compiled(text: str, orbs: OrbSource | None = None, **given: Any) -> Compiled:
    """Compile a 2.1 config without its first line."""
    options = Options(trace=given.pop("trace", False), process=given.pop("process", False))
    return compile_config(
        "version: 2.1\n" + text,
        parameters=given.pop("parameters", None),
        values=given.pop("values", VALUES),
        orbs=orbs,
        options=options,
    )


def steps_of(steps: str, extra: str = "") -> tuple[StepPlan, ...]:
    """Return the steps of a job with these steps."""
    result = compiled(f"{extra}\njobs: {{build: {{machine: true, steps: [{steps}]}}}}\n")
    assert result.plan is not None, problems(result)
    return result.plan.jobs["build"].steps


def commands_of(steps: str, extra: str = "") -> list[object]:
    """Return the commands of a job with these steps."""
    return [step.args.get("command", step.kind) for step in steps_of(steps, extra)]


def problems(result: Compiled) -> list[str]:
    """Return the last line of every error: what is wrong, without where it was called from."""
    return [problem.lines[-1] for problem in result.errors]


def problem_of_step(step: str, extra: str = "") -> str:
    """Return the only problem of a job with this step."""
    result = compiled(f"{extra}\njobs: {{build: {{machine: true, steps: [{step}]}}}}\n")
    (problem,) = problems(result)
    return problem
