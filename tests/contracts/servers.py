"""One server, asked in the same process and over HTTP."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.plan import Plan
from roundel.domain.resource_classes import ResourceClass, runner_id
from roundel.domain.runners import JobOrder
from roundel.domain.storage import KeepingServer
from roundel.wire.runner_client import RemoteServer
from tests.api.conftest import SETTINGS
from tests.builders import a_job_plan, a_plan
from tests.fakes import ScriptedRunner
from tests.scenarios.conftest import House

CLASS = "acme/linux"


@dataclass
class Served:
    """A house with a runner class, and the server as a runner of that class sees it."""

    house: House
    server: KeepingServer
    resource_class: ResourceClass
    token: str
    url: str = ""

    def runner(self, name: str = "one") -> ScriptedRunner:
        """Return a runner as it knows itself; over HTTP its class is the server's affair."""
        own = runner_id(self.resource_class, name)
        return ScriptedRunner(self.server, id=own, classes=(CLASS,))


@contextlib.asynccontextmanager
async def served(house: House, how: str) -> AsyncIterator[Served]:
    """Yield the server of `house`: `local`, or `http` through a socket."""
    made, token = await class_with_token(house, CLASS)
    if how == "local":
        yield Served(house, house.engine.runners, made, token)
        return
    async with doors(house) as url, RemoteServer(url, token) as remote:
        yield Served(house, remote, made, token, url)


def remote_plan(*slots: str) -> Plan:
    """Return a plan whose jobs are all of the class."""
    plan = a_plan(*slots)
    jobs = {name: a_job_plan(name, resource_class=CLASS) for name in plan.jobs}
    return a_plan(*slots, **jobs)


async def claimed(there: Served) -> JobOrder:
    """Trigger a job, and claim it as the first runner."""
    await there.house.trigger(remote_plan("build"))
    order = await there.runner().claim()
    assert order is not None
    return order


async def class_with_token(house: House, name: str) -> tuple[ResourceClass, str]:
    made = await house.use.add_resource_class(name, "", house.admin)
    _, token = await house.use.add_runner_token(name, "one", house.admin)
    return made, token


@contextlib.asynccontextmanager
async def doors(house: House) -> AsyncIterator[str]:
    """Serve the house's API on a free port."""
    api = create_api(house.engine, UseCases(house.engine), SETTINGS)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            api, log_config=None, lifespan="off", ws="wsproto", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
