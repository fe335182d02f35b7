"""A container's files through the engine's archive API, for images without a tar of their own."""

from collections.abc import AsyncIterator

import aiohttp
from aiodocker import Docker
from aiodocker.exceptions import DockerError

_PIECE_BYTES = 256 * 1024
_NO_LIMIT = aiohttp.ClientTimeout()  # the job's own limit is what bounds a transfer


class ContainerArchives:
    """Implements `backends.protocol.Archives`; the client has no streams for this."""

    def __init__(self, engine: Docker, container: str) -> None:
        self._engine = engine
        self._path = f"containers/{container}/archive"

    async def read(self, path: str) -> AsyncIterator[bytes]:
        """Yield the archive of a path."""
        try:
            async with self._engine._query(
                self._path, params={"path": path}, timeout=_NO_LIMIT
            ) as response:
                async for piece in response.content.iter_chunked(_PIECE_BYTES):
                    yield piece
        except (DockerError, aiohttp.ClientError) as error:
            raise OSError(f"the engine does not give {path}: {error}") from error

    async def write(self, path: str, data: AsyncIterator[bytes]) -> None:
        """Unpack an archive in a folder."""
        try:
            async with self._engine._query(
                self._path,
                method="PUT",
                params={"path": path},
                data=data,
                headers={"Content-Type": "application/x-tar"},
                timeout=_NO_LIMIT,
            ) as response:
                await response.read()
        except (DockerError, aiohttp.ClientError) as error:
            raise OSError(f"the engine does not take files for {path}: {error}") from error
