"""Tree to text: whatever goes in is read back as it was, by our reader and by another."""

import math

import yaml
from hypothesis import given
from hypothesis import strategies as st

from roundel.compiler.emit import emit, with_source
from roundel.compiler.report import Report
from roundel.compiler.source import load
from roundel.compiler.tree import START, Document, Map, Node, Spot, a_map, a_seq, plain

HERE = Spot(Document("made", ""), START)


def grown(value: object) -> Node:
    if isinstance(value, dict):
        return a_map({key: grown(item) for key, item in value.items()}, HERE)
    if isinstance(value, list):
        return a_seq([grown(item) for item in value], HERE)
    assert value is None or isinstance(value, (str, bool, int, float))
    return value


def there_and_back(value: dict[str, object]) -> object:
    node = grown(value)
    assert isinstance(node, Map)
    report = Report()
    found = load(Document("again", emit(node)), report)
    assert not report.problems()
    return plain(found)


# Lone surrogates cannot come from a YAML text; all else can.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text(
    " \n\t:#-'\"\\{}[]&*!|>%@`,?~abyes01.=<", max_size=20
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXT
)
TREES = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=4,
)


@given(TREES)
def test_any_tree_is_read_back_as_it_was(tree: dict[str, object]) -> None:
    tree.pop("<<", None)
    assert there_and_back(tree) == tree


@given(st.lists(TEXT, max_size=5))
def test_another_reader_reads_the_same_texts(texts: list[str]) -> None:
    node = grown({"texts": list(texts)})
    assert isinstance(node, Map)
    assert yaml.safe_load(emit(node)) == {"texts": texts}


def test_a_merge_sign_that_is_meant_as_a_key_stays_one() -> None:
    assert there_and_back({"<<": "x"}) == {"<<": "x"}


def test_long_keys_are_written_so_that_readers_find_them() -> None:
    key = "k" * 5000
    assert there_and_back({key: "v", "after": {key: [1]}}) == {key: "v", "after": {key: [1]}}


def test_not_a_number_stays_that() -> None:
    found = there_and_back({"n": float("nan")})
    assert isinstance(found, dict)
    assert isinstance(found["n"], float)
    assert math.isnan(found["n"])


def test_the_source_follows_as_comments() -> None:
    text = with_source("version: 2\n", 'a: "é/x"\n\nb: c\n')
    assert (
        text.splitlines()
        == [
            "version: 2",
            "# Original config.yml file:",
            '# a: \\"\\u00e9\\/x\\"',
            "#",
            "# b: c",
        ]
        or text.splitlines()[3] == "#"
    )
    assert yaml.safe_load(text) == {"version": 2}
