"""Options of the commands that talk to a server, and the client made of them."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from roundel.cli.output import Failure
from roundel.settings import DEFAULT_PORT, default_data_folder
from roundel.wire.api_client import ApiClient, ApiRefusal, ServerAway

DEFAULT_SERVER = f"http://127.0.0.1:{DEFAULT_PORT}"


def talks_to_server(command: Callable[..., None]) -> Callable[..., None]:
    """Add --server and --token, and give the command a client as its first argument."""

    @click.option(
        "--server",
        envvar="ROUNDEL_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        metavar="URL",
        help="The server.  [env: ROUNDEL_SERVER]",
    )
    @click.option(
        "--token",
        envvar="ROUNDEL_TOKEN",
        metavar="TOKEN",
        help="An API token; by default the one in the data folder.  [env: ROUNDEL_TOKEN]",
    )
    @wraps(command)
    def with_client(*args: Any, server: str, token: str | None, **options: Any) -> None:
        client = ApiClient(_checked(server), token or _administrators_token())
        try:
            command(client, *args, **options)
        except ApiRefusal as refusal:
            raise Failure(_sentence(refusal, server)) from refusal
        except ServerAway as error:
            raise Failure(
                f"no answer from {server}: {error}. Is the server running, and is --server right?"
            ) from error

    return with_client


def _checked(server: str) -> str:
    if not server.startswith(("http://", "https://")):
        raise Failure(f"--server must begin with http:// or https://, got {server!r}")
    return server.rstrip("/")


def _sentence(refusal: ApiRefusal, server: str) -> str:
    if refusal.status == 401:
        return f"{server} does not know this token; give one with --token or ROUNDEL_TOKEN"
    return f"{server} refused: {refusal}"


def _administrators_token() -> str:
    """Return the token that a server on this machine wrote for its administrator."""
    named = os.environ.get("ROUNDEL_DATA")
    folder = Path(named) if named else default_data_folder(dict(os.environ), Path.home())
    file = folder / "admin-token"
    try:
        return file.read_text().strip()
    except OSError as error:
        raise Failure(
            f"no token: give one with --token or ROUNDEL_TOKEN (looked into {file} as well)"
        ) from error
