"""The files of a job's primary container, kept as an image."""

import contextlib
from collections.abc import Collection
from pathlib import Path

from aiodocker import Docker
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError


async def drop_images(engine: Docker, repository: str, tags: Collection[str] | None) -> int:
    """Remove images by their names, all of a repository or these tags of it; return how many."""
    images = await engine.images.list(filters={"reference": [repository]})
    known = {name for image in images for name in image["RepoTags"] or ()}
    wanted = known if tags is None else known & {f"{repository}:{tag}" for tag in tags}
    dropped = 0
    for name in sorted(wanted):
        with contextlib.suppress(DockerError):  # a container still uses it
            await engine.images.delete(name)
            dropped += 1
    return dropped


class Commits:
    """Implements `sandbox.Keeper` for one container.  An image costs what has changed in it."""

    def __init__(self, engine: Docker, container: DockerContainer) -> None:
        self._engine = engine
        self._container = container

    async def save(self, name: str, folder: Path, cheaply: bool) -> str | None:
        """Commit the container, in the place of the image that had this name before."""
        del folder, cheaply
        with contextlib.suppress(DockerError):  # there is none, or a container still uses it
            await self._engine.images.delete(name)
        repository, _, tag = name.rpartition(":")
        try:
            await self._container.commit(repository=repository, tag=tag)
        except DockerError as error:
            raise OSError(f"the container cannot be kept: {error.message}") from error
        return name

    async def restore(self, folder: Path) -> None:
        """All is in the image."""
        del folder
