"""Large immutable bytes under a name: a folder or an object store."""

from collections.abc import AsyncIterable
from typing import Protocol


class Blobs(Protocol):
    """Objects are written once; to write the same bytes twice is a no-op."""

    async def put(self, name: str, data: bytes) -> None: ...

    async def put_stream(self, name: str, pieces: AsyncIterable[bytes]) -> None:
        """Write an object whose bytes come one piece after another; it is there at the end."""

    async def get(self, name: str, *, start: int = 0, end: int | None = None) -> bytes:
        """Return the object's bytes in `[start, end)`; raise FileNotFoundError without it."""

    async def size(self, name: str) -> int | None:
        """Return the object's length, None without it."""

    async def remove(self, name: str) -> None:
        """Remove the object; one that is not there is no error."""
