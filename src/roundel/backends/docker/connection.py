"""The connection to an engine, made when it is first needed; containers by their labels."""

import asyncio
import json
import logging
import os
from collections.abc import Iterable
from typing import Any

import aiohttp
from aiodocker import Docker
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError

from roundel.backends.docker.containers import EXECUTION_LABEL, JOB_LABEL

LOG = logging.getLogger("roundel.runner")

_REMOVE_TRIES, _REMOVE_PAUSE_SECONDS = 3, 0.2  # a file system that is busy for a moment


class Connection:
    """A client of the engine at `url`, or at the usual place."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._docker: Docker | None = None
        self._unremoved: set[str] = set()  # by label, as the engine was away or refused

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
        except (DockerError, aiohttp.ClientError, OSError):
            return None
        return [{"Id": c.id, "Labels": c["Labels"] or {}, "State": c["State"]} for c in found]

    async def remove(self, found: Iterable[dict[str, Any]]) -> bool:
        """Remove containers that `find` has found, running or not; tell whether all are gone.

        Those that the engine does not remove are named in the log.
        """
        found = list(found)
        reasons = await asyncio.gather(
            *(_remove(self.engine.containers.container(each["Id"])) for each in found)
        )
        for each, why in zip(found, reasons, strict=True):
            if why is not None:
                labels = each["Labels"]
                LOG.error(
                    "event=container_left container=%s execution=%s job=%s: %s; the next sweep "
                    "tries again",
                    each["Id"],
                    labels.get(EXECUTION_LABEL),
                    labels.get(JOB_LABEL),
                    why,
                )
        return not any(reasons)

    async def remove_with(self, label: str, known: Iterable[dict[str, Any]] | None = None) -> None:
        """Remove the containers with a label, now or with those that are removed next.

        Those that are not known are looked for: some may have been made without our hearing of it.
        """
        await self._remove_with(label, known)
        # An engine that comes back has the containers that it went away with.
        for late in self._unremoved - {label}:
            await self._remove_with(late, None)

    async def _remove_with(self, label: str, known: Iterable[dict[str, Any]] | None) -> None:
        found = await self.find(label) if known is None else known
        if found is None or not await self.remove(found):
            self._unremoved.add(label)
        else:
            self._unremoved.discard(label)


class _OwnSession(Docker):
    """A client that closes the session it was given."""

    async def close(self) -> None:
        await super().close()
        await self.session.close()


async def _remove(container: DockerContainer) -> str | None:
    """Remove a container; return why it is still there, None where it is gone."""
    why = None
    for attempt in range(_REMOVE_TRIES):
        await asyncio.sleep(attempt * _REMOVE_PAUSE_SECONDS)
        try:
            await container.delete(force=True, v=True)
        except DockerError as error:
            if error.status in (404, 409):  # gone; somebody else is removing it
                return None
            why = error.message
        except (aiohttp.ClientError, OSError) as error:
            why = str(error) or type(error).__name__
        else:
            return None
    return why
