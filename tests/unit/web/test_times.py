"""Times in words."""

import pytest

from roundel.domain.clock import SECOND, Micros
from roundel.web.times import moment


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "Thu 1 Jan 1970, 00:00 UTC"),
        (1_769_828_940, "Sat 31 Jan 2026, 03:09 UTC"),
        (1_709_251_199, "Thu 29 Feb 2024, 23:59 UTC"),
    ],
)
def test_a_moment_is_said_to_the_minute_in_utc(seconds: int, text: str) -> None:
    assert moment(Micros(seconds * SECOND)) == text
