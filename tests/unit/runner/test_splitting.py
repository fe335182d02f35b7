"""Dealing tests out to the nodes of a job."""

from hypothesis import given
from hypothesis import strategies as st

from roundel.runner.splitting import (
    NAME_FALLBACK,
    NO_TIMINGS,
    TimingsType,
    by_name,
    by_size,
    by_timings,
    timings_type,
)

FILE, CLASS, TEST = TimingsType.FILE, TimingsType.CLASSNAME, TimingsType.TESTNAME


def test_by_name_the_sorted_list_is_dealt_round() -> None:
    items = ["e", "b", "d", "a", "c"]
    assert by_name(items, 0, 2).items == ("a", "c", "e")
    assert by_name(items, 1, 2).items == ("b", "d")


def test_more_nodes_than_items_leave_some_without_any() -> None:
    assert [by_name(["a", "b"], index, 3).items for index in range(3)] == [("a",), ("b",), ()]


def test_the_largest_goes_first_to_the_node_that_has_least() -> None:
    sizes = {"a": 7, "b": 6, "c": 5, "d": 4, "e": 3}
    assert by_size(list(sizes), sizes, 0, 2).items == ("a", "d", "e")
    assert by_size(list(sizes), sizes, 1, 2).items == ("b", "c")


def test_what_has_no_size_weighs_as_much_as_the_average() -> None:
    share = by_size(["a", "b", "new"], {"a": 10, "b": 2}, 1, 2)
    assert share.items == ("b", "new")
    assert share.notes == ('Cannot read the size of "new".',)


def test_times_of_an_earlier_run_weigh_and_the_unknown_are_named() -> None:
    share = by_timings(["a", "b", "c"], {CLASS: {"a": 9.0, "b": 4.0}}, 1, 2)
    assert share.items == ("b", "c")
    assert share.notes == ('No timing found for "c"',)


def test_a_default_weighs_in_place_of_the_average() -> None:
    timings = {FILE: {"a": 1.0, "b": 2.0}}
    assert by_timings(["a", "b", "c"], timings, 0, 2, default=60.0).items == ("c",)


def test_the_type_that_knows_most_items_is_found() -> None:
    timings = {FILE: {"./a.py": 1.0, "b.py": 2.0}, CLASS: {"a.py": 1.0}, TEST: {}}
    share = by_timings(["a.py", "b.py"], timings, 0, 2)
    assert share.items == ("b.py",)
    assert share.notes == ("Autodetected file timings for 2 tests.",)


def test_without_times_the_split_is_by_name_and_says_so() -> None:
    assert by_timings(["b", "a"], {FILE: {}, CLASS: {}}, 0, 2).notes == (NAME_FALLBACK,)
    share = by_timings(["b", "a"], {FILE: {"x": 1.0}}, 0, 2)
    assert (share.items, share.notes) == (("a",), (NO_TIMINGS,))


def test_the_words_for_types() -> None:
    assert timings_type("filename") is FILE
    assert timings_type("testname") is TEST
    assert timings_type("time") is None


ITEMS = st.lists(st.text("abc/", max_size=4), max_size=30)


@given(ITEMS, st.integers(1, 6), st.dictionaries(st.text("abc/", max_size=4), st.floats(0, 100)))
def test_every_item_goes_to_exactly_one_node(
    items: list[str], total: int, times: dict[str, float]
) -> None:
    for share in (
        lambda index: by_name(items, index, total),
        lambda index: by_timings(items, {FILE: times}, index, total),
    ):
        dealt = [item for index in range(total) for item in share(index).items]
        assert sorted(dealt) == sorted(items)
