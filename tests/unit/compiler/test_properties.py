"""What holds for every config: it is compiled the same twice, and to itself, and never raises."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roundel.compiler import compile_config, render_problem

OWN = sorted(Path(__file__).parents[2].joinpath("compile").glob("[0-9]*.yml"))
TEXTS = [file.read_text().split("#=== ")[0] for file in OWN]
VALUES = {"pipeline.git.branch": "main", "pipeline.id": "x", "pipeline.number": 1}

REPLACEMENTS = (
    "null", "[]", "{}", "1", "true", '"x"', "[1, 2]", "{a: b}", "<< parameters.x >>",
    "<< pipeline.id >>", "[[]]", "[null]", "-1", "1.5", ".nan", "[{}]", "~", '"<<"', "<<# a >>",
    "*x", "&x y", "[{a: 1, b: 2}]", "[<< parameters.steps >>]", "!x y", "? z",
)  # fmt: skip
WORDS = (
    "build", "steps", "run", "jobs", "name", "type", "string", "docker", "requires", "when",
    "executor", "matrix", "<<", "parameters", "environment", "filters", "orbs", "commands",
)  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """Return a text with a few lines spoilt."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        line = lines[at]
        kind = chance.randrange(8)
        if kind == 0:
            lines[at] = lines[chance.randrange(len(lines))]
        elif kind == 1:
            lines[at] = line.replace(":", "", 1)
        elif kind == 2:
            lines[at] = "  " + line
        elif kind == 3:
            lines[at] = line.removeprefix("  ")
        elif kind == 4:
            lines[at] = line.split(":")[0] + ": " + chance.choice(REPLACEMENTS)
        elif kind == 5:
            lines[at] = line.replace(chance.choice(WORDS), chance.choice(WORDS))
        elif kind == 6 and line:
            cut = chance.randrange(len(line))
            lines[at] = line[:cut] + chance.choice("<>{}[]:,-#&*!|%@`\"'\\ \té\u2028") + line[cut:]
        else:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], line
    return "\n".join(lines)


def check(text: str) -> None:
    result = compile_config(text, values=VALUES)
    for problem in result.problems:
        render_problem(problem)
        assert problem.message
    if result.output is None:
        assert result.plan is None
        assert result.errors
        return
    assert not result.errors
    twice = compile_config(text, values=VALUES)
    assert twice.output == result.output
    assert twice.plan == result.plan
    again = compile_config(result.output, values=VALUES)
    assert again.output == result.output, [p.message for p in again.errors]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TEXTS), st.randoms(use_true_random=False))
def test_no_spoilt_config_raises_anything_but_problems(text: str, chance: random.Random) -> None:
    check(mutated(text, chance))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_no_text_at_all_raises_anything_but_problems(text: str) -> None:
    check(text)
    check("version: 2.1\n" + text)


@settings(max_examples=200, deadline=None)
@given(st.text("<>#^/ ab.\"'()=!&\\\n", max_size=60))
def test_no_template_raises_anything_but_problems(text: str) -> None:
    body = text.replace("'", "''")
    check(f"version: 2.1\njobs: {{build: {{machine: true, steps: [run: '{body}']}}}}\n")
    check(
        "version: 2.1\njobs: {build: {machine: true, steps: [checkout]}}\n"
        f"workflows: {{w: {{when: '{body}', jobs: [build]}}}}\n"
    )


@pytest.mark.parametrize("text", TEXTS, ids=[file.stem for file in OWN])
def test_own_cases_compile_to_themselves(text: str) -> None:
    if "orbs:" not in text:
        check(text)


@pytest.mark.parametrize(
    ("old", "new"), [("who", "subject"), ("loud", "l0_ud-er"), ("times", "zzz")]
)
def test_renaming_a_parameter_everywhere_changes_nothing(old: str, new: str) -> None:
    text = next(t for t, file in zip(TEXTS, OWN, strict=True) if "commands_take" in file.stem)
    renamed = (
        text.replace(f"parameters.{old}", f"parameters.{new}")
        .replace(f"{old}: ", f"{new}: ")
        .replace(f"{{{old}:", f"{{{new}:")
    )
    assert renamed != text
    assert compile_config(renamed).output == compile_config(text).output
