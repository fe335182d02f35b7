"""The compiled config leads back to the lines that made it."""

from roundel.compiler import compile_config
from roundel.services.plans import encode_plan
from roundel.web.plans import read_plan, with_places

SOURCE = """version: 2.1
commands:
  greet:
    parameters: {who: {type: string}}
    steps:
      - run: echo << parameters.who >>
      - run:
          name: Several lines
          command: |
            - run: this is text
            jobs:
jobs:
  build:
    docker: [{image: x}]
    steps:
      - checkout
      - greet: {who: me}
    environment: {steps: none}
  last:
    docker: [{image: x}]
    steps: [run: "true"]
workflows:
  main:
    jobs: [build, last: {filters: {branches: {only: never}}}]
"""


def test_each_line_of_a_step_leads_to_where_the_step_was_written() -> None:
    compiled = compile_config(SOURCE, values={"pipeline.git.branch": "main"})
    assert compiled.plan is not None and compiled.output is not None, compiled.problems
    plan = read_plan(encode_plan(compiled.plan))
    lines = with_places(compiled.output, plan)
    assert "\n".join(line.text for line in lines) == compiled.output
    found = {line.text.strip(): line.at.line for line in lines if line.at is not None}
    wanted = {text: number for number, text in enumerate(SOURCE.split("\n"), start=1)}
    assert found["command: echo me"] == wanted["      - run: echo << parameters.who >>"]
    assert found["- run: this is text"] == wanted["      - run:"]
    assert found["- checkout"] == wanted["      - checkout"]
    assert found["build:"] == wanted["  build:"] + 1  # where its body begins
    assert "- image: x" not in found


def test_what_does_not_run_is_listed_with_its_reason() -> None:
    compiled = compile_config(SOURCE, values={"pipeline.git.branch": "main"})
    assert compiled.plan is not None
    plan = read_plan(encode_plan(compiled.plan))
    assert plan is not None
    (left_out,) = plan.left_out()
    assert (left_out.workflow, left_out.job) == ("main", "last")
    assert "never" in left_out.reason or "main" in left_out.reason


def test_a_config_without_a_plan_is_shown_without_places() -> None:
    assert [line.at for line in with_places("version: 2\njobs:\n  a:\n", None)] == [None] * 4
    assert read_plan(None) is None
