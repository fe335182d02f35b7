"""Parameters of pipelines as people write them: `name=value`, one a line."""

import json
from collections.abc import Mapping
from typing import Any

from roundel.domain.errors import Invalid
from roundel.domain.plan import Json

WORDS = {"true": True, "false": False}


def parameters_of(text: str) -> dict[str, Json]:
    """Read `name=value` lines; true, false and whole numbers are what they look like."""
    found: dict[str, Json] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:
            raise Invalid(f"Parameters, line {number}: expected name=value, got {line[:60]!r}.")
        found[name] = _value(value)
    return found


def _value(text: str) -> Json:
    if text in WORDS:
        return WORDS[text]
    if text.removeprefix("-").isdigit() and text.isascii() and len(text) < 16:
        return int(text)
    if text.startswith('"'):
        try:
            read: Any = json.loads(text)
        except ValueError:
            return text
        return read if isinstance(read, str) else text
    return text


def written(parameters: Mapping[str, Json]) -> str:
    """Return the lines that are read as these parameters."""
    return "\n".join(f"{name}={_text(value)}" for name, value in parameters.items())


def _text(value: Json) -> str:
    if isinstance(value, str) and _value(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
