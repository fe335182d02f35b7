"""`roundel serve`: the server."""

import os
from pathlib import Path
from typing import Any

import click

from roundel.cli.loading import loading
from roundel.cli.options import (
    backend_option,
    image_map_option,
    machine_option,
    option,
    prepare_ahead_option,
    rate_limit_option,
    remote_docker_option,
    slots_option,
)
from roundel.cli.output import Failure
from roundel.domain.errors import DomainError
from roundel.domain.runners import Secret
from roundel.settings import (
    DEFAULT_PORT,
    BackendChoice,
    MachineChoice,
    Settings,
    default_data_folder,
)


@click.command()
@option("--data", type=click.Path(file_okay=False, path_type=Path), help="The data folder.")
@option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@option("--database-url", metavar="URL", help="PostgreSQL instead of the embedded database.")
@option("--blob-url", metavar="URL", help="An object store instead of the data folder.")
@slots_option
@option("--no-runner", is_flag=True, help="Run no jobs here; runners elsewhere do.")
@backend_option
@machine_option
@remote_docker_option
@prepare_ahead_option
@image_map_option
@option("--public-url", metavar="URL", help="The address that links and webhooks carry.")
@option("--job-url", metavar="URL", help="The address at which jobs reach the server.")
@option(
    "--master-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The key that secrets are sealed under; by default DIR/master-key is made.",
)
@rate_limit_option
@option(
    "--shells",
    is_flag=True,
    help="Let contributors open a shell in a job that runs, from its page.",
)
@option(
    "--allow-private-addresses",
    is_flag=True,
    help="Let URL orbs come from, and webhooks go to, private networks and over http.",
)
def serve(
    data: Path | None,
    no_runner: bool,
    backend: str,
    machine: str | None,
    image_map: tuple[Any, ...],
    rate_limit: tuple[Any, ...],
    **rest: Any,
) -> None:
    """Serve the API, pages, scheduler and, unless --no-runner, run jobs."""
    with loading():
        from roundel.app import serve as serve_until_told

    settings = Settings(
        data=data or default_data_folder(dict(os.environ), Path.home()),
        run_jobs=not no_runner,
        backend=BackendChoice(backend),
        machine=None if machine is None else MachineChoice(machine),
        image_map=image_map,
        rate_limits=rate_limit,
        master_key=_master_key(),
        **_checked(rest),
    )
    try:
        serve_until_told(settings, announce=_announce)
    except DomainError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"the server cannot start: {error}") from error


def _master_key() -> Secret | None:
    """Return the key in the environment, which nothing that we start is to inherit."""
    text = os.environ.pop("ROUNDEL_MASTER_KEY", "")
    return Secret(text) if text.strip() else None


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """Check the addresses that clients and jobs will be given."""
    for name in ("public_url", "job_url"):
        url = options[name]
        if url is not None and not url.startswith(("http://", "https://")):
            option = name.replace("_", "-")
            raise Failure(f"--{option} must begin with http:// or https://, got {url!r}")
        options[name] = url.rstrip("/") if url else None
    return options


def _announce(url: str) -> None:
    click.echo(f"Roundel is ready at {url}")
