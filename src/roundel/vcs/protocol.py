"""What adapters of git hosts share: comparing in constant time, and reading without trust."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from roundel.domain.git_events import Message
from roundel.domain.git_hosts import GitHost, Unverified

Tree: TypeAlias = Mapping[str, Any]

__all__ = [
    "Fields",
    "GitHost",
    "Message",
    "Tree",
    "Unverified",
    "read_json",
    "same",
    "sha256_signature_fits",
]

LONGEST_TEXT = 10_000  # characters of one text that we keep of a message
MOST_LABELS = 100


def same(given: str, expected: str) -> bool:
    """Compare in a time that tells nothing of where two texts differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def sha256_signature_fits(given: str, raw_body: bytes, secret: str) -> bool:
    """Tell whether `given` is the HMAC-SHA256 of the body in hex."""
    made = hmac.new(secret.encode(), raw_body, hashlib.sha256).hexdigest()
    return same(given, made)


def read_json(raw_body: bytes) -> "Fields | Unverified":
    """Return the object in a body, or why there is none."""
    try:
        tree = msgspec.json.decode(raw_body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Unverified("The body is not JSON.", status=400)
    if not isinstance(tree, dict):
        return Unverified("The body is not a JSON object.", status=400)
    return Fields(tree)


class Fields:
    """An object of which nothing is known: whatever is not as expected counts as absent."""

    __slots__ = ("_tree",)

    def __init__(self, tree: Any) -> None:
        self._tree: Tree = tree if isinstance(tree, dict) else {}

    def __bool__(self) -> bool:
        return bool(self._tree)

    def at(self, *path: str) -> "Fields":
        """Return the object at a path; an empty one where there is none."""
        found: Any = self._tree
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return Fields(found)

    def text(self, *path: str) -> str:
        """Return a text; a number as its digits; an empty one where there is neither."""
        found = self.at(*path[:-1])._tree.get(path[-1])
        if isinstance(found, str):
            return found[:LONGEST_TEXT].replace("\0", "")
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        return ""

    def number(self, *path: str) -> int:
        """Return a number that is no less than 0; 0 where there is none."""
        found = self.at(*path[:-1])._tree.get(path[-1])
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 2**62:
            return 0
        return found

    def flag(self, *path: str) -> bool:
        """Return a truth value; False where there is none."""
        return self.at(*path[:-1])._tree.get(path[-1]) is True

    def has(self, *path: str) -> bool:
        """Tell whether there is anything but null."""
        return self.at(*path[:-1])._tree.get(path[-1]) is not None

    def each(self, *path: str) -> "Sequence[Fields]":
        """Return the objects of a list; none where there is no list."""
        found = self.at(*path[:-1])._tree.get(path[-1])
        return [Fields(it) for it in found] if isinstance(found, list) else []


def quoted_path(text: str) -> str:
    """Return a text as one or more segments of an address."""
    return quote(text, safe="/")
