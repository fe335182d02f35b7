"""`roundel backup` and `roundel restore`."""

import os
from pathlib import Path
from typing import Any

import click

from roundel.cli.options import option
from roundel.cli.output import Failure
from roundel.domain.errors import DomainError
from roundel.settings import Settings, default_data_folder


def _places(command: Any) -> Any:
    """Add the options that say where a server keeps things."""
    for add in (
        option("--blob-url", metavar="URL", help="As given to the server."),
        option("--database-url", metavar="URL", help="As given to the server."),
        option("--data", type=click.Path(file_okay=False, path_type=Path), help="The data folder."),
    ):
        command = add(command)
    return command


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_places
def backup(file: Path, data: Path | None, database_url: str | None, blob_url: str | None) -> None:
    """Write all that a server keeps into FILE, while it runs."""
    from roundel.app.backup import back_up

    if file.exists():
        raise Failure(f"{file} is there already")
    try:
        about = back_up(_settings(data, database_url, blob_url), file)
    except (DomainError, OSError) as error:
        raise Failure(str(error)) from error
    click.echo(f"wrote {file}: {file.stat().st_size} bytes")
    if not about.blobs:
        click.echo("the blobs are in an object store and not in the file")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_places
def restore(file: Path, data: Path | None, database_url: str | None, blob_url: str | None) -> None:
    """Put a backup into an empty place; start the server afterwards."""
    from roundel.app.backup import restore as put_back

    try:
        put_back(_settings(data, database_url, blob_url), file)
    except (DomainError, OSError) as error:
        raise Failure(str(error)) from error
    click.echo(f"restored {file}")


def _settings(data: Path | None, database_url: str | None, blob_url: str | None) -> Settings:
    return Settings(
        data=data or default_data_folder(dict(os.environ), Path.home()),
        database_url=database_url,
        blob_url=blob_url,
    )
