"""Answers as bytes, and a memory of those that many ask for again and again."""

import gzip
import hashlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar, cast

import msgspec

from roundel.domain.clock import Micros

MOST_KEPT = 8 * 1024 * 1024  # bytes of answers that are remembered
LONGEST_KEPT = 64 * 1024
_PACKING = 1  # gzip's level: three times smaller already, at a fifth of the usual level's time

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


class Written(Generic[T]):
    """A `T` as JSON, with its entity tag and its packed form, each made when first asked for."""

    __slots__ = ("_packed", "_tag", "body")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._tag: bytes | None = None
        self._packed: bytes | None = None

    @property
    def tag(self) -> bytes:
        """Return the entity tag; weak, as packing does not change it."""
        if self._tag is None:
            digest = hashlib.sha256(self.body).hexdigest()[:24]
            self._tag = f'W/"{digest}"'.encode()
        return self._tag

    @property
    def packed(self) -> bytes:
        """Return the body as gzip."""
        if self._packed is None:
            self._packed = gzip.compress(self.body, _PACKING, mtime=0)
        return self._packed


def write(answer: T) -> Written[T]:
    """Return a struct, a list or a mapping as JSON."""
    return Written(_encoder.encode(answer))


class SteadyAnswers:
    """Answers to reads, for as long as nothing at all is written to the database.

    Only those of operations that are `steady`, or for a time, belong here.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, tuple[object, Micros, Written[Any]]] = {}
        self._state: int | None = None
        self._size = 0

    def find(self, state: int, asked: Hashable, caller: object, now: Micros) -> Written[Any] | None:
        """Return the answer that was kept in this state of the database, for this very caller."""
        if state != self._state:
            self._forget(state)
            return None
        found = self._answers.get(asked)
        if found is None or found[0] is not caller or now > found[1]:
            return None
        return found[2]

    def keep(
        self, state: int, asked: Hashable, caller: object, until: Micros, answer: Written[Any]
    ) -> None:
        """Keep what was read after the database was seen in this state, for no longer than that."""
        size = len(answer.body)
        if state != self._state or size > LONGEST_KEPT:
            return
        if self._size + size > MOST_KEPT:
            self._forget(state)
        self._answers[asked] = (caller, until, answer)
        self._size += size

    def _forget(self, state: int) -> None:
        self._state, self._size = state, 0
        self._answers.clear()


class WrittenPages:
    """Pages by the values that they show, which never change: the same ones read the same.

    It saves the writing, never the reading: whoever asks has just read these values, and may.
    """

    def __init__(self) -> None:
        self._pages: dict[tuple[object, ...], tuple[list[object], Written[object]]] = {}
        self._size = 0

    def page(
        self, kind: str, shown: Sequence[object], more: bool, make: Callable[[], T]
    ) -> Written[T]:
        """Return the page `kind` of the very objects `shown`; `make` says what is to be written.

        Nothing else may have a say in what `make` returns.
        """
        key = (kind, more, *map(id, shown))
        found = self._pages.get(key)
        # As the objects are kept here too, nobody else can have come by their identities.
        if found is not None:
            return cast("Written[T]", found[1])
        written = write(make())
        size = len(written.body)
        if size <= LONGEST_KEPT:
            if self._size + size > MOST_KEPT:
                self._pages.clear()
                self._size = 0
            self._pages[key] = (list(shown), cast("Written[object]", written))
            self._size += size
        return written
