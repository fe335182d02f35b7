"""What policies say of configs, in the conventions that CircleCI documents."""

from typing import Any

import pytest

from roundel.services.policy_worker import Answer, Broken, Question, answer

HEAD = 'package org\nimport data.circleci.config\npolicy_name["test"]\n'
CONFIG = """
version: 2.1
orbs: {security: circleci/security@1.2.3, evil: evil/orb@4.0.0}
jobs:
  lint: {docker: [{image: cimg/base}], resource_class: medium, steps: [checkout]}
  test: {docker: [{image: cimg/base}], resource_class: large, steps: [checkout]}
workflows:
  main:
    jobs:
      - lint
      - test: {context: private}
"""


def judged(rules: str, config: str = CONFIG, **meta: Any) -> Answer:
    return answer(Question({"test": HEAD + rules}, input=config, meta=meta))


def reasons(broken: list[Broken]) -> list[str]:
    return [it.reason for it in broken]


def test_an_enabled_rule_that_holds_breaks_softly_and_hard_where_hard_fail_names_it():
    rules = (
        'enable_rule["wrong_name"]\nwrong_name = "it must be bob" { input.name != "bob" }\n'
        'enable_rule["wrong_kind"]\nhard_fail["wrong_kind"]\n'
        'wrong_kind = "it must be a person" { input.kind != "person" }\n'
    )
    said = judged(rules, "name: joe\nkind: cat")
    assert said.enabled == ["wrong_kind", "wrong_name"]
    assert said.soft == [Broken("wrong_name", "it must be bob")]
    assert said.hard == [Broken("wrong_kind", "it must be a person")]
    assert judged(rules, "name: bob\nkind: person") == Answer(enabled=said.enabled)


def test_a_rule_that_nobody_enabled_breaks_nothing():
    assert judged('hard_fail["r"]\nr = "no" { true }') == Answer()


def test_enable_hard_enables_and_makes_it_hard():
    assert judged('enable_hard["r"]\nr = "no" { true }').hard == [Broken("r", "no")]


@pytest.mark.parametrize(
    "rule",
    [
        'r[reason] { some name; input.orbs[name]; reason := sprintf("no %s", [name]) }',
        'r[name] = reason { some name; input.orbs[name]; reason := sprintf("no %s", [name]) }',
        'r contains reason if { some name, _ in input.orbs; reason := sprintf("no %s", [name]) }',
        'r = reasons { reasons := [x | some n; input.orbs[n]; x := sprintf("no %s", [n])] }',
    ],
)
def test_reasons_come_as_sets_lists_and_maps_in_old_and_new_rego(rule: str):
    said = judged(f'enable_rule["r"]\n{rule}')
    assert reasons(said.soft) == ["no evil", "no security"]


def test_a_rule_that_gives_anything_else_is_an_error_that_names_it():
    assert "'r'" in str(judged('enable_rule["r"]\nr = 5 { true }').error)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('require_orbs(["circleci/security", "a/b"])', ["a/b orb is required"]),
        ('require_orbs_version(["evil/orb@5.0.0"])', ["evil/orb@5.0.0 orb is required"]),
        ('ban_orbs(["evil/orb"])', ["evil/orb orb is not allowed in CircleCI configuration"]),
        ('ban_orbs_version(["evil/orb@1.0.0"])', []),
        ('require_jobs(["lint", "test", "scan"])', ["scan job is required"]),
        (
            'resource_class_by_project({"large": {"other"}, "medium": {"mine"}})',
            ['project is not allowed to use resource_class "large" declared in job "test"'],
        ),
        ('contexts_allowed_by_project_ids("mine", ["private"])', []),
        (
            'contexts_blocked_by_project_ids(["mine"], ["private"])',
            ["test job uses context private, which is blocked in this project"],
        ),
        (
            'contexts_reserved_by_project_ids(["other"], "private")',
            ["test job uses context private, which is reserved for other projects"],
        ),
        (
            'contexts_reserved_by_branches(["main"], ["private"])',
            ["test job uses context private, which is reserved for other branches"],
        ),
    ],
)
def test_the_documented_helpers_are_there(call: str, said: list[str]):
    rules = f'enable_rule["r"]\nr = config.{call}'
    answer = judged(rules, project_id="mine", vcs={"branch": "dev"})
    assert answer.error is None
    assert reasons(answer.soft) == said


def test_policies_see_the_config_as_written_and_as_compiled_and_the_metadata():
    question = Question(
        {
            "test": HEAD + 'enable_rule["r"]\nr contains sprintf("%v %v %v", '
            '[input.version, input["_compiled_"].version, data.meta.vcs.branch])'
        },
        input="version: 2.1",
        compiled="version: 2",
        meta={"vcs": {"branch": "main"}},
    )
    assert reasons(answer(question).soft) == ["2.1 2 main"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.rego": 'package other\npolicy_name["a"]'}, "the package must be org"),
        ({"a.rego": 'policy_name["a"]'}, "the package must be org"),
        ({"a.rego": "package org"}, "policy_name"),
        ({"a.rego": 'package org\npolicy_name["a"]\nr = {'}, "a.rego"),
        (
            {"a.rego": 'package org\npolicy_name["a"]', "b.rego": 'package org\npolicy_name["a"]'},
            "twice",
        ),
    ],
)
def test_a_bundle_that_cannot_work_is_refused_with_the_file(files: dict[str, str], said: str):
    assert said in str(answer(Question(files)).error)


def test_a_good_bundle_is_known_by_the_names_that_its_files_give():
    files = {
        "x.rego": 'package org\npolicy_name["one"]',
        "y.rego": 'package org\npolicy_name["two"] { true }',
    }
    assert answer(Question(files)).names == {"x.rego": "one", "y.rego": "two"}
