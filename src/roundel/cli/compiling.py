"""What commands that compile have in common: their options, the text, the orbs."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roundel.cli.output import Failure

if TYPE_CHECKING:
    from roundel.compiler import Compiled, OrbSource

LARGEST_FILE = 4 * 1024 * 1024  # bytes; the server compiles no larger ones either
VENDORED = "orbs"  # the folder beside a config that `roundel orb vendor` fills
DEFAULT_FILE = ".circleci/config.yml"


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


class Surroundings:
    """What a config is compiled with here: parameters, pipeline values, orbs in files."""

    def __init__(
        self,
        parameters: dict[str, Any] | None,
        values: dict[str, Any] | None,
        orbs: Path | None,
    ) -> None:
        self.parameters = parameters or {}
        self._values = values or {}
        self._orbs = orbs

    def values(self, file: str) -> Callable[[], dict[str, Any]]:
        """Begin to look for the pipeline values, and return what waits for them.

        Those that were given win over the checkout's own.
        """
        from roundel.cli.checkout import ask_for_values

        own = ask_for_values(file)
        return lambda: {**own(), **self._values}

    def orbs(self, file: str, web: "OrbSource | None" = None) -> "OrbSource":
        """Return where orbs come from: `--orbs`, the vendored ones, the repository's files.

        `web` has those with an address; without it, they are refused.
        """
        from roundel.compiler import FolderOrbs, OrbChain, RepositoryOrbs

        here = Path.cwd() if file == "-" else Path(file).resolve().parent
        folders = [] if self._orbs is None else [FolderOrbs(self._orbs)]
        return OrbChain(
            *folders,
            FolderOrbs(here / VENDORED),
            RepositoryOrbs(_root_of(here)),
            web or _NoWeb(),
        )

    def compile(self, file: str, *, trace: bool = False) -> "Compiled":
        """Compile a file, or standard input for `-`."""
        text = read_config(file)
        values = self.values(file)  # git answers while the compiler is loaded
        from roundel.compiler import Options, compile_config

        return compile_config(
            text,
            file=shown_name(file),
            parameters=self.parameters,
            values=values(),
            orbs=self.orbs(file),
            options=Options(process=not trace, trace=trace),
        )


class _NoWeb:
    """URL orbs need the allow-list of an organisation, which only a server has."""

    def resolve(self, reference: str) -> None:
        if reference.startswith(("https://", "http://")):
            from roundel.compiler import OrbRefused

            raise OrbRefused(
                f"The orb {reference} is not fetched here: a server does, for organizations that"
                " allow its address. `roundel orb vendor FILE --allow-url PREFIX` keeps a copy of"
                " it beside the config."
            )


def _root_of(folder: Path) -> Path:
    """Return the root of the checkout around a folder; without one, what holds `.circleci`."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return folder.parent if folder.name == ".circleci" else folder


def compiles(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of compiling, and give the command `Surroundings` as `around`."""

    @click.option(
        "--pipeline-parameters",
        type=json_object,
        metavar="FILE_OR_JSON",
        help="Parameters as a trigger would pass them.",
    )
    @click.option(
        "--pipeline-values",
        type=json_object,
        metavar="FILE_OR_JSON",
        help="Pipeline values by their dotted names, such as pipeline.git.branch.",
    )
    @click.option(
        "--orbs",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="ROUNDEL_ORBS",
        metavar="DIR",
        help="Packed orbs: DIR/NAMESPACE/NAME/VERSION.yml.  [env: ROUNDEL_ORBS]",
    )
    @wraps(command)
    def with_surroundings(
        *args: Any,
        pipeline_parameters: dict[str, Any] | None,
        pipeline_values: dict[str, Any] | None,
        orbs: Path | None,
        **options: Any,
    ) -> None:
        command(*args, around=Surroundings(pipeline_parameters, pipeline_values, orbs), **options)

    return with_surroundings


def shown_name(file: str) -> str:
    """Return how a file is named in messages."""
    return "<standard input>" if file == "-" else file


def read_config(file: str) -> str:
    """Return the text of a file, or of standard input for `-`; refuse what is no text."""
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
