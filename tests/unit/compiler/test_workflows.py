"""Workflows: conditions, matrices, requirements, filters."""

import pytest

from roundel.compiler.filters import accepts
from roundel.compiler.matrix import member_name
from tests.unit.compiler.configs import compiled, problems

JOBS = """
jobs:
  a: {machine: true, steps: [checkout]}
  b: {machine: true, steps: [checkout]}
  p: {parameters: {x: {type: string}}, machine: true, steps: [run: << parameters.x >>]}
"""


def slots(jobs: str, **given: object) -> list[str]:
    result = compiled(f"{JOBS}workflows: {{w: {{jobs: [{jobs}]}}}}\n", **given)
    assert result.plan is not None, problems(result)
    return [
        slot.name + "".join(f"<{r.job}" for r in slot.requires)
        for workflow in result.plan.workflows
        for slot in workflow.slots
        if slot.excluded is None
    ]


def refusals(jobs: str) -> list[str]:
    return problems(compiled(f"{JOBS}workflows: {{w: {{jobs: [{jobs}]}}}}\n"))


def test_requirements_are_matched_before_names_are_made_unique() -> None:
    assert slots("p: {x: '1'}, p: {x: '2', requires: [p]}") == ["p-1", "p-2<p-1"]


def test_one_member_of_a_matrix_can_be_required() -> None:
    matrix = "p: {matrix: {parameters: {x: [one, two]}}}"
    assert slots(f"{matrix}, a: {{requires: [p-two]}}") == ["p-one", "p-two", "a<p-two"]


def test_all_members_are_required_by_the_name_of_the_job_its_name_or_an_alias() -> None:
    axes = "parameters: {x: [one, two]}"
    assert slots(f"p: {{matrix: {{{axes}}}}}, a: {{requires: [p]}}")[-1] == "a<p-one<p-two"
    literal = f"p: {{name: n, matrix: {{{axes}}}}}, a: {{requires: [n]}}"
    assert slots(literal) == ["n-1", "n-2", "a<n-1<n-2"]
    aliased = f"p: {{matrix: {{alias: all, {axes}}}}}, a: {{requires: [all]}}"
    assert slots(aliased)[-1] == "a<p-one<p-two"


def test_a_matrix_argument_that_is_also_given_is_taken_as_given() -> None:
    given = "p: {x: << matrix.x >>-y, matrix: {parameters: {x: [one]}}}"
    assert slots(given) == ["p-one"]


def test_members_are_named_in_alphabetical_order_of_the_parameters() -> None:
    member = {"os": "linux", "arch": "arm", "ok": True, "exec": None}
    assert member_name("t", member) == "t-arm--true-linux"
    assert member_name("t", member, declared_order=True) == "t-linux-arm-true-"


@pytest.mark.parametrize(
    ("jobs", "problem"),
    [
        ("c", "Cannot find a definition for job named c"),
        (
            "a: {requires: [x]}",
            "Job 'a' requires 'x', which is the name of 0 other jobs in workflow 'w'",
        ),
        (
            "a: {requires: [a]}",
            "Job 'a' requires 'a', which is the name of 0 other jobs in workflow 'w'",
        ),
        ("a: {requires: [b: sometimes]}, b", "sometimes is not a valid enum value"),
        ("a: {x: 1}", "Unexpected argument(s): x"),
        ("p", "Missing required argument(s): x"),
        ("p: {matrix: {parameters: {x: word}}}", "expected type: Sequence, found: String"),
        ("p: {matrix: {axes: {}}}", "extraneous key [axes] is not permitted"),
        ("p: {matrix: 7}", "expected type: Mapping, found: Integer"),
        ("a: {serial-group: 'a b'}", "serial-group must match ^[A-Za-z0-9._/-]{1,512}$"),
        ("a: {type: approval, pre-steps: []}", "An approval job cannot have pre-steps"),
        ("a: 7", "expected type: Mapping, found: Integer"),
        ("7", "expected type: String, found: Integer"),
        ("{a: {}, b: {}}", "A job in a workflow must have exactly one key, found: a, b"),
        ("a: {filters: pipeline.git.brunch == 1}", "^^^^^^^^^^^^^^^^^^^"),
        ("a: {name: [x]}", "expected type: String, found: Sequence"),
    ],
)
def test_a_wrong_invocation_is_told(jobs: str, problem: str) -> None:
    assert problem in refusals(jobs)


def test_a_job_that_is_unknown_is_not_told_again_where_it_is_required() -> None:
    assert refusals("nope, a: {requires: [nope]}") == [
        "Cannot find a definition for job named nope"
    ]


