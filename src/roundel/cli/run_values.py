"""What options of `roundel run` take: pairs, variables, files of them, places in jobs."""

import os
import re
from pathlib import Path

import click

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def pair(text: str) -> tuple[str, str]:
    """Return the two sides of `KEY=VALUE`."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return key.strip(), value


def job_step(text: str) -> tuple[str, str]:
    """Return the two names in `JOB:STEP`."""
    job, sign, step = text.partition(":")
    if not sign or not job.strip() or not step.strip():
        raise click.BadParameter(f"{text!r} is not JOB:STEP")
    return job.strip(), step.strip()


def variable(text: str) -> tuple[str, str]:
    """Return a variable of `NAME=VALUE`; `NAME` alone takes it from the environment."""
    name, sign, value = text.partition("=")
    if _VARIABLE.fullmatch(name) is None:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE")
    if sign:
        return name, value
    if name not in os.environ:
        raise click.BadParameter(f"{name} is not set here; give it as {name}=VALUE")
    return name, os.environ[name]


def env_file(name: str) -> dict[str, str]:
    """Return the variables in a file of NAME=VALUE lines; `export`, quotes and # are understood."""
    try:
        text = Path(name).read_text()
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{name!r} cannot be read: {error}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        key, sign, value = line.partition("=")
        if not sign or _VARIABLE.fullmatch(key.strip()) is None:
            raise click.BadParameter(f"line {number} of {name!r} is not NAME=VALUE")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[key.strip()] = value
    return found


def context_file(text: str) -> tuple[str, dict[str, str]]:
    """Return a context's name and its variables, of `NAME=FILE`."""
    name, file = pair(text)
    return name, env_file(file)
