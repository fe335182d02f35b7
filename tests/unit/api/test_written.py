"""Answers as bytes, and how long they are remembered."""

from roundel.api.table import operations
from roundel.api.written import LONGEST_KEPT, MOST_KEPT, SteadyAnswers, Written, WrittenPages

ANA, BEN = object(), object()


def test_an_answer_is_kept_for_its_caller_until_anything_is_written():
    answers = SteadyAnswers()
    assert answers.find(1, "list", ANA) is None
    written: Written[object] = Written(b"[]")
    answers.keep(1, "list", ANA, written)
    assert answers.find(1, "list", ANA) is written
    assert answers.find(1, "list", BEN) is None
    assert answers.find(1, "other", ANA) is None
    assert answers.find(2, "list", ANA) is None
    assert answers.find(1, "list", ANA) is None  # and what was forgotten stays so


def test_what_was_read_before_a_write_is_not_kept_after_it():
    answers = SteadyAnswers()
    answers.find(1, "list", ANA)
    answers.find(2, "else", BEN)  # while the first was still being read, something was written
    answers.keep(1, "list", ANA, Written(b"old"))
    assert answers.find(2, "list", ANA) is None
    assert answers.find(1, "list", ANA) is None


def test_no_more_is_kept_than_there_is_room_for():
    answers = SteadyAnswers()
    answers.find(1, 0, ANA)
    answers.keep(1, "large", ANA, Written(b"x" * (LONGEST_KEPT + 1)))
    assert answers.find(1, "large", ANA) is None
    count = MOST_KEPT // LONGEST_KEPT
    for number in range(count + 1):
        answers.keep(1, number, ANA, Written(b"x" * LONGEST_KEPT))
    kept = [number for number in range(count + 1) if answers.find(1, number, ANA)]
    assert kept == [count]


def test_a_page_of_the_same_objects_is_written_once():
    pages, made = WrittenPages(), []

    def make() -> list[int]:
        made.append(1)
        return [len(made)]

    rows = [["a"], ["b"]]  # equal values would not do: only the very same ones are known
    first = pages.page("list", rows, False, make)
    assert pages.page("list", list(rows), False, make) is first
    for other in (("list", [["a"], rows[1]], False), ("list", rows, True), ("more", rows, False)):
        assert pages.page(*other, make) is not first
    assert len(made) == 4


def test_only_reads_are_steady_and_none_that_tells_the_time():
    steady = {it.id: it for it in operations() if it.steady}
    assert all(it.method == "GET" and it.answer is not None for it in steady.values())
    # Durations of running jobs, signed addresses and windows of days depend on when one asks.
    assert steady.keys().isdisjoint({"getJobDetails", "getJobArtifacts", "getFlakyTests"})
