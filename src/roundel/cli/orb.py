"""`roundel orb`: orbs as files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from roundel.cli.compiling import (
    DEFAULT_FILE,
    VENDORED,
    Surroundings,
    compiles,
    read_config,
    shown_name,
)
from roundel.cli.config import pack_into_one
from roundel.cli.output import Failure
from roundel.cli.reporting import show_problems

if TYPE_CHECKING:
    from roundel.compiler import OrbSource


@click.group()
def orb() -> None:
    """Pack orbs, and keep the ones that a config needs."""


@orb.command()
@click.argument("folder", metavar="DIR")
def pack(folder: str) -> None:
    """Write the folder of an orb's source as one packed orb.

    Folders and files become keys; a file whose name begins with @ is merged into its folder, and
    <<include(FILE)>> as a whole value is replaced by that file's text.
    """
    pack_into_one(folder)


@orb.command()
@click.argument("file", metavar="[FILE]", default=DEFAULT_FILE)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=f"Where the copies go; by default a folder `{VENDORED}` beside FILE.",
)
@click.option(
    "--allow-url",
    "allowed",
    multiple=True,
    metavar="PREFIX",
    help="Fetch orbs whose address begins with PREFIX.  May be repeated.",
)
@compiles
def vendor(file: str, into: Path | None, allowed: tuple[str, ...], around: Surroundings) -> None:
    """Copy all orbs that a config can need into a folder, so that it compiles without others.

    Orbs of orbs are copied too.  A lock beside the copies says what each reference meant; servers
    that run the config take the copies from the repository.
    """
    text = read_config(file)
    folder = into if into is not None else _beside(file)
    from roundel.compiler import vendor_orbs

    try:
        vendored = vendor_orbs(
            text,
            folder,
            around.orbs(file, _from_web(allowed) if allowed else None),
            file=shown_name(file),
            parameters=around.parameters,
            values=around.values(file)(),
        )
    except OSError as error:
        raise Failure(f"{error.filename or folder}: {error.strerror}") from error
    show_problems(vendored.problems, "text")
    if any(problem.severity == "error" for problem in vendored.problems):
        sys.exit(1)
    for path in vendored.files:
        click.echo(str(path))


def _from_web(allowed: tuple[str, ...]) -> "OrbSource":
    """Return the orbs on the web below the allowed addresses, which the caller answers for."""
    import asyncio

    from roundel.compiler import OrbRefused, UrlOrbs
    from roundel.services.orbs import within
    from roundel.wire.web import Web, WebRefused

    web = Web(private=True)

    def is_allowed(url: str) -> bool:
        return any(within(prefix, url) for prefix in allowed)

    def fetch(url: str) -> str | None:
        if not is_allowed(url):
            raise OrbRefused(f"The orb {url} is not below an address of --allow-url.")
        try:
            body = asyncio.run(web.get(url, is_allowed))
        except WebRefused as refused:
            raise OrbRefused(f"The orb {url} could not be fetched: {refused}.") from None
        try:
            return None if body is None else body.decode()
        except UnicodeDecodeError:
            raise OrbRefused(f"The orb {url} is not UTF-8 text.") from None

    return UrlOrbs(("https://", "http://"), fetch)


def _beside(file: str) -> Path:
    return (Path.cwd() if file == "-" else Path(file).parent) / VENDORED
