"""Cron lines: five fields, in UTC.  The times are found by cronsim."""

from datetime import UTC, datetime

from roundel.domain.clock import SECOND, Micros
from roundel.domain.errors import Invalid
from roundel.domain.records import dataclass

_FIELDS = 5  # cronsim takes seconds as well, which CircleCI does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """When a line is due.  Days count by month or week where both are given, as cron has it."""

    line: str

    def next_after(self, at: Micros) -> Micros | None:
        """Return the first tick after `at`, None if there is none within 50 years."""
        from cronsim import CronSim

        began = datetime.fromtimestamp(at // SECOND, UTC)
        due = next(CronSim(self.line, began), None)
        return None if due is None else Micros(int(due.timestamp()) * SECOND)


def parse_cron(line: str) -> Cron:
    """Read five fields; refuse anything else, and what is never due, with what is wrong."""
    from cronsim import CronSim, CronSimError

    fields = line.split()
    if len(fields) != _FIELDS:
        raise Invalid(f"cron: expected 5 fields, got {len(fields)} in {line[:80]!r}")
    try:
        CronSim(line, datetime.fromtimestamp(0, UTC))
    except CronSimError as error:
        raise Invalid(f"cron: {error} in {line[:80]!r}") from None
    return Cron(line=line)
