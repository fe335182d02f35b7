"""The published tables of expressions and templates."""

import json
from typing import Any

import pytest

from roundel.compiler.expressions import UnknownName, evaluate, parse, truthy
from roundel.compiler.scanning import ExpressionError
from roundel.compiler.templates import TemplateError, parse_template
from tests.spec import SPEC

pytestmark = pytest.mark.spec


def table(name: str) -> Any:
    file = SPEC / "cases" / name
    return json.loads(file.read_text()) if file.exists() else {}


def outcome(case: dict[str, Any], *, as_condition: bool) -> dict[str, Any]:
    def lookup(name: str) -> object:
        if name not in case["env"]:
            raise UnknownName(name)
        return case["env"][name]

    try:
        value = evaluate(parse(case["expr"]), lookup)
    except ExpressionError as error:
        return {
            "errorType": error.code,
            "lexeme": error.lexeme,
            "charPos": error.at,
            "tokenType": error.token_kind,
        }
    return {"value": truthy(value) if as_condition else value}


def check(case: dict[str, Any], *, as_condition: bool) -> None:
    found = outcome(case, as_condition=as_condition)
    if "error" in case:
        assert {key: found.get(key) for key in case["error"]} == case["error"], case["expr"]
    else:
        assert found == {"value": case["expect"]}, case["expr"]
        assert type(found["value"]) is type(case["expect"])


def test_expressions_are_judged_as_the_table_says() -> None:
    cases = table("_expressions/interpret.json")["cases"]
    assert len(cases) > 200
    for case in cases:
        check(case, as_condition=True)


def test_expressions_keep_the_values_that_the_table_says() -> None:
    for case in table("_expressions/evaluate.json")["cases"]:
        check(case, as_condition=False)


def test_accepted_templates_parse() -> None:
    for text in table("_templates/syntax.json")["accepted"]:
        parse_template(text)


def test_rejected_templates_say_what_is_wrong_and_where() -> None:
    for case in table("_templates/syntax.json")["rejected"]:
        with pytest.raises(TemplateError) as caught:
            parse_template(case["text"])
        assert case["message_contains"] in caught.value.message
        assert caught.value.at == case["text"].find(case["at"]), case["text"]


def test_only_a_single_tag_keeps_its_type() -> None:
    for text, only in table("_templates/syntax.json")["is_only_tag"].items():
        assert is_only_tag(text) == only, text


def is_only_tag(text: str) -> bool:
    try:
        return parse_template(text).only is not None
    except TemplateError:
        return False
