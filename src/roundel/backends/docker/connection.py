"""The connection to an engine, made when it is first needed; containers by their labels."""

import asyncio
import json
import os
from collections.abc import Iterable
from typing import Any

import aiohttp
from aiodocker import Docker
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError

_REMOVE_TRIES = 3


class Connection:
    """A client of the engine at `url`, or at the usual place."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._docker: Docker | None = None

    @property
    def engine(self) -> Docker:
        """The client.  Raise ValueError or AssertionError where no engine can be found."""
        if self._docker is None:
            url = self._url or os.environ.get("DOCKER_HOST")
            if url is not None and url.startswith("unix://"):
                # Each job holds a connection while it waits for its container's end.
                connector = aiohttp.UnixConnector(url.removeprefix("unix://"), limit=0)
                session = aiohttp.ClientSession(
                    connector=connector, timeout=aiohttp.ClientTimeout()
                )
                self._docker = _OwnSession("unix://localhost", session=session, connector=connector)
            else:
                self._docker = Docker(url)
        return self._docker

    async def close(self) -> None:
        """Close what was opened; it opens again when it is needed."""
        if self._docker is not None:
            await self._docker.close()
            self._docker = None

    async def find(self, label: str) -> list[dict[str, Any]] | None:
        """Return the engine's containers with this label; None where it does not answer."""
        filters = json.dumps({"label": [label]})
        try:
            found = await self.engine.containers.list(all=1, filters=filters)
        except DockerError:
            return None
        return [{"Id": c.id, "Labels": c["Labels"] or {}, "State": c["State"]} for c in found]

    async def remove(self, found: Iterable[dict[str, Any]]) -> None:
        """Remove containers that `find` has found, running or not."""
        containers = self.engine.containers
        await asyncio.gather(*(_remove(containers.container(each["Id"])) for each in found))


class _OwnSession(Docker):
    """A client that closes the session it was given."""

    async def close(self) -> None:
        await super().close()
        await self.session.close()


async def _remove(container: DockerContainer) -> None:
    for attempt in range(_REMOVE_TRIES):
        try:
            await container.delete(force=True, v=True)
        except DockerError as error:
            # 404: gone; 409: somebody else is removing it.
            if error.status in (404, 409) or attempt == _REMOVE_TRIES - 1:
                return
        except (aiohttp.ClientError, OSError):
            return
        else:
            return