@pytest.mark.parametrize(
    ("rule", "name", "passes"),
    [
        ({"only": "main"}, "main", True),
        ({"only": "main"}, "mainly", False),
        ({"only": ["a", "/v[0-9]+/"]}, "v12", True),
        ({"only": "/v/"}, "v1", False),
        ({"ignore": "/.*/"}, "x", False),
        ({"ignore": ["a"]}, "b", True),
        ({"only": "a", "ignore": "a"}, "a", True),
        ({}, "x", True),
        ("main", "main", True),
        ({"only": 7}, "7", True),
        ({"only": "/(/"}, "(", False),
    ],
)
def test_filters_decide_by_whole_names(rule: object, name: str, passes: bool) -> None:
    assert accepts(rule, name) is passes


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("true", True),
        ("0", False),
        ("{not: ''}", True),
        ("{or: [false, {and: [1, x]}]}", True),
        ("{equal: [1, 1.0]}", False),
        ("{equal: [[a, {b: c}], [a, {b: c}]]}", True),
        ("{matches: {pattern: ma, value: << pipeline.git.branch >>}}", False),
        ("{matches: {pattern: .*, value: << pipeline.git.tag >>}}", False),
        ('pipeline.git.tag != "v1"', False),
        ("not pipeline.git.tag", True),
        ('pipeline.number >= 7 and pipeline.git.branch contains "ai"', True),
        ('<< pipeline.git.branch >> == "x"', True),
    ],
)
def test_conditions_choose_workflows(condition: str, runs: bool) -> None:
    result = compiled(f"{JOBS}workflows: {{w: {{when: {condition!s}, jobs: [a]}}}}\n")
    assert result.plan is not None, problems(result)
    assert bool(result.plan.workflows) is runs
    assert len(result.plan.dropped) == (0 if runs else 1)


@pytest.mark.parametrize(
    "condition",
    [
        "always",
        "[true]",
        "{and: []}",
        "{and: true}",
        "{xor: [1]}",
        "{}",
        "{and: [1], or: [1]}",
        "{matches: {pattern: x}}",
        "{matches: {pattern: 7, value: x}}",
        "{matches: {pattern: x, value: 7}}",
        "{or: [true, {matches: {pattern: '(?=x)', value: x}}]}",
        "pipeline.git.branch = 1",
        "1 > true",
    ],
)
def test_a_wrong_condition_is_told_on_every_branch(condition: str) -> None:
    result = compiled(f"{JOBS}workflows: {{w: {{when: {condition}, jobs: [a]}}}}\n")
    assert len(result.errors) == 1


def test_nothing_left_is_an_error_only_for_those_who_process() -> None:
    text = f"{JOBS}workflows: {{w: {{when: false, jobs: [a]}}}}\n"
    assert compiled(text).plan is not None
    assert compiled(text, process=True).errors[0].code == "all-filtered"


def test_one_job_of_another_name_is_what_runs_without_workflows() -> None:
    result = compiled("jobs: {only: {machine: true, steps: [checkout]}}\n")
    assert result.plan is not None
    assert [slot.name for slot in result.plan.workflows[0].slots] == ["only"]


def test_a_job_that_requires_only_what_is_left_out_is_left_out_too() -> None:
    jobs = "a: {filters: {branches: {only: x}}}, b: {requires: [a]}, p: {x: '1', requires: [b]}"
    result = compiled(f"{JOBS}workflows: {{w: {{jobs: [{jobs}]}}}}\n")
    assert result.plan is not None
    assert [slot.excluded is None for slot in result.plan.workflows[0].slots] == [False] * 3


def test_a_job_runs_without_those_of_its_requirements_that_are_left_out() -> None:
    jobs = "a: {filters: {branches: {only: x}}}, b, p: {x: '1', requires: [a, b]}"
    assert slots(jobs) == ["b", "p<b"]


def test_a_setup_config_has_one_workflow_and_no_schedules() -> None:
    text = f"setup: true\n{JOBS}workflows: {{v: {{jobs: [a]}}, w: {{jobs: [b]}}}}\n"
    (warning,) = compiled(text).problems
    assert warning.message == "A setup configuration should run only one workflow, found: v, w"
    one = f"setup: true\n{JOBS}workflows: {{v: {{when: false, jobs: [a]}}, w: {{jobs: [b]}}}}\n"
    plan = compiled(one).plan
    assert plan is not None
    assert plan.setup


@pytest.mark.parametrize(
    ("triggers", "words"),
    [
        ("7", "expected type: Sequence, found: Integer"),
        ("[{}]", "required key [schedule] not found"),
        ("[schedule: {filters: {branches: {only: x}}}]", "required key [cron] not found"),
        ("[schedule: {cron: '0 0 * * *'}]", "required key [filters] not found"),
        ("[schedule: {cron: '0 0 * * *', filters: {tags: {}}}]", "required key [branches] not"),
        ("[schedule: {cron: hourly, filters: {branches: {}}}]", "hourly is not a valid cron"),
        ("[schedule: {cron: '0 0 * *', filters: {branches: {}}}]", "is not a valid cron"),
    ],
)
def test_a_wrong_schedule_is_told(triggers: str, words: str) -> None:
    result = compiled(f"{JOBS}workflows: {{w: {{triggers: {triggers}, jobs: [a]}}}}\n")
    assert words in "\n".join(problem.message for problem in result.errors)


@pytest.mark.parametrize("cron", ["0 0 * * *", "5,10 1-3 1 JAN MON,FRI", "*/5 * * * 1-5"])
def test_schedules_are_kept_for_the_plan(cron: str) -> None:
    triggers = f"[schedule: {{cron: '{cron}', filters: {{branches: {{only: main}}}}}}]"
    plan = compiled(f"{JOBS}workflows: {{w: {{triggers: {triggers}, jobs: [a]}}}}\n").plan
    assert plan is not None
    assert plan.workflows[0].schedules == (
        {"cron": cron, "filters": {"branches": {"only": "main"}}},
    )
