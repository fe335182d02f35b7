"""The two steps that every job begins with, which no config names."""

import re

from roundel.backends.launch import settable
from roundel.domain.runners import JobOrder

SPIN_UP = "Spin up environment"
PREPARE = "Preparing environment variables"

_SHOWN = re.compile(r"CIRCLE.*|CI|PAGER|GIT_PAGER")
_HIDDEN = re.compile(r"TOKEN|KEY|SECRET|PASSWORD")


def environment_of(order: JobOrder) -> dict[str, str]:
    """Return the job's environment over what the runner adds."""
    return {
        # On CircleCI steps see a terminal; ours write to files, where a pager is only in the way.
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        **order.environment,
    }


def variables_text(order: JobOrder) -> str:
    """Return the lines of "Preparing environment variables": names, and no secret value."""
    built_in, named, unusable = [], [], []
    for name, value in sorted(environment_of(order).items()):
        if not settable(name):
            unusable.append(name)
        elif _shown(name, value, order):
            built_in.append(f"  {name}={value}")
        else:
            named.append(f"  {name}=**REDACTED**")
    lines = ["Using build environment variables:", "  BASH_ENV=<a file of this job>", *built_in]
    if named:
        lines += ["Using environment variables from the config, the project and contexts:", *named]
    if unusable:
        lines.append("Left out, as no shell can hold these names: " + ", ".join(unusable))
    return "\n".join(lines) + "\n"


def _shown(name: str, value: str, order: JobOrder) -> bool:
    if _SHOWN.fullmatch(name) is None or _HIDDEN.search(name) is not None:
        return False
    return value not in order.masks
