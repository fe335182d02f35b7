"""Why something is in the compiled config, and why something else is not."""

import pytest

from roundel.compiler import (
    explain,
)
from tests.unit.compiler.configs import compiled

EXPLAINED = """
parameters: {deploy: {type: boolean, default: false}}
commands:
  inner: {steps: [run: {name: hello, command: echo hi}]}
  outer: {steps: [inner]}
jobs:
  a: {machine: true, steps: [checkout, outer]}
workflows:
  w:
    jobs:
      - a
      - a: {name: b, filters: {branches: {only: release}}}
  x:
    when: << pipeline.parameters.deploy >>
    jobs: [a: {name: later}]
"""


def test_a_step_is_explained_by_the_calls_that_led_to_it() -> None:
    explanation = explain(compiled(EXPLAINED, trace=True), "a:hello")
    (way,) = explanation.ways
    assert [(link.kind, link.name, link.place.line) for link in way] == [
        ("workflow", "w", 10),
        ("job", "a", 12),
        ("command", "outer", 8),
        ("command", "inner", 6),
        ("run", "hello", 5),
    ]
    assert explanation.text().splitlines()[-1] == "        run hello  (.circleci/config.yml:5:19)"
    assert explain(compiled(EXPLAINED, trace=True), "a:2").ways == explanation.ways


def test_the_same_job_called_twice_is_explained_by_its_own_call() -> None:
    (way,) = explain(compiled(EXPLAINED, trace=True), "b:hello").ways
    assert [link.place.line for link in way][:2] == [10, 13]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("b", 'branch \'main\' does not pass its branch filter: {"only": "release"}'),
        ("x", "its `when` is false: << pipeline.parameters.deploy >>"),
        ("later", "(pipeline.parameters.deploy is false)"),
        ("a:nope", "The job 'a' has no step 'nope'."),
        ("nope", "There is no job or workflow named 'nope'"),
    ],
)
def test_what_does_not_run_is_explained(target: str, words: str) -> None:
    assert words in explain(compiled(EXPLAINED, trace=True), target).text()


LEFT_OUT = """
parameters: {deploy: {type: boolean, default: false}}
commands:
  notify:
    parameters: {to: {type: string, default: nobody}}
    steps:
      - unless:
          condition: {equal: [<< parameters.to >>, nobody]}
          steps: [run: {name: tell, command: mail << parameters.to >>}]
jobs:
  test:
    parameters: {os: {type: string}, version: {type: string}}
    machine: true
    steps: [checkout, notify]
  build:
    machine: true
    steps:
      - checkout
      - when:
          condition: << pipeline.parameters.deploy >>
          steps: [{run: ./deploy}, notify]
      - notify
workflows:
  w:
    jobs:
      - build
      - build: {name: again}
      - test:
          matrix:
            parameters: {os: [linux, mac], version: ["1", "2"]}
            exclude: [{os: mac, version: "1"}]
"""


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "test-mac-1",
            "In workflow 'w', the member 'test-mac-1' of the matrix of 'test' is left out at"
            ' .circleci/config.yml:32: {"os": "mac", "version": "1"} is excluded by'
            ' {"os": "mac", "version": "1"}.',
        ),
        ("test", "the member 'test-mac-1' of the matrix of 'test' is left out"),
        (
            "build:./deploy",
            "In workflow 'w', job 'build', the step './deploy' is left out at"
            " .circleci/config.yml:20: its `when` is false: << pipeline.parameters.deploy >>"
            " (pipeline.parameters.deploy is false).",
        ),
        (
            "again:tell",
            "job 'again', the step 'tell' is left out at .circleci/config.yml:8: its `unless` is"
            ' true: {"equal": ["<< parameters.to >>", "nobody"]} (parameters.to is "nobody").',
        ),
        ("build", "job 'build', ./deploy, notify are left out"),
        ("test-linux-2:tell", "job 'test-linux-2', the step 'tell' is left out"),
    ],
)
def test_what_a_condition_or_an_exclusion_leaves_out_is_explained_with_its_values(
    target: str, words: str
) -> None:
    explanation = explain(compiled(LEFT_OUT, trace=True), target)
    assert explanation.found
    assert words in explanation.text()


def test_noting_what_is_left_out_changes_no_output() -> None:
    assert compiled(LEFT_OUT, trace=True).output == compiled(LEFT_OUT).output


def test_a_step_that_its_job_has_not_is_told_as_such() -> None:
    text = "jobs: {build: {machine: true, steps: [checkout]}}\n"
    explanation = explain(compiled(text, trace=True), "build:nope")
    assert not explanation.found
    assert explanation.text() == "The job 'build' has no step 'nope'."


def test_what_does_not_compile_is_explained_by_its_problems() -> None:
    explanation = explain(compiled("jobs: {build: {}}\n", trace=True), "build")
    assert not explanation.found
    assert "required key [steps] not found" in explanation.text()


def test_the_source_map_tells_where_each_value_was_written() -> None:
    places = compiled(EXPLAINED, trace=True).source_map
    assert places["jobs.a.steps[1].run.command"].line == 5
    assert places["workflows.w.jobs[1].b.filters"].line == 13
    assert compiled(EXPLAINED).source_map == {}
