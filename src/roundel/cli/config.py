"""`roundel config`: the compiler on the command line, without a server."""

import sys
from pathlib import Path

import click

from roundel.cli.compiling import DEFAULT_FILE, Surroundings, compiles
from roundel.cli.output import Failure
from roundel.cli.planning import plan
from roundel.cli.reporting import FORMATS, show_problems

_format = click.option(
    "--format",
    "how",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How problems are written.",
)


@click.group()
def config() -> None:
    """Compile and check config files."""


config.add_command(plan)


@config.command()
@click.argument("file", metavar="[FILE]", default=DEFAULT_FILE)
@compiles
@_format
def process(file: str, how: str, around: Surroundings) -> None:
    """Write the compiled config; FILE may be - for standard input.

    Problems go to standard error, in whatever format.
    """
    compiled = around.compile(file)
    show_problems(compiled.problems, how)
    if compiled.errors:
        sys.exit(1)
    click.echo(compiled.output or "", nl=False)


@config.command()
@click.argument("file", metavar="[FILE]", default=DEFAULT_FILE)
@compiles
@_format
def validate(file: str, how: str, around: Surroundings) -> None:
    """Check a config; exit 0 when it is valid and 1 when it is not.

    Problems as text go to standard error, a JSON or SARIF document to standard output.
    """
    compiled = around.compile(file)
    show_problems(compiled.problems, how, err=how == "text")
    if compiled.errors:
        sys.exit(1)
    if how == "text":
        click.echo(f"{file} is valid", err=True)


@config.command()
@click.argument("target", metavar="JOB[:STEP]")
@click.argument("file", metavar="[FILE]", default=DEFAULT_FILE)
@compiles
def explain(target: str, file: str, around: Surroundings) -> None:
    """Tell where a job or step comes from, or why it is not there.

    STEP is a step's name, or its number from 1 on.  A workflow's name is told about as well.
    """
    from roundel.compiler import explain

    compiled = around.compile(file, trace=True)
    if compiled.errors:
        show_problems(compiled.problems, "text")
        sys.exit(1)
    explanation = explain(compiled, target)
    click.echo(explanation.text(), err=not explanation.found)
    if not explanation.found:
        sys.exit(1)


@config.command()
@click.argument("folder", metavar="DIR")
def pack(folder: str) -> None:
    """Write a folder of YAML files as one config.

    Folders and files become keys; a file whose name begins with @ is merged into its folder, and
    <<include(FILE)>> as a whole value is replaced by that file's text.
    """
    pack_into_one(folder)


def pack_into_one(folder: str) -> None:
    """Write what a folder packs to, or its problems."""
    from roundel.compiler import pack_folder

    if not Path(folder).exists():
        raise Failure(f"there is no {folder}")
    try:
        packed = pack_folder(Path(folder))
    except OSError as error:
        raise Failure(f"{error.filename or folder} cannot be read: {error.strerror}") from error
    show_problems(packed.problems, "text")
    if packed.text is None:
        sys.exit(1)
    click.echo(packed.text, nl=False)
