"""Durations as configs write them and as CircleCI's messages show them (both are Go's)."""

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


def seconds_of(text: str) -> float | None:
    """Return the seconds in `1h30m`, `20m`, `1.5s`, or None if it is not a duration."""
    text = text.strip()
    at, total = 0, 0.0
    for part in _PART.finditer(text):
        if part.start() != at:
            return None
        total += float(part[1]) * _UNITS[part[2]]
        at = part.end()
    return total if text and at == len(text) else None


def shown(seconds: float) -> str:
    """Return `10m0s`, `2s`, `1h0m0s`, `1.5s`, `500ms`."""
    if 0 < seconds < 1:
        return f"{_plain(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours}h{minutes}m{_plain(rest)}s"
    return f"{minutes}m{_plain(rest)}s" if minutes else f"{_plain(rest)}s"


def _plain(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")
