"""Go's durations."""

import pytest

from roundel.runner.durations import seconds_of, shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("1h30m", 5400), ("2s", 2), ("1.5s", 1.5), ("500ms", 0.5), ("20m0s", 1200)],
)
def test_durations_are_read(text, seconds):
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "1d", "ten", "5m!", "-5m"])
def test_what_is_no_duration_is_told(text):
    assert seconds_of(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(600, "10m0s"), (2, "2s"), (3600, "1h0m0s"), (1.5, "1.5s"), (0.2, "200ms"), (3661, "1h1m1s")],
)
def test_durations_are_shown_as_go_does(seconds, text):
    assert shown(seconds) == text
