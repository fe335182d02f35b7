"""`roundel runner`: runs jobs for a server elsewhere.

It opens connections and never waits for any, so it needs no open port.  Nothing of the server is
imported: neither its rooms nor the libraries that only they use.
"""

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import Any

import click

from roundel.cli.options import (
    backend_option,
    image_map_option,
    machine_option,
    option,
    prepare_ahead_option,
    remote_docker_option,
    slots_option,
)
from roundel.cli.output import Failure
from roundel.domain.errors import DomainError
from roundel.settings import BackendChoice, MachineChoice, Settings, default_data_folder

HAND_OVER_SECONDS = 10.0  # for jobs under way; the rest goes on by itself and is taken up again


@click.command()
@option("--server", required=True, metavar="URL", help="The server's address.")
@option("--token", required=True, metavar="TOKEN", help="A token of the resource class.")
@option(
    "--resource-class",
    metavar="NS/NAME",
    help="The class to serve; the token's own, which is the only one that it may serve.",
)
@option("--data", type=click.Path(file_okay=False, path_type=Path), help="Where its jobs lie.")
@slots_option
@backend_option
@machine_option
@remote_docker_option
@prepare_ahead_option
@image_map_option
def runner(server: str, data: Path | None, **options: Any) -> None:
    """Run jobs for the server at URL until told to end."""
    if not server.startswith(("http://", "https://")):
        raise Failure(f"--server must begin with http:// or https://, got {server!r}")
    folder = data or default_data_folder(dict(os.environ), Path.home()).with_name("roundel-runner")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        asyncio.run(_run(server, folder, **options))
    except DomainError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"the runner cannot start: {error}") from error


async def _run(
    server: str,
    folder: Path,
    *,
    token: str,
    resource_class: str | None,
    slots: int | None,
    backend: str,
    machine: str | None,
    remote_docker: str,
    prepare_ahead: int,
    image_map: tuple[tuple[str, str], ...],
) -> None:
    from roundel.backends.choosing import former_of, make_backend
    from roundel.domain.clock import SystemClock
    from roundel.runner.main import Runner
    from roundel.wire.runner_client import RemoteServer

    settings = Settings(
        data=folder,
        backend=BackendChoice(backend),
        machine=None if machine is None else MachineChoice(machine),
        remote_docker=remote_docker,
        prepare_ahead=prepare_ahead,
        image_map=image_map,
    )
    async with RemoteServer(server, token) as remote:
        running = Runner(
            remote,
            make_backend(settings),
            folder=folder,
            clock=SystemClock(),
            slots=slots or os.cpu_count() or 1,
            resource_classes=() if resource_class is None else (resource_class,),
            former=former_of(settings, folder),
        )
        loop = asyncio.get_running_loop()
        ending: set[asyncio.Task[None]] = set()

        def end(grace_seconds: float) -> None:
            ending.add(loop.create_task(running.stop(grace_seconds)))

        loop.add_signal_handler(signal.SIGTERM, end, HAND_OVER_SECONDS)
        loop.add_signal_handler(signal.SIGINT, end, HAND_OVER_SECONDS)
        click.echo(f"Running jobs for {server}")
        await running.run()
