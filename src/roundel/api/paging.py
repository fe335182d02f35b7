"""Page tokens: opaque to clients, the key of the last row to us."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import is_uuid

T = TypeVar("T")

PAGE_SIZE = 20
_LONGEST = 200  # ours are about 90 characters
_LONGEST_NAMED = 4096  # names have 1024 bytes at most
_FOREIGN = "Invalid page token: use next_page_token of an earlier answer, unchanged"


class _Key(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    list: str
    at: int
    id: str


_decoder = msgspec.json.Decoder(_Key)


def token(of: str, at: Micros, row_id: str) -> str:
    """Return the token of the page after the row (`at`, `row_id`) in the list named `of`."""
    text = msgspec.json.encode(_Key(of, at, row_id))
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def read_token(of: str, text: str | None) -> tuple[Micros, str] | None:
    """Return the key in a token of the list `of`; an empty or absent one means the first page."""
    if not text:
        return None
    if len(text) > _LONGEST:
        raise Invalid(_FOREIGN)
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
        key = _decoder.decode(raw)
    except (binascii.Error, ValueError) as error:  # msgspec's errors are ValueErrors
        raise Invalid(_FOREIGN) from error
    if key.list != of or not is_uuid(key.id) or not 0 <= key.at < 1 << 62:
        raise Invalid(_FOREIGN)
    return Micros(key.at), key.id


class _NamedKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    list: str
    at: int
    name: str


_named_decoder = msgspec.json.Decoder(_NamedKey)


def named_token(of: str, at: int, name: str) -> str:
    """Return the token of the page after the row (`at`, `name`), for lists ordered by name."""
    text = msgspec.json.encode(_NamedKey(of, at, name))
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def read_named_token(of: str, text: str | None) -> tuple[int, str] | None:
    """Return the key in a token that `named_token` made; None means the first page."""
    if not text:
        return None
    if len(text) > _LONGEST_NAMED:
        raise Invalid(_FOREIGN)
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
        key = _named_decoder.decode(raw)
    except (binascii.Error, ValueError) as error:
        raise Invalid(_FOREIGN) from error
    if key.list != of or not 0 <= key.at < 1 << 62:
        raise Invalid(_FOREIGN)
    return key.at, key.name


def page(rows: Sequence[T], size: int = PAGE_SIZE) -> tuple[Sequence[T], T | None]:
    """Split what `size + 1` was asked of into the page and, if more follows, its last row."""
    if len(rows) <= size:
        return rows, None
    shown = rows[:size]
    return shown, shown[-1]
