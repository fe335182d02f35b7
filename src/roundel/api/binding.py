"""The binder: reads path, query and body of a request as its operation declares them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from roundel.api.errors import Refusal, malformed, mistyped
from roundel.api.operations import AnyOperation
from roundel.domain.clock import SECOND, Micros
from roundel.domain.errors import Invalid

MOST_PARAMETERS = 100
_JSON, _EDN = "application/json", "application/edn"
HIGHEST_NUMBER = 2**63 - 1  # what databases store


class ClientGone(Exception):
    """The client went away before its request was complete; there is nobody to answer."""


def read_query(query_string: bytes) -> dict[str, str]:
    """Return the query's parameters; of a repeated one the last counts."""
    if not query_string:
        return {}
    try:
        pairs = parse_qsl(
            query_string.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except UnicodeDecodeError as error:
        raise Invalid("The query string is not valid UTF-8") from error
    except ValueError as error:
        raise Invalid(f"The query string has more than {MOST_PARAMETERS} parameters") from error
    return dict(pairs)


def flag(query: Mapping[str, str], name: str) -> bool:
    """Return a boolean query parameter; an absent or empty one is false."""
    match query.get(name, "").lower():
        case "" | "false" | "0":
            return False
        case "true" | "1":
            return True
    raise Invalid(f"{name}: expected true or false, got {query[name]!r}")


def whole_number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Return a query parameter between 0 and `most`."""
    text = query.get(name, "")
    if not text:
        return default
    number = number_of(text)
    if number is None or number > most:
        raise Invalid(f"{name}: expected a whole number from 0 to {most}, got {text[:40]!r}")
    return number


def number_of(text: str) -> int | None:
    """Return the number that `text` writes in plain digits, or None."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        return None
    number = int(text)
    return number if number <= HIGHEST_NUMBER else None


def moment(name: str, text: str) -> Micros:
    """Return the moment that a text names: RFC 3339, or a date alone, which begins at 0:00 UTC."""
    try:
        # A plus sign that nobody escaped has become a space on its way.
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return Micros(int(found.timestamp() * SECOND))
    except (ValueError, OverflowError):
        raise Invalid(
            f"{name}: expected a time such as 2026-01-31T00:00:00Z, got {text[:40]!r}"
        ) from None


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return the whole body, or refuse one that is larger than `limit`."""
    declared = number_of(header(scope, b"content-length"))
    if declared is not None and declared > limit:
        raise _too_large(limit)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"The request body is larger than {limit} bytes", {"connection": "close"})


class Bodies:
    """Decodes bodies; one decoder per struct, made when an operation is registered."""

    def __init__(self, operation: AnyOperation) -> None:
        self._optional = operation.body_optional
        self._decoder: msgspec.json.Decoder[Any] | None = None
        if operation.body is not None:
            self._decoder = msgspec.json.Decoder(operation.body)

    def decode(self, scope: Scope, body: bytes) -> Any:
        """Return the struct in `body`; refuse what is malformed (where) or mistyped (which)."""
        if self._decoder is None:
            return None
        if self._optional and not (body.strip() and _is_json(scope)):
            body = b"{}"
        if not body.strip():
            raise Invalid("The request has no body; send a JSON object")
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise mistyped(error) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(body, error) from error


def refuse_edn(scope: Scope) -> None:
    """Refuse who sends EDN or takes nothing else, as old clients of v1.1 do; JSON is all we speak.

    `Accept` is passed over otherwise: many clients ask for what they do not mean.
    """
    if header(scope, b"content-type").lower().startswith(_EDN):
        raise Refusal(415, "EDN is not understood here; send JSON, with content-type: " + _JSON)
    wanted = header(scope, b"accept").lower()
    if _EDN in wanted and not any(other in wanted for other in (_JSON, "application/*", "*/*")):
        raise Refusal(406, "EDN is not spoken here; ask with accept: " + _JSON)


def header(scope: Scope, name: bytes) -> str:
    """Return the last value of a request header, or an empty text."""
    lines: dict[bytes, bytes] | None = scope.get("roundel.lines")
    if lines is None:
        lines = scope["roundel.lines"] = dict(scope["headers"])
    value = lines.get(name)
    return "" if value is None else value.decode("latin-1")


def _is_json(scope: Scope) -> bool:
    kind = header(scope, b"content-type").split(";")[0].strip().lower()
    return kind == _JSON or kind.endswith("+json")
