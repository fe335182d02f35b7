"""Times and sizes for people."""

from datetime import UTC, datetime

from roundel.domain.clock import SECOND, Micros, rfc3339_seconds

# Whatever the server's locale is.
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def duration(begun: Micros | None, ended: Micros | None, now: Micros) -> str:
    """Return how long something took, or has taken until now; empty if it has not begun."""
    if begun is None:
        return ""
    return span(max(0, (now if ended is None else ended) - begun))


def span(micros: int) -> str:
    """Return a length of time in its two largest units: `4.2s`, `3m 05s`, `2h 10m`."""
    seconds = micros / SECOND
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR:02d}h"


def ago(at: Micros, now: Micros) -> str:
    """Return how long ago something was, in one unit."""
    seconds = max(0, now - at) // SECOND
    for length, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= length:
            return f"{seconds // length}{name} ago"
    return "just now"


def moment(at: Micros) -> str:
    """Return a moment to the minute, in UTC: `Sat 31 Jan 2026, 03:09 UTC`."""
    then = datetime.fromtimestamp(at // SECOND, UTC)
    weekday, month = _WEEKDAYS[then.weekday()], _MONTHS[then.month - 1]
    return f"{weekday} {then.day} {month} {then.year}, {then:%H:%M} UTC"


def day(at: Micros) -> str:
    """Return the day on which something is, in UTC: `2026-01-31`."""
    return rfc3339_seconds(at)[:10]


def size(count: int) -> str:
    """Return a number of bytes in the unit that fits."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000 or unit == "GB":
            return f"{value:.1f} {unit}"
    return ""
