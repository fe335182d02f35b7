"""Regular expressions that users write: RE2, so that none of them can take long."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LONGEST_PATTERN = 2_048  # characters; a longer one costs memory and means nothing
_MEMORY = 4 << 20  # bytes that one compiled pattern may use


class BadPattern(ValueError):
    """The text is not a regular expression that RE2 accepts."""


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MEMORY
    if len(pattern) > LONGEST_PATTERN:
        raise BadPattern(f"the pattern is longer than {LONGEST_PATTERN} characters")
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        raise BadPattern(_why(error)) from error


def _why(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)


def check_pattern(pattern: str) -> None:
    """Raise BadPattern for a text that is not a pattern."""
    _compiled(pattern)


def matches_whole(pattern: str, value: str) -> bool:
    """Tell whether the pattern matches the whole value; raise BadPattern if it is none."""
    try:
        return _compiled(pattern).fullmatch(value) is not None
    except UnicodeError:
        return False
