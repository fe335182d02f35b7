"""`roundel config`: the compiler on the command line, without a server."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roundel.cli.output import Failure

if TYPE_CHECKING:
    from roundel.compiler import Compiled

LARGEST_FILE = 4 * 1024 * 1024  # bytes; the server compiles no larger ones either


def json_object(text: str) -> dict[str, Any]:
    """Return the object that `text` is, as JSON, or that the file of that name holds."""
    source = text if text.lstrip().startswith("{") else _file(text)
    try:
        found = _parse(source)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} holds neither JSON nor YAML: {error}") from error
    if not isinstance(found, dict):
        raise click.BadParameter(f"{text!r} must hold an object, names with values")
    return found


def _file(name: str) -> str:
    try:
        return Path(name).read_text()
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{name!r} is neither a JSON object nor a file") from error


def _parse(text: str) -> Any:
    """Return what a JSON or YAML text holds.  YAML's loader is only loaded for YAML."""
    try:
        return json.loads(text)
    except ValueError:
        import yaml

        try:
            return yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError) as error:
            raise ValueError(str(error).splitlines()[0]) from error


_shared = [
    click.argument("file", metavar="FILE"),
    click.option(
        "--pipeline-parameters",
        type=json_object,
        metavar="FILE_OR_JSON",
        help="Parameters as a trigger would pass them.",
    ),
    click.option(
        "--pipeline-values",
        type=json_object,
        metavar="FILE_OR_JSON",
        help="Pipeline values by their dotted names, such as pipeline.git.branch.",
    ),
    click.option(
        "--orbs",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="Packed orbs: DIR/NAMESPACE/NAME/VERSION.yml.",
    ),
]


def _compiles(command: Any) -> Any:
    for decorate in reversed(_shared):
        command = decorate(command)
    return command


@click.group()
def config() -> None:
    """Compile and check config files."""


@config.command()
@_compiles
def process(file: str, **options: Any) -> None:
    """Write the compiled config; FILE may be - for standard input."""
    compiled = _compile(file, **options)
    click.echo(compiled.output or "", nl=False)


@config.command()
@_compiles
def validate(file: str, **options: Any) -> None:
    """Check a config; exit 0 when it is valid and 1 when it is not."""
    _compile(file, **options)
    click.echo(f"{file} is valid", err=True)


def _compile(
    file: str,
    pipeline_parameters: dict[str, Any] | None,
    pipeline_values: dict[str, Any] | None,
    orbs: Path | None,
) -> "Compiled":
    """Return what compiled; write what did not to standard error and end with 1."""
    text = _read(file)
    from roundel.cli.checkout import local_values
    from roundel.compiler import Options, compile_config, render_problem

    shown = "<standard input>" if file == "-" else file
    compiled = compile_config(
        text,
        file=shown,
        parameters=pipeline_parameters or {},
        values={**local_values(file), **(pipeline_values or {})},
        orbs=_orbs_in(orbs),
        options=Options(process=True),
    )
    for problem in compiled.problems:
        click.echo(render_problem(problem), err=True)
    if compiled.errors:
        sys.exit(1)
    return compiled


def _read(file: str) -> str:
    try:
        with click.open_file(file, "rb") as stream:
            raw: bytes = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}") from error
    if len(raw) > LARGEST_FILE:
        raise Failure(f"{file} is larger than {LARGEST_FILE} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is not valid UTF-8 at byte {error.start}") from error


def _orbs_in(folder: Path | None) -> Any:
    """Return the orbs of a folder as the compiler's source of orbs."""
    if folder is None:
        return None
    from roundel.cli.orb_folder import OrbFolder

    return OrbFolder(folder)
