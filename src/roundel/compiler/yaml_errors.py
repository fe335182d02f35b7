"""Why a text is not YAML, in the words that CircleCI's users know.

libyaml finds the failure fast but says it in its own words.  The text up to the failure is parsed
once more with the parser written in Python, whose messages are the familiar ones.
"""

from __future__ import annotations

from typing import Any

from roundel.compiler.tree import Mark

MOST_EVENTS = 20_000  # the slow parser gives up after these; the fast one's words are shown then
LONGEST_RETRY = 400_000  # characters


def explain_parse_failure(text: str, error: Exception) -> tuple[str, Mark | None]:
    """Return the message of a parse failure and its mark."""
    import yaml

    if len(text) <= LONGEST_RETRY:
        try:
            _parse_slowly(text)
        except yaml.MarkedYAMLError as found:
            return _words(found), found.problem_mark or found.context_mark
        except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as found:
            return _unreadable(found), None
    if isinstance(error, yaml.MarkedYAMLError):
        return _words(error), error.problem_mark or error.context_mark
    return _unreadable(error), None


def _parse_slowly(text: str) -> None:
    import yaml

    loader: Any = yaml.SafeLoader(text)
    loader.name = "string"
    try:
        for _ in range(MOST_EVENTS):
            if loader.get_event() is None:
                return
    finally:
        loader.dispose()


def _words(error: Any) -> str:
    lines: list[str] = []
    for words, mark in (
        (error.context, error.context_mark),
        (error.problem, error.problem_mark),
    ):
        if words is None:
            continue
        lines.append(words)
        if mark is None:
            continue
        if lines[1:] == [] and error.problem_mark is not None and _same(mark, error.problem_mark):
            continue  # one place is shown once
        lines.append(f" in 'string', line {mark.line + 1}, column {mark.column + 1}:")
        snippet = mark.get_snippet(indent=4) if mark.buffer is not None else None
        if snippet:
            lines.extend(_outdented(snippet))
    return "\n".join(lines)


def _same(one: Any, other: Any) -> bool:
    return (
        one is not other
        and one.name == other.name
        and (one.line, one.column) == (other.line, other.column)
    )


def _outdented(snippet: str) -> list[str]:
    return snippet.split("\n")


def _unreadable(error: Exception) -> str:
    return str(error).replace("<unicode string>", "string")
