"""`roundel serve`: the server."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import click

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


def remote_docker(text: str) -> str:
    """Check what `setup_remote_docker` is to give."""
    kind, _, image = text.partition("=")
    if text in ("refuse", "socket") or (kind == "sidecar" and image.strip()):
        return text
    raise click.BadParameter(f"{text!r} is none of refuse, socket and sidecar=IMAGE")


def image_rule(text: str) -> tuple[str, str]:
    """Return the two sides of `PATTERN=IMAGE`."""
    pattern, sign, image = text.partition("=")
    if not (sign and pattern.strip() and image.strip()):
        example = "cimg/*=registry.local/ci-base"
        raise click.BadParameter(f"{text!r} is not PATTERN=IMAGE, as in {example!r}")
    return pattern.strip(), image.strip()


Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


def option(name: str, **settings: Any) -> Decorator:
    """Return an option that ROUNDEL_<OPTION> sets as well."""
    variable = "ROUNDEL_" + name.removeprefix("--").upper().replace("-", "_")
    settings["help"] = f"{settings['help']}  [env: {variable}]"
    return click.option(name, envvar=variable, **settings)


machine_option = option(
    "--machine",
    type=click.Choice([choice.value for choice in MachineChoice]),
    help="Where machine jobs run: as processes here (trusted code only), in privileged containers,"
    " or not here.  Default: as processes with --backend process, else not here.",
)
remote_docker_option = option(
    "--remote-docker",
    type=remote_docker,
    default="refuse",
    show_default=True,
    metavar="refuse|socket|sidecar=IMAGE",
    help="What setup_remote_docker gives a job: nothing, the engine's own socket (then the job"
    " may do anything on this machine), or an engine in a privileged container beside it.",
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
@option("--slots", type=click.IntRange(1, 1024), help="How many jobs run here at once.")
@option("--no-runner", is_flag=True, help="Run no jobs here; runners elsewhere do.")
@option(
    "--backend",
    type=click.Choice([choice.value for choice in BackendChoice]),
    default=BackendChoice.AUTO.value,
    show_default=True,
    help="Where jobs run.",
)
@machine_option
@remote_docker_option
@option(
    "--image-map",
    type=image_rule,
    multiple=True,
    metavar="PATTERN=IMAGE",
    help="Take IMAGE where a config asks for one like PATTERN; may be repeated.",
)
@option("--public-url", metavar="URL", help="The address that links and webhooks carry.")
@option("--job-url", metavar="URL", help="The address at which jobs reach the server.")
@option(
    "--master-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The key that secrets are sealed under; by default DIR/master-key is made.",
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
    **rest: Any,
) -> None:
    """Serve the API, pages, scheduler and, unless --no-runner, run jobs."""
    from roundel.app import serve as serve_until_told

    settings = Settings(
        data=data or default_data_folder(dict(os.environ), Path.home()),
        run_jobs=not no_runner,
        backend=BackendChoice(backend),
        machine=None if machine is None else MachineChoice(machine),
        image_map=image_map,
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
