"""Options that several commands have: what jobs run on, and how many.

Every option of a command that goes on running can be set by ROUNDEL_<OPTION> as well.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import click

from roundel.domain.limits import DEFAULT_LIMITS, LimitClass
from roundel.settings import PREPARE_AHEAD, BackendChoice, MachineChoice


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


def rate_limit(text: str) -> tuple[LimitClass, int]:
    """Return the two sides of `CLASS=NUMBER`."""
    name, _, number = text.partition("=")
    if name not in set(LimitClass) or not (number.isascii() and number.isdigit()):
        classes = ", ".join(LimitClass)
        raise click.BadParameter(f"{text!r} is not CLASS=NUMBER with one of {classes}")
    return LimitClass(name), int(number)


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
slots_option = option(
    "--slots", type=click.IntRange(1, 1024), help="How many jobs run here at once."
)
backend_option = option(
    "--backend",
    type=click.Choice([choice.value for choice in BackendChoice]),
    default=BackendChoice.AUTO.value,
    show_default=True,
    help="Where jobs run.",
)
image_map_option = option(
    "--image-map",
    type=image_rule,
    multiple=True,
    metavar="PATTERN=IMAGE",
    help="Take IMAGE where a config asks for one like PATTERN; may be repeated.",
)
prepare_ahead_option = option(
    "--prepare-ahead",
    type=click.IntRange(0, 64),
    default=PREPARE_AHEAD,
    show_default=True,
    help="How many containers are made for jobs that come next while slots are free, 0 for none.",
)
rate_limit_option = option(
    "--rate-limit",
    type=rate_limit,
    multiple=True,
    metavar="CLASS=NUMBER",
    help="How many requests of a class a token may make in a minute, 0 for any number; may be"
    f" repeated.  Default: {' '.join(f'{it}={limit}' for it, limit in DEFAULT_LIMITS.items())}.",
)
