"""Changes of refs: each counts once, whoever tells of it and in whichever order."""

from itertools import permutations

import pytest

from roundel.domain.git_refs import KnownRef, News, change_ref, changed_refs, look_at_ref

MAIN = "refs/heads/main"
Change = tuple[str | None, str | None]


def told(*changes: Change) -> tuple[KnownRef | None, list[News]]:
    known: KnownRef | None = None
    heard = []
    for before, after in changes:
        known, news = change_ref(known, MAIN, before, after)
        heard.append(news)
    return known, heard


def test_pushes_in_their_order_are_all_new() -> None:
    known, heard = told((None, "a"), ("a", "b"), ("b", "c"))
    assert heard == [News.NEW] * 3
    assert known is not None and known.revision == "c"


def test_a_push_told_twice_is_new_once() -> None:
    _, heard = told((None, "a"), (None, "a"), ("a", "b"), ("a", "b"), (None, "a"))
    assert heard == [News.NEW, News.SEEN, News.NEW, News.SEEN, News.SEEN]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_any_order_each_push_counts_once_and_the_last_head_stays(order: tuple[int, ...]) -> None:
    changes: list[Change] = [(None, "a"), ("a", "b"), ("b", "c")]
    known, heard = told(*(changes[i] for i in order), *(changes[i] for i in order))
    assert known is not None and known.revision == "c"
    assert News.SEEN not in heard[:3]
    assert heard[3:] == [News.SEEN] * 3
    assert look_at_ref(known, MAIN, "c")[1] is News.SEEN


def test_a_branch_that_goes_back_and_forth_is_new_each_time() -> None:
    known, heard = told((None, "a"), ("a", "b"), ("b", "a"), ("a", "b"))
    assert heard == [News.NEW] * 4
    assert known is not None and known.revision == "b"


def test_a_branch_that_is_deleted_and_made_again_is_new() -> None:
    known, heard = told((None, "a"), ("a", None), (None, "a"))
    assert heard == [News.NEW] * 3
    assert known is not None and known.revision == "a"


def test_a_branch_made_anew_before_its_deletion_was_told_counts_once() -> None:
    known, heard = told((None, "a"), (None, "b"), ("a", None))
    assert heard[:2] == [News.NEW, News.LATE]
    after, news = look_at_ref(known, MAIN, "b")
    assert news is News.SEEN
    assert after.revision == "b"


def test_a_look_finds_what_nobody_told() -> None:
    known, _ = told((None, "a"))
    after, news = look_at_ref(known, MAIN, "b")
    assert news is News.NEW
    assert after.revision == "b"
    assert change_ref(after, MAIN, "a", "b")[1] is News.SEEN


def test_a_push_between_two_that_a_look_found_is_late() -> None:
    known, _ = told((None, "a"))
    after, _ = look_at_ref(known, MAIN, "c")
    assert change_ref(after, MAIN, "a", "b")[1] is News.LATE
    assert change_ref(after, MAIN, "b", "c")[1] is News.SEEN


def test_a_look_names_what_moved_and_what_is_gone() -> None:
    known = {
        name: KnownRef(ref=name, revision=at)
        for name, at in (("same", "a"), ("moved", "a"), ("gone", "a"), ("long-gone", None))
    }
    heads = {"same": "a", "moved": "b", "fresh": "a"}
    assert changed_refs(known, heads) == ["moved", "fresh", "gone"]


def test_a_push_that_the_first_look_saw_before_its_message_came_is_new_once() -> None:
    began = KnownRef(ref=MAIN, revision="b")
    known, news = change_ref(began, MAIN, "a", "b")
    assert news is News.NEW
    assert change_ref(known, MAIN, "a", "b")[1] is News.SEEN
