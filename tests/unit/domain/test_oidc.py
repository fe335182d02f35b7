"""Identity tokens: what they say, how long, and which key signs."""

import pytest

from roundel.domain.clock import DAY, HOUR, MINUTE, SECOND, Micros
from roundel.domain.contexts import Sealed
from roundel.domain.errors import Invalid
from roundel.domain.oidc import (
    KEY_LIFETIME,
    KEY_NOTICE,
    LONGEST_TTL,
    SigningKey,
    next_key_from,
    outlived,
    signing_at,
    ttl_of,
)

NOW = Micros(1000 * DAY)


def a_key(name: str, signs_from: int) -> SigningKey:
    sealed = Sealed(key_id="k", data=b"")
    return SigningKey(id=name, public_key="{}", private_key=sealed, signs_from=Micros(signs_from))


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("15m", 15 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("1d", DAY),
        ("1w", 7 * DAY),
        ("60000ms", MINUTE),
    ],
)
def test_a_ttl_is_a_sum_of_durations(text: str, micros: int) -> None:
    assert ttl_of(text) == micros


@pytest.mark.parametrize("text", ["", "1", "1y", "-1h", "1h ", "59s", "8d", "9" * 12 + "w"])
def test_a_ttl_of_another_form_or_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="ttl"):
        ttl_of(text)


def test_the_first_key_is_due_at_once() -> None:
    due = next_key_from([], NOW)
    assert due is not None
    assert due <= NOW


def test_the_next_key_is_published_before_it_signs() -> None:
    first = a_key("first", NOW)
    ends = NOW + KEY_LIFETIME
    assert next_key_from([first], Micros(ends - KEY_NOTICE - SECOND)) is None
    assert next_key_from([first], Micros(ends - KEY_NOTICE)) == ends
    second = a_key("second", ends)
    both = [second, first]
    assert next_key_from(both, Micros(ends - HOUR)) is None
    assert signing_at(both, Micros(ends - 1)) == first
    assert signing_at(both, Micros(ends)) == second


def test_a_key_stays_until_the_last_of_its_tokens_has_expired() -> None:
    both = [a_key("first", NOW), a_key("second", NOW + DAY)]
    assert outlived(both, Micros(NOW + DAY + LONGEST_TTL)) == []
    assert outlived(both, Micros(NOW + 3 * DAY + LONGEST_TTL)) == ["first"]


def test_a_key_that_nobody_followed_is_not_used_past_its_life() -> None:
    first = a_key("first", NOW)
    assert signing_at([first], Micros(NOW + KEY_LIFETIME)) is None
    assert next_key_from([first], Micros(NOW + KEY_LIFETIME)) is not None
