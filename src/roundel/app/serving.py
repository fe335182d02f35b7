"""Serving: the doors and the runner in one process, from the first answer to a graceful end."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import uvicorn

from roundel.app.doors import create_doors
from roundel.app.engine import CannotServe, Engine, build
from roundel.app.journal import start_journal
from roundel.app.long_answers import LongAnswers
from roundel.backends.choosing import NO_MACHINES, executors_of, former_of, make_backend
from roundel.domain.errors import DomainError
from roundel.domain.jobs import MACHINE_LANE, lane_of
from roundel.runner.main import Runner
from roundel.settings import Settings
from roundel.wire.messages import PREFIX, WAITING

Announce: TypeAlias = Callable[[str], None]

CLOSE_SECONDS = 5  # for answers under way and open streams when the server is told to end
HAND_OVER_SECONDS = 10.0  # for jobs under way; the rest goes on by itself and is taken up again
BACKLOG = 2048
LARGEST_FRAME = 64 * 1024  # of a WebSocket; longer ones end it
TRY_AGAIN_SECONDS = 5.0  # a container engine may be started after us

log = logging.getLogger(__name__)


def serve(settings: Settings, *, announce: Announce) -> None:
    """Serve until SIGTERM or SIGINT; `announce` hears the address once it answers."""
    start_journal()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings, announce))


async def _serve(settings: Settings, announce: Announce) -> None:
    listener = _listen(settings)
    engine = build(settings)
    try:
        engine.listens_on(listener.getsockname()[1])
        await engine.start()
        with _runner_beside(engine) as hand_over:
            await _serve_http(engine, listener, announce)
            await hand_over()
    finally:
        listener.close()
        await engine.stop()
    log.info("the server has ended", extra={"event": "stopped"})


async def _serve_http(engine: Engine, listener: socket.socket, announce: Announce) -> None:
    long = LongAnswers(create_doors(engine), {f"{PREFIX}/{verb}" for verb in WAITING})
    config = uvicorn.Config(
        long,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        **_websockets(engine.settings),
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    server = _Doors(config, lambda: announce(engine.addresses.own_url), long.close)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.end)
    # What was made for the start lives as long as the process: keep it out of every collection.
    gc.collect()
    gc.freeze()
    await server.serve(sockets=[listener])


def _websockets(settings: Settings) -> dict[str, Any]:
    """Return how WebSockets are spoken: for shells, and not at all where nobody gets any."""
    if not settings.shells:
        return {"ws": "none"}
    return {"ws": "wsproto", "ws_max_size": LARGEST_FRAME, "ws_per_message_deflate": False}


class _Doors(uvicorn.Server):
    """uvicorn that says when it answers and when it ends, and leaves the signals to us."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn would raise them again after its end, before the engine has closed the store.
        yield

    def end(self) -> None:
        """End gracefully; said twice, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._ending()


@contextlib.contextmanager
def _runner_beside(engine: Engine) -> Iterator[Callable[[], "asyncio.Future[None]"]]:
    """Run jobs beside the server, if they are to run here; yield how to hand them over."""
    loop = asyncio.get_running_loop()
    if not engine.settings.run_jobs:
        yield lambda: asyncio.ensure_future(_nothing())
        return
    engine.folder.runner.mkdir(mode=0o700, exist_ok=True)
    beside = _Beside(engine)
    running = loop.create_task(beside.run(), name="runner")

    async def hand_over() -> None:
        await beside.stop(HAND_OVER_SECONDS)
        await running

    try:
        yield lambda: asyncio.ensure_future(hand_over())
    finally:
        running.cancel()


class _Beside:
    """The runner beside the server.  A machine that cannot run jobs now may be able to later."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runner: Runner | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run jobs until `stop`; while that is impossible, jobs wait and it is told why."""
        said = ""
        self._tell(None)
        while not self._stopping.is_set():
            self._runner = self._make()
            try:
                await self._runner.run()
                return
            except DomainError as error:
                self._tell(str(error))
                if str(error) != said:
                    said = str(error)
                    log.error("jobs wait: %s", said, extra={"event": "runner-refused"})
            except Exception:
                log.exception("the runner failed; jobs wait", extra={"event": "runner-failed"})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TRY_AGAIN_SECONDS):
                    await self._stopping.wait()

    async def stop(self, grace_seconds: float) -> None:
        """Claim nothing more; wait for what runs, then leave it for the next start."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.stop(grace_seconds)

    def _tell(self, trouble: str | None) -> None:
        """Let people who look at a waiting job know what keeps it."""
        served = {lane_of(None, kind) for kind in executors_of(self._engine.settings)}
        why = {} if trouble is None else dict.fromkeys(served, trouble)
        if MACHINE_LANE not in served:
            why[MACHINE_LANE] = NO_MACHINES
        self._engine.supply.troubled(why)

    def _make(self) -> Runner:
        settings = self._engine.settings
        return Runner(
            self._engine.runners,
            make_backend(settings),
            folder=self._engine.folder.runner,
            clock=self._engine.clock,
            slots=settings.slots or os.cpu_count() or 1,
            executors=executors_of(settings),
            former=former_of(settings, self._engine.folder.runner),
        )


async def _nothing() -> None:
    return


def _listen(settings: Settings) -> socket.socket:
    """Bind the port before anything else is touched, so that a taken one harms nothing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        place = f"{settings.host}:{settings.port}"
        raise CannotServe(f"cannot listen on {place}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes the event loop of a server."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
