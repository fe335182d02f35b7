"""Our own cases: `NNN_name.yml` has a config above and what must become of it below.

Sections begin with `#=== name` lines: `with` (parameters, values, orbs, options), `output` (the
processed text), `problems` (as people see them) and `plan` (one line per job that would run).
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from roundel.compiler import Options, ResolvedOrb, compile_config, render_problem
from roundel.domain.plan import Plan

FILES = sorted(Path(__file__).parent.glob("[0-9]*.yml"))


class GivenOrbs:
    """Orbs that a case brings along, by exact reference."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def resolve(self, reference: str) -> ResolvedOrb | None:
        text = self.texts.get(reference)
        if text is None:
            return None
        return ResolvedOrb(reference=reference, text=text, digest=f"digest of {reference}")


def sections(text: str) -> dict[str, str]:
    """Return the parts of a case by name; what is above the first one is the config."""
    parts = {"config": ""}
    name = "config"
    for line in text.splitlines(keepends=True):
        if line.startswith("#=== "):
            name = line[5:].strip()
            parts[name] = ""
        else:
            parts[name] += line
    return parts


def shown_plan(plan: Plan) -> str:
    """Return a plan in few words: jobs with their requirements and reasons, then their steps."""
    lines: list[str] = []
    for workflow in plan.workflows:
        lines.append(f"workflow {workflow.name}")
        for slot in workflow.slots:
            line = f"  {slot.name} [{slot.type.value}]"
            if slot.requires:
                line += " after " + ", ".join(
                    r.job if r.statuses == ("success",) else f"{r.job} ({' '.join(r.statuses)})"
                    for r in slot.requires
                )
            if slot.contexts:
                line += " with " + ", ".join(slot.contexts)
            if slot.serial_group:
                line += f" in turn {slot.serial_group}"
            if slot.excluded:
                line += f" -- {slot.excluded}"
            lines.append(line)
    lines += [f"dropped {dropped.workflow}: {dropped.reason}" for dropped in plan.dropped]
    for name, job in plan.jobs.items():
        lines.append(f"job {name} on {job.executor.kind.value}")
        lines += [
            f"  {step.kind}: {step.name}" + (f" ({step.when})" if step.when != "on_success" else "")
            for step in job.steps
        ]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_config_becomes_what_the_case_says(file: Path) -> None:
    parts = sections(file.read_text())
    given: dict[str, Any] = yaml.safe_load(parts.get("with", "")) or {}
    result = compile_config(
        parts["config"],
        file="config.yml",
        parameters=given.get("parameters"),
        values=given.get("values"),
        orbs=GivenOrbs(given.get("orbs", {})),
        options=Options(**given.get("options", {})),
    )
    problems = "".join(f"{render_problem(problem)}\n" for problem in result.problems)
    assert problems == parts.get("problems", "")
    assert (result.output or "") == parts.get("output", "")
    if "plan" in parts:
        assert result.plan is not None
        assert shown_plan(result.plan) == parts["plan"]


def test_there_are_cases() -> None:
    assert len(FILES) > 20
