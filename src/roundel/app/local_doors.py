"""The API beside a local run, for a setup job that hands a config over."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn

from roundel.api.app import create_api
from roundel.api.ports import ApiSettings
from roundel.app.engine import Engine
from roundel.app.use_cases import UseCases
from roundel.services.work import Addresses

CLOSE_SECONDS = 2


class _Doors(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the run's affair


@contextlib.asynccontextmanager
async def api_beside(engine: Engine, host: str) -> AsyncIterator[None]:
    """Answer on a free port of `host`, which jobs are told of, until the block is left."""
    listener = socket.create_server((host, 0))
    listener.setblocking(False)
    url = f"http://{host}:{listener.getsockname()[1]}"
    engine.addresses = Addresses(own_url=url, public_url=url, job_url=url)
    settings = ApiSettings(signing_key=engine.signing_key(), public_url=None)
    doors = _Doors(
        uvicorn.Config(
            create_api(engine, UseCases(engine), settings),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=CLOSE_SECONDS,
        )
    )
    serving = asyncio.create_task(doors.serve(sockets=[listener]), name="api")
    try:
        yield
    finally:
        doors.should_exit = True
        await serving
        listener.close()
