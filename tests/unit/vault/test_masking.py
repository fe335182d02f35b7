"""The masker: every form, and any cut of the stream."""

import base64
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.vault.masking import MASK, Forms, Masker, masked_text

SECRET = "hun/ter 2'\"ünïcode+&end"


def masked(secrets: list[str], data: bytes, cuts: list[int] | None = None) -> bytes:
    masker = Masker(Forms(secrets))
    out, at = b"", 0
    for cut in [*sorted(cuts or []), len(data)]:
        out += masker.feed(data[at:cut])
        at = cut
    return out + masker.flush()


@pytest.mark.parametrize(
    "spelling",
    [
        lambda s: s,
        lambda s: s.encode().hex(),
        lambda s: s.encode().hex().upper(),
        lambda s: quote(s),
        lambda s: quote(s, safe=""),
        lambda s: quote(s, safe="").lower() if s.islower() else quote(s, safe=""),
        quote_plus,
        lambda s: json.dumps(s)[1:-1],
        lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
        lambda s: shlex.quote(s)[1:-1],
        lambda s: s.replace("'", "'\\''"),
    ],
)
def test_every_spelling_is_hidden(spelling):
    out = masked([SECRET], f"a {spelling(SECRET)} z".encode())
    assert out == b"a **** z"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_hidden_wherever_the_secret_stands_in_it(before, encode):
    text = encode((before + SECRET + "tail").encode())
    out = masked([SECRET], text)
    assert b"****" in out
    assert len(out) < 20


@pytest.mark.parametrize("value", ["abc", "true", "True", "false", "", "    "])
def test_short_and_plain_values_are_left(value):
    text = f"this is {value} and more".encode()
    assert masked([value], text) == text


def test_the_longest_secret_wins_and_overlaps_are_hidden_once():
    assert masked(["abcd", "abcdefgh"], b"abcdefgh abcde") == b"**** ****e"


def test_each_long_line_of_a_key_is_hidden():
    key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7bq\nshort\n-----END KEY-----\n"
    out = masked([key], b"x MIIEpAIBAAKCAQEA7bq y short")
    assert out == b"x **** y short"


def test_bytes_that_cannot_begin_a_secret_are_not_held_back():
    masker = Masker(Forms([SECRET]))
    assert masker.feed(b"progress 10%\r") == b"progress 10%\r"
    assert masker.held == 0
    assert masker.feed(b"and then hun") == b"and then "
    assert masker.held == 3
    assert masker.flush() == b"hun"


def test_a_secret_that_is_all_there_is_is_hidden_and_less_of_it_is_not():
    forms = Forms(["hunter2", "a-longer-secret"])
    assert Masker(forms).whole(b"hunter") == b"hunter"
    assert Masker(forms).whole(b"hunter2") == MASK
    forms.add("pass")  # shorter than what was looked for until now
    assert Masker(forms).whole(b"pass") == MASK


def test_without_secrets_everything_passes():
    assert masked([], b"\0\xff text") == b"\0\xff text"


def test_a_text_of_ours_is_masked_too():
    assert masked_text(Forms(["s3cr3t"]), "name of s3cr3t") == "name of ****"


@given(
    data=st.lists(
        st.sampled_from([b"abcd", b"abc", b"abcdabce", b"d", b"zzab", b"x"]), max_size=30
    ),
    cuts=st.lists(st.integers(0, 120), max_size=8),
)
def test_the_cuts_of_a_stream_make_no_difference(data, cuts):
    secrets = ["abcdabce", "abcd", "zzab"]
    whole = b"".join(data)
    cuts = [min(cut, len(whole)) for cut in cuts]
    assert masked(secrets, whole, cuts) == masked(secrets, whole)


@given(
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40),
    before=st.binary(max_size=40),
    cut=st.integers(0, 200),
)
def test_no_secret_survives(secret, before, cut):
    forms = Forms([secret])
    data = before + secret.encode() + b"\n"
    out = masked([secret], data, [min(cut, len(data))])
    hidden = any(True for _ in forms.matches(secret.encode()))
    assert not hidden or secret.encode() not in out.replace(b"****", b"\0")


LONG = "header-that-many-tokens-share." + "x" * 40


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (f"{LONG}one {LONG}two {LONG}three", f"**** **** {LONG}three"),
        (f"{LONG[:30]}{LONG}one", f"{LONG[:30]}****"),
        (f"{LONG}on", f"{LONG}on"),
        (f"{LONG}oneandmore", "****"),
    ],
)
def test_secrets_that_begin_alike_are_told_apart_by_their_ends(data, shown):
    secrets = [f"{LONG}one", f"{LONG}two", f"{LONG}oneandmore"]
    for cut in range(0, len(data), 7):
        assert masked(secrets, data.encode(), [cut]) == shown.encode()


@given(st.text("ab", min_size=24, max_size=60), st.text("ab", min_size=4, max_size=60))
def test_two_secrets_never_show_wherever_they_lie(one, other):
    data = f"{other} {one}{other} {one}".encode()
    out = masked([one, other], data)
    assert one.encode() not in out
    assert other.encode() not in out
