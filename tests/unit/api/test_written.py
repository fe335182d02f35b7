"""Answers as bytes, and how long they are remembered."""

from roundel.api.table import operations
from roundel.api.written import LONGEST_KEPT, MOST_KEPT, SteadyAnswers, Written, WrittenPages
from roundel.domain.clock import FOREVER, Micros

ANA, BEN = object(), object()
NOW = Micros(1_000)


def find(answers: SteadyAnswers, state: int, asked: object, caller: object, now: Micros = NOW):
    return answers.find(state, asked, caller, now)


def test_an_answer_is_kept_for_its_caller_until_anything_is_written():
    answers = SteadyAnswers()
    assert find(answers, 1, "list", ANA) is None
    written: Written[object] = Written(b"[]")
    answers.keep(1, "list", ANA, FOREVER, written)
    assert find(answers, 1, "list", ANA) is written
    assert find(answers, 1, "list", BEN) is None
    assert find(answers, 1, "other", ANA) is None
    assert find(answers, 2, "list", ANA) is None
    assert find(answers, 1, "list", ANA) is None  # and what was forgotten stays so


def test_what_was_read_before_a_write_is_not_kept_after_it():
    answers = SteadyAnswers()
    find(answers, 1, "list", ANA)
    find(answers, 2, "else", BEN)  # while the first was still being read, something was written
    answers.keep(1, "list", ANA, FOREVER, Written(b"old"))
    assert find(answers, 2, "list", ANA) is None
    assert find(answers, 1, "list", ANA) is None


def test_an_answer_that_the_clock_changes_is_kept_until_then():
    answers = SteadyAnswers()
    find(answers, 1, "job", ANA)
    written: Written[object] = Written(b"{}")
    answers.keep(1, "job", ANA, Micros(NOW + 5), written)
    assert find(answers, 1, "job", ANA, Micros(NOW + 5)) is written
    assert find(answers, 1, "job", ANA, Micros(NOW + 6)) is None


def test_no_more_is_kept_than_there_is_room_for():
    answers = SteadyAnswers()
    find(answers, 1, 0, ANA)
    answers.keep(1, "large", ANA, FOREVER, Written(b"x" * (LONGEST_KEPT + 1)))
    assert find(answers, 1, "large", ANA) is None
    count = MOST_KEPT // LONGEST_KEPT
    for number in range(count + 1):
        answers.keep(1, number, ANA, FOREVER, Written(b"x" * LONGEST_KEPT))
    kept = [number for number in range(count + 1) if find(answers, 1, number, ANA)]
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
    for_a_time = {it.id for it in operations() if it.steady_until}
    assert for_a_time == {"getJobDetails", "getJobArtifacts"}
