"""What a hook in a bare repository says, and what pretends to be one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.git_events import BranchDelete, Message, Push, TagPush
from roundel.domain.git_hosts import Unverified
from roundel.vcs.plain import PlainGit

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40
HOST = PlainGit()


def read(*lines: str, pusher: str = "ada") -> Message:
    body = "\n".join(("roundel-push 1 d1", *lines)) + "\n"
    message = HOST.read({"x-roundel-pusher": pusher}, body.encode())
    assert isinstance(message, Message)
    return message


def test_every_kind_of_change_is_read() -> None:
    message = read(
        f"{ZERO} {A} refs/heads/new",
        f"{A} {B} refs/heads/träger/ü",
        f"{A} {ZERO} refs/heads/gone",
        f"{ZERO} {B} refs/tags/v1",
    )
    new, moved, gone, tag = message.events
    assert isinstance(new, Push) and (new.branch, new.before, new.after) == ("new", None, A)
    assert isinstance(moved, Push) and (moved.branch, moved.before) == ("träger/ü", A)
    assert isinstance(gone, BranchDelete) and gone.branch == "gone"
    assert isinstance(tag, TagPush) and (tag.tag, tag.after) == ("v1", B)
    assert message.id == "d1"
    assert new.sender.login == "ada"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{A} {ZERO} refs/tags/v1", "the tag v1 is deleted"),
        (f"{A} {B} refs/notes/commits", "refs/notes/commits is neither a branch nor a tag"),
        (f"{A} {B} refs/heads/a..b", "refs/heads/a..b is neither a branch nor a tag"),
        ("--upload-pack=x y z", "a line is not BEFORE AFTER REF"),
    ],
)
def test_what_starts_nothing_is_ignored_with_the_reason(line: str, reason: str) -> None:
    message = read(line)
    assert message.events == ()
    assert [it.reason for it in message.ignored] == [reason]


def test_only_the_token_opens_and_a_part_of_it_does_not() -> None:
    secret = "f" * 64
    assert HOST.verify({"authorization": f"Bearer {secret}"}, b"", secret)
    for wrong in ("", secret, f"Bearer {secret[:-1]}", f"Basic {secret}", "Bearer ", "Bearer ü"):
        assert not HOST.verify({"authorization": wrong}, b"", secret)


@given(body=st.binary(max_size=400), pusher=st.text(max_size=20))
def test_whatever_is_sent_nothing_is_raised(body: bytes, pusher: str) -> None:
    headers = {"x-roundel-pusher": pusher.encode().decode("latin-1")}
    for raw in (body, b"roundel-push 1 " + body):
        assert isinstance(HOST.read(headers, raw), Message | Unverified)
