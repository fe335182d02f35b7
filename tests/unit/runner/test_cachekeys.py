"""Cache keys: the template forms that occur in configs, and clear words where one is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from roundel.runner.cachekeys import BadKey, KeyFacts, arch_text, files_in, render
from tests.spec import SPEC

FACTS = KeyFacts(
    branch="main",
    build_num=42,
    revision="0a1b2c",
    checkout_key="ab:cd",
    environment={"CACHE_VERSION": "7", "EMPTY": ""},
    arch="arch1-linux-amd64-6_106",
    epoch=1_700_000_000,
)
FILES = {"go.sum": "c3Vt", "~/a b.txt": "aGk="}


def key(template: str) -> str | BadKey:
    return render(template, FACTS, FILES.get)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("v1-{{ .Branch }}-{{ .BuildNum }}-{{.Revision}}", "v1-main-42-0a1b2c"),
        ("{{ .CheckoutKey }}", "ab:cd"),
        ("{{ .Environment.CACHE_VERSION }}", "7"),
        ("a{{ .Environment.EMPTY }}b", "ab"),
        ("{{ .Environment.UNSET }}", "<no value>"),
        ('v1-{{ checksum "go.sum" }}', "v1-c3Vt"),
        ('{{checksum  "~/a b.txt"  }}', "aGk="),
        ("{{ checksum `go.sum` }}", "c3Vt"),
        ("{{ epoch }}", "1700000000"),
        ("{{ arch }}", "arch1-linux-amd64-6_106"),
        ('{{ epoch | round "72h" }}', "1699833600"),
        ('{{ round "1h30m" (epoch) }}', "1699995600"),
        ('{{ "go.sum" | checksum | printf "%s!%q" "x" }}', 'x!"c3Vt"'),
        ('{{ printf "%s-%d%%" .Branch .BuildNum }}', "main-42%"),
        ("{{ print .Branch (print arch) }}", "mainarch1-linux-amd64-6_106"),
        ("a  {{- .Branch -}}  b", "amainb"),
        ("a {{/* a note */}} b", "a  b"),
        ("a {{- /* a note */ -}} b", "ab"),
        ('{{ "}}" }}', "}}"),
        ("{ {{ .Branch }} }", "{ main }"),
        ('{{ "tab\\t\\u00e9" }}', "tab\té"),
    ],
)
def test_a_template_becomes_its_key(template: str, expected: str) -> None:
    assert key(template) == expected


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ('{{ checksum "none" }}', "open none: no such file or directory"),
        ("{{ .Nope }}", "can't evaluate field .Nope"),
        ("{{ checksum 'go.sum' }}", "malformed character constant"),
        ("{{ .Branch ", "unclosed action"),
        ("{{ .Branch", "unclosed action"),
        ("{{ }}", "missing value"),
        ("{{ nope }}", 'function "nope" not defined'),
        ("{{ checksum }}", "wrong arguments for checksum"),
        ("{{ (epoch }}", "unclosed left paren"),
        ("{{ epoch) }}", "unexpected ')'"),
        ('{{ epoch | round "3 weeks" }}', "invalid duration"),
        ("{{ .Branch .Revision }}", "can't give argument to non-function"),
        ("{{ $x }}", "unexpected '$'"),
        ("{{ " + "(" * 100 + "epoch" + ")" * 100 + " }}", "nested parentheses"),
        ("", "is empty"),
    ],
)
def test_a_wrong_template_is_answered_with_what_is_wrong(template: str, word: str) -> None:
    found = key(template)
    assert isinstance(found, BadKey)
    assert word in found.message


def test_a_key_has_at_most_900_characters() -> None:
    assert key("é" * 900) == "é" * 900
    found = key("k" * 901)
    assert isinstance(found, BadKey)
    assert "901 characters long, 900 are allowed" in found.message


def test_the_files_of_a_template_are_named_once_each_in_their_order() -> None:
    facts = replace(FACTS, environment={"LOCK": "x.lock"})
    template = (
        '{{ checksum "b" }}{{ checksum "a" }}{{ checksum "b" }}{{ checksum .Environment.LOCK }}'
    )
    assert files_in(template, facts) == ("b", "a", "x.lock")


def test_arch_tells_system_architecture_and_processor() -> None:
    cpuinfo = "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 106\nmodel name\t: Some: CPU\n"
    assert arch_text("Linux", "x86_64", cpuinfo) == "arch1-linux-amd64-6_106"
    assert arch_text("Linux", "aarch64", "") == "arch1-linux-arm64-_"


@given(st.text(alphabet="{}-.|()\"'`\\ /*aBranch$1é\n", max_size=40))
def test_no_text_makes_it_raise(template: str) -> None:
    assert isinstance(key(template), str | BadKey)


def _keys(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("save_cache", "restore_cache") and isinstance(value, dict):
                yield from (
                    text
                    for text in [value.get("key"), *(value.get("keys") or [])]
                    if isinstance(text, str)
                )
            yield from _keys(value)
    elif isinstance(node, list):
        for item in node:
            yield from _keys(item)


@pytest.mark.spec
def test_every_key_of_the_corpus_can_be_computed() -> None:
    refused, seen = [], 0
    for path in sorted((SPEC / "corpus").rglob("*.yml")):
        try:
            document = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        except yaml.YAMLError:
            continue
        for template in _keys(document):
            seen += 1
            # Parameters of the config language are filled in before a key is computed.
            found = render(template.replace("<<", "").replace(">>", ""), FACTS, str.lower)
            if isinstance(found, BadKey):
                refused.append((path.name, template, found.message))
    assert seen > 500
    assert refused == []
