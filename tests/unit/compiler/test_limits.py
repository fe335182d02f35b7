"""Configs that ask for too much are refused with a message, and cost little memory.

Each is compiled in a process of its own, see `confined`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from roundel.compiler import compile_config
from tests.unit.compiler.confined import Outcome, compiled_in_confinement

HEAD = "version: 2.1\n"
JOB = "jobs:\n  build: {machine: true, steps: [checkout]}\n"

Refused = Callable[[str], str]
Accepted = Callable[[str], Outcome]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    def refuse(text: str) -> str:
        outcome = compiled_in_confinement(text, tmp_path)
        assert outcome.jobs is None
        return "\n".join(outcome.messages)

    return refuse


@pytest.fixture
def accepted(tmp_path: Path) -> Accepted:
    def accept(text: str) -> Outcome:
        outcome = compiled_in_confinement(text, tmp_path)
        assert outcome.jobs is not None, outcome.messages
        return outcome

    return accept


def chained(count: int, first: str, body: str) -> str:
    lines = [HEAD, "commands:\n", first]
    lines += [body.format(n=n, m=n - 1) for n in range(1, count)]
    return "".join(lines)


def build(step: str) -> str:
    return f"jobs:\n  build: {{machine: true, steps: [{step}]}}\n"


def test_commands_that_multiply_are_stopped(refused: Refused) -> None:
    text = chained(20, "  c0: {steps: [checkout]}\n", "  c{n}: {{steps: [c{m}, c{m}, c{m}]}}\n")
    assert "expands to more than" in refused(text + build("c19"))


def test_commands_that_multiply_beyond_the_depth_are_stopped(refused: Refused) -> None:
    text = chained(200, "  c0: {steps: [checkout]}\n", "  c{n}: {{steps: [c{m}, c{m}]}}\n")
    assert "more than 100 levels deep" in refused(text + build("c199"))


def test_text_that_doubles_is_stopped(refused: Refused) -> None:
    parameters = "parameters: {x: {type: string}}"
    first = f"  c0: {{{parameters}, steps: [run: << parameters.x >>]}}\n"
    body = (
        "  c{n}: {{parameters: {{x: {{type: string}}}}, steps:"
        " [c{m}: {{x: << parameters.x >><< parameters.x >>}}]}}\n"
    )
    assert "characters" in refused(chained(40, first, body) + build("c39: {x: abc}"))


def test_steps_arguments_that_double_are_stopped(refused: Refused) -> None:
    first = "  c0: {parameters: {x: {type: steps}}, steps: << parameters.x >>}\n"
    body = (
        "  c{n}: {{parameters: {{x: {{type: steps}}}}, steps:"
        " [c{m}: {{x: [steps: << parameters.x >>, steps: << parameters.x >>]}}]}}\n"
    )
    assert "more than" in refused(chained(40, first, body) + build("c39: {x: [checkout]}"))


def matrix(axes: str, exclude: str = "") -> str:
    return (
        f"{HEAD}jobs:\n  t: {{parameters: {{a: {{type: integer}}, b: {{type: integer}}}},"
        " machine: true, steps: [checkout]}\n"
        f"workflows: {{w: {{jobs: [t: {{matrix: {{parameters: {{{axes}}}{exclude}}}}}]}}}}\n"
    )


HUNDRED = ", ".join(map(str, range(100)))


def test_a_matrix_of_ten_thousand_members_compiles(accepted: Accepted) -> None:
    result = accepted(matrix(f"a: [{HUNDRED}], b: [{HUNDRED}]"))
    assert result.jobs == 10_000


def test_a_larger_matrix_is_refused_before_it_is_made(refused: Refused) -> None:
    axes = ", ".join(f"p{n}: [1, 2, 3, 4, 5, 6, 7, 8, 9]" for n in range(60))
    assert "Matrices cannot generate more than 10000 jobs." in refused(matrix(axes))


def test_many_exclusions_take_no_time(accepted: Accepted) -> None:
    entries = ", ".join(f"{{a: {n % 100}, b: {n // 100}}}" for n in range(9_990))
    result = accepted(matrix(f"a: [{HUNDRED}], b: [{HUNDRED}]", f", exclude: [{entries}]"))
    assert result.jobs == 10


@pytest.mark.parametrize(
    "condition",
    [
        "true" + " and true" * 30_000,
        "true" + " == true" * 30_000,
        "not " * 30_000 + "true",
        "(" * 50 + "true" + ")" * 50,
    ],
)
def test_long_expressions_are_evaluated(condition: str, accepted: Accepted) -> None:
    accepted(f"{HEAD}{JOB}workflows: {{w: {{when: '{condition}', jobs: [build]}}}}\n")


def test_deep_expressions_are_refused(refused: Refused) -> None:
    condition = "(" * 5000 + "true" + ")" * 5000
    text = f"{HEAD}{JOB}workflows: {{w: {{when: '{condition}', jobs: [build]}}}}\n"
    assert "nested too deeply" in refused(text)


def test_a_pattern_that_would_take_for_ever_elsewhere_is_matched(accepted: Accepted) -> None:
    statement = f"{{matches: {{pattern: '(a|a)*(a|aa)+$', value: '{'a' * 100_000}'}}}}"
    accepted(f"{HEAD}{JOB}workflows: {{w: {{when: {statement}, jobs: [build]}}}}\n")


def test_a_pattern_that_needs_too_much_memory_is_refused(refused: Refused) -> None:
    statement = "{matches: {pattern: '((((x{1,1000}){1,1000}){1,1000}))', value: x}}"
    text = f"{HEAD}{JOB}workflows: {{w: {{when: {statement}, jobs: [build]}}}}\n"
    assert "Invalid regular expression" in refused(text)


def test_a_long_tag_is_refused(refused: Refused) -> None:
    text = HEAD + build(f"run: 'echo << {'a' * 2_048} >>'")
    assert "Expressions must be less than 2048 characters" in refused(text)


def test_sections_are_nested_only_so_deep(refused: Refused) -> None:
    assert "nested too deeply" in refused(HEAD + build(f"run: '{'<<# a >>' * 20_000}'"))


def test_many_tags_in_one_text_are_filled(accepted: Accepted) -> None:
    accepted(HEAD + build(f"run: '{'<< pipeline.id >>' * 20_000}'"))


def test_long_chains_of_jobs_are_ordered(accepted: Accepted) -> None:
    entries = ", ".join(f"build: {{name: j{n}, requires: [j{n - 1}]}}" for n in range(1, 5_000))
    accepted(f"{HEAD}{JOB}workflows: {{w: {{jobs: [build: {{name: j0}}, {entries}]}}}}\n")


def test_many_jobs_of_one_name_are_told_apart(accepted: Accepted) -> None:
    jobs = (
        "jobs: {t: {parameters: {a: {type: integer}}, machine: true,"
        " steps: [run: echo << parameters.a >>]}}\n"
    )
    entries = ", ".join(f"t: {{name: j, a: {n}}}" for n in range(4_000))
    result = accepted(f"{HEAD}{jobs}workflows: {{w: {{jobs: [{entries}]}}}}\n")
    assert result.jobs == 4_000


def test_the_same_problem_is_told_once_and_many_are_counted() -> None:
    entries = ", ".join(f"nope{n}" for n in range(1_000))
    result = compile_config(f"{HEAD}{JOB}workflows: {{w: {{jobs: [{entries}, nope1]}}}}\n")
    assert len(result.problems) == 201
    assert result.problems[-1].message == "801 more problems are not shown."
