"""Refusals as responses: one place, one shape, `{"message": ...}`."""

import re
from collections.abc import Mapping

import msgspec

from roundel.domain.errors import DomainError, Invalid, TooOften

INTERNAL = "Something went wrong on the server; its log has the details under this request id"

AWAY = "The server's database does not answer at the moment; nothing was changed, try again"


class Refusal(Exception):
    """An answer that only HTTP knows: no such route, method or size."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


def headers_of(error: DomainError) -> Mapping[str, str]:
    """Return what goes along with a refusal."""
    if isinstance(error, TooOften):
        return {"retry-after": str(error.retry_after)}
    return {}


_BYTE = re.compile(r"\(byte (\d+)\)")
_PLACE = re.compile(r" - at `\$\.?(?P<path>.*?)`$")


def malformed(body: bytes, error: Exception) -> Invalid:
    """Return the refusal of a body that is no JSON, saying where."""
    if isinstance(error, RecursionError):
        return Invalid("Malformed JSON: it is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return Invalid(f"Malformed JSON: not valid UTF-8 {_line_and_column(body, error.start)}")
    found = _BYTE.search(str(error))
    at = int(found.group(1)) if found else len(body)
    reason = _BYTE.sub("", str(error)).removeprefix("JSON is malformed: ").strip()
    return Invalid(f"Malformed JSON {_line_and_column(body, at)}: {reason}")


def mistyped(error: msgspec.ValidationError) -> Invalid:
    """Return the refusal of a body of the wrong shape, naming the field."""
    text = str(error).replace("`", "'")
    found = _PLACE.search(str(error))
    if found is None:
        return Invalid(f"The request body is not as expected: {text}")
    reason = _PLACE.sub("", str(error)).replace("`", "'")
    return Invalid(f"{found['path'] or 'request body'}: {reason[:1].lower()}{reason[1:]}")


def _line_and_column(body: bytes, at: int) -> str:
    line = body.count(b"\n", 0, at) + 1
    column = at - (body.rfind(b"\n", 0, at) + 1) + 1
    return f"at line {line}, column {column}"
