"""Text to tree: places, YAML 1.1, merge keys, anchors, warnings and limits."""

from pathlib import Path

import pytest

from roundel.compiler import compile_config
from roundel.compiler.report import Report
from roundel.compiler.source import load
from roundel.compiler.tree import Document, Map, Node, Seq, plain
from tests.unit.compiler.confined import compiled_in_confinement


def read(text: str) -> tuple[Node, Report]:
    report = Report()
    return load(Document("c.yml", text), report), report


def a_map(text: str) -> Map:
    node, report = read(text)
    assert not report.errors
    assert isinstance(node, Map)
    return node


def refusal(text: str) -> str:
    _, report = read(text)
    (problem,) = report.problems()
    return problem.message


def test_every_key_and_value_knows_its_place() -> None:
    node = a_map("a: 1\nb:\n  c: [x, y]\n")
    inner = node["b"]
    assert isinstance(inner, Map)
    places = [
        node.key_spot("b").place(),
        node.value_spot("a").place(),
        inner.key_spot("c").place(),
        inner.value_spot("c").place(),
    ]
    assert [(p.line, p.column) for p in places] == [(2, 1), (1, 4), (3, 3), (3, 6)]
    items = inner["c"]
    assert isinstance(items, Seq)
    assert items.item_spot(1).place().column == 10


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("TRUE", True),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("010", 8),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("1:30", 90),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("1.0e+3", 1000.0),
        (".inf", float("inf")),
        ("2020-01-01", "2020-01-01"),
        ("0o17", "0o17"),
        ("08", "08"),
        ("9" * 30, "9" * 30),
        ("'1'", "1"),
        ('"yes"', "yes"),
        ("!!str 1", "1"),
        ("!!int '7'", 7),
    ],
)
def test_scalars_mean_what_yaml_1_1_says(text: str, value: object) -> None:
    node = a_map(f"k: {text}\n")
    assert node["k"] == value
    assert type(node["k"]) is type(value)


def test_keys_are_text_as_written() -> None:
    assert list(a_map("on: 1\n1.10: 2\nnull: 3\n")) == ["on", "1.10", "null"]


def test_merge_keys_are_written_out_and_own_keys_win() -> None:
    node = a_map(
        "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 0}\nd: {<<: *a, <<: *b}\n"
    )
    assert plain(node["c"]) == {"x": 0, "y": 1, "z": 2}
    assert plain(node["d"]) == {"x": 1, "y": 1, "z": 2}


def test_a_merged_key_is_placed_where_it_was_written() -> None:
    merged = a_map("a: &a\n  x: 1\nb:\n  <<: *a\n")["b"]
    assert isinstance(merged, Map)
    assert merged.key_spot("x").place().line == 2


def test_the_last_of_two_anchors_with_one_name_counts() -> None:
    assert plain(a_map("a: &k 1\nb: &k 2\nc: *k\n"))["c"] == 2  # type: ignore[index,call-overload]


def test_an_alias_may_be_a_key() -> None:
    assert a_map("a: &k name\n*k : 1\n")["name"] == 1


def test_a_duplicate_key_is_a_warning_and_the_last_one_wins() -> None:
    node, report = read("a: 1\na: 2\n")
    assert plain(node) == {"a": 2}
    (problem,) = report.problems()
    assert problem.severity == "warning"
    assert (problem.place and problem.place.line) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: *nope\n", "found undefined alias nope"),
        ("a: &a [*a]\n", "found an alias a inside of the value that it names"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("? [a]\n: 1\n", "where a key was expected"),
        ("a: !secret x\n", "could not determine a constructor for the tag '!secret'"),
        ("a: !map {}\n", "could not determine a constructor"),
        ("a:\n  <<: text\n", "expected a mapping or list of mappings for merging"),
        ("a: &k [1]\n*k : 1\n", "found unhashable key"),
        ("a: \x00\n", "special characters are not allowed"),
        ("\ta: b\n", "found character '\\t' that cannot start any token"),
    ],
)
def test_what_is_no_config_is_refused_in_known_words(text: str, words: str) -> None:
    assert words in refusal(text)


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines)


def merges() -> str:
    keys = ", ".join(f"k{n}: 1" for n in range(3000))
    return f"a: &a {{{keys}}}\n" + "".join(f"b{n}: {{<<: *a}}\n" for n in range(500))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: " + "[" * 200_000, "nested more than 100 levels"),
        ("".join(f"{' ' * n}a:\n" for n in range(500)), "nested more than 100 levels"),
        (bomb(), "values, aliases included"),
        (merges(), "values, aliases included"),
        ("a:\n" + "- x\n" * 600_000, "values, aliases included"),
        ("a:\n" + "".join(f"  k{n}: v\n" for n in range(100_000)), "more than 20000 keys"),
        ("a: b\n" * 10_000_000, "50000000 characters"),
        ("\U0001f600" * 12_500_000, "12500000 characters"),
        ("a: &a [*a, *a]\nb: *a\n", "inside of the value that it names"),
        ("".join(f"a{n}: &a {n}\n" for n in range(19_000)) + "a1: [", "did not find expected node"),
    ],
    ids=[
        "flow depth",
        "block depth",
        "aliases",
        "merges",
        "items",
        "keys",
        "50 MB",
        "50 MB of emoji",
        "recursive anchor",
        "broken at the end",
    ],
)
def test_bombs_are_refused_at_little_cost(text: str, words: str, tmp_path: Path) -> None:
    outcome = compiled_in_confinement(text, tmp_path)
    (message,) = outcome.messages
    assert words in message


@pytest.mark.parametrize("text", ["", "~", "hello", "- a", "[]", "1"])
def test_a_text_that_is_no_map_has_no_version(text: str) -> None:
    (problem,) = compile_config(text).problems
    assert problem.message == "Unsupported or missing workflows config version"


def test_an_alias_that_is_misspelt_is_hinted_at() -> None:
    _, report = read("a: &defaults 1\nb: *default\n")
    assert report.problems()[0].hint == "did you mean `defaults`?"
