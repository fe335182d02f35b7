"""Questions of a job are hostile until shown otherwise."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.deploys import Release
from roundel.domain.runners import Secret
from roundel.runner.questions import QUESTION_BYTES, Answer, answer_question, reply


class Nothing:
    """A source that knows of nothing."""

    async def timings(self, by: str) -> Mapping[str, float]:
        return {}

    async def failed_tests(self) -> None:
        return None

    async def log_release(self, release: Release) -> None:
        del release

    async def identity_token(self, claims: Mapping[str, object], root_issuer: bool) -> Secret:
        return Secret("a-token")


NOTHING = Nothing()


def hide(secret: Secret) -> None:
    del secret


@pytest.fixture
def bell(tmp_path: Path) -> int:
    """The FIFO of question 1-0, held open as its asker does."""
    os.mkfifo(tmp_path / "1-0.bell")
    return os.open(tmp_path / "1-0.bell", os.O_RDWR | os.O_NONBLOCK)


async def test_an_answer_is_there_before_the_bell_rings(tmp_path: Path, bell: int) -> None:
    (tmp_path / "1-0.question").write_text("split\nindex 0\ntotal 1\n\nb\na\n")
    assert await answer_question(tmp_path, "1-0", NOTHING, hide)
    assert os.read(bell, 100) == b"0\n"
    assert (tmp_path / "1-0.answer").read_text() == "a\nb\n"
    os.close(bell)


@pytest.mark.parametrize("name", ["../1-0", "1-0/../x", "", "1-0\n", "a-b", "1" * 30])
async def test_a_name_of_another_form_is_no_question(name: str, tmp_path: Path) -> None:
    assert not await answer_question(tmp_path, name, NOTHING, hide)


async def test_links_fifos_and_too_long_questions_are_not_read(tmp_path: Path, bell: int) -> None:
    question = tmp_path / "1-0.question"
    (tmp_path / "secret").write_text("split\n\nsecret\n")
    question.symlink_to("secret")
    assert not await answer_question(tmp_path, "1-0", NOTHING, hide)
    question.unlink()
    os.mkfifo(question)
    assert not await answer_question(tmp_path, "1-0", NOTHING, hide)
    question.unlink()
    question.touch()
    os.truncate(question, QUESTION_BYTES + 1)
    assert not await answer_question(tmp_path, "1-0", NOTHING, hide)
    os.close(bell)


async def test_an_answer_does_not_go_through_a_link(tmp_path: Path, bell: int) -> None:
    (tmp_path / "1-0.question").write_text("split\n\na\n")
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "1-0.answer").symlink_to("precious")
    (tmp_path / "1-0.notes").symlink_to("precious")
    assert await answer_question(tmp_path, "1-0", NOTHING, hide)
    assert (tmp_path / "precious").read_text() == "kept"
    assert stat.S_ISREG((tmp_path / "1-0.answer").lstat().st_mode)
    os.close(bell)


async def test_a_bell_that_is_no_fifo_or_that_nobody_holds_is_not_rung(tmp_path: Path) -> None:
    (tmp_path / "1-0.question").write_text("split\n\na\n")
    assert not await answer_question(tmp_path, "1-0", NOTHING, hide)
    (tmp_path / "1-0.bell").write_text("file")
    assert not await answer_question(tmp_path, "1-0", NOTHING, hide)
    assert (tmp_path / "1-0.bell").read_text() == "file"
    (tmp_path / "1-0.bell").unlink()
    os.mkfifo(tmp_path / "1-0.bell")
    assert not await answer_question(tmp_path, "1-0", NOTHING, hide)


@given(st.text(max_size=200))
async def test_every_text_has_an_answer(text: str) -> None:
    for head in ("", "split\n", "split\nsplit-by timings\n", "split\nsplit-by filesize\n\n"):
        assert isinstance(await reply(head + text, NOTHING), Answer)
