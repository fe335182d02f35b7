"""Cron lines."""

from datetime import UTC, datetime

import pytest

from roundel.domain.clock import SECOND, Micros
from roundel.domain.errors import Invalid
from roundel.services.cron import parse_cron


def at(text: str) -> Micros:
    return Micros(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND)


def shown(micros: Micros | None) -> str | None:
    if micros is None:
        return None
    return datetime.fromtimestamp(micros // SECOND, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("line", "after", "due"),
    [
        ("0 0 * * *", "2026-03-01 12:00", "2026-03-02 00:00"),
        ("0 12 * * *", "2026-03-01 12:00", "2026-03-02 12:00"),
        ("* * * * *", "2026-03-01 12:00:30", "2026-03-01 12:01"),
        ("5,35 8-10 * * *", "2026-03-01 09:20", "2026-03-01 09:35"),
        ("0 9 * * 1-5", "2026-03-06 10:00", "2026-03-09 09:00"),  # from Friday to Monday
        ("0 9 * * SUN", "2026-03-02 00:00", "2026-03-08 09:00"),
        ("0 9 * * 7", "2026-03-02 00:00", "2026-03-08 09:00"),
        ("0 0 1 jan,JUL *", "2026-03-02 00:00", "2026-07-01 00:00"),
        ("0 0 13 * FRI", "2026-03-01 00:00", "2026-03-06 00:00"),  # either of them
        ("0 0 29 2 *", "2026-03-01 00:00", "2028-02-29 00:00"),
        ("0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00"),  # 2100 has none
        ("*/20 * * * *", "2026-03-01 00:20", "2026-03-01 00:40"),
        ("30 2 29 3 *", "2026-03-29 00:00", "2026-03-29 02:30"),  # the hour that summer time skips
        ("59 23 31 12 *", "2026-12-31 23:58", "2026-12-31 23:59"),
    ],
)
def test_the_next_tick_of_a_line(line: str, after: str, due: str | None):
    assert shown(parse_cron(line).next_after(at(after))) == due


@pytest.mark.parametrize(
    "line",
    [
        "",
        "0 0 * *",
        "0 0 * * * *",
        "60 0 * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 * 13 *",
        "0 0 * * 8",
        "x 0 * * *",
        "5-1 0 * * *",
        "*/0 * * * *",
        "0 0 * MON *",
        "1,,2 0 * * *",
        "²  0 * * *",
        "0 0 31 2 *",
    ],
)
def test_what_is_no_cron_line_is_refused(line: str):
    with pytest.raises(Invalid, match="cron: "):
        parse_cron(line)
