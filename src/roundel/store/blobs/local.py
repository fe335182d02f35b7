"""Blobs in a folder or an object store, through obstore."""

import asyncio
import os
from collections.abc import AsyncIterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore.store import LocalStore


class FolderBlobs:
    """Implements `domain.blobs.Blobs` in a folder; the client is loaded at the first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: LocalStore | None = None

    @property
    def _store(self) -> "LocalStore":
        if self._opened is None:
            from obstore.store import LocalStore  # a small install of few jobs never loads it

            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._opened = LocalStore(self._folder)
        return self._opened

    async def put(self, name: str, data: bytes) -> None:
        """Write an object; to write the same bytes twice is a no-op."""
        await self._store.put_async(name, data)
        await asyncio.to_thread(self._settle, name)

    async def put_stream(self, name: str, pieces: AsyncIterable[bytes]) -> None:
        """Write an object whose bytes come one piece after another; it is there at the end."""
        await self._store.put_async(name, aiter(pieces))
        await asyncio.to_thread(self._settle, name)

    def _settle(self, name: str) -> None:
        """Wait until the object is on the disk: the database is about to rely on it.

        The client renames a finished file into place and leaves the rest to the system, which
        after a power failure may have the row and not the bytes.
        """
        path = self._folder / name
        for kept in (path, *path.parents):
            if kept == self._folder.parent:
                return
            descriptor = os.open(kept, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    async def get(self, name: str, *, start: int = 0, end: int | None = None) -> bytes:
        """Return the object's bytes in `[start, end)`."""
        if end is None:
            found = await self._store.get_async(name)
            return bytes(await found.bytes_async())[start:]
        if end <= start:
            return b""
        return bytes(await self._store.get_range_async(name, start=start, end=end))

    async def size(self, name: str) -> int | None:
        """Return the object's length, None without it."""
        try:
            return int((await self._store.head_async(name))["size"])
        except FileNotFoundError:
            return None

    async def remove(self, name: str) -> None:
        """Remove the object; one that is not there is no error."""
        try:
            await self._store.delete_async(name)
        except FileNotFoundError:
            return
