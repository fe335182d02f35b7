"""Groups of tests that need something of the machine, and why a group cannot run here.

A test joins a group by its marker.  Where the thing is missing the group is left out and named at
the end; with `CI=true` that is a failure.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.spec import SPEC

SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`why_not` returns None where the group can run, else a sentence for people."""

    marker: str
    about: str
    why_not: Callable[[], str | None]


def no_specification() -> str | None:
    if SPEC.is_dir():
        return None
    return "the specification folder is not beside the checkout (set ROUNDEL_SPEC)"


def no_container_engine() -> str | None:
    if not Path("/proc/self/cgroup").exists():
        return "containers need Linux"
    for program in ("dockerd", "docker"):
        if shutil.which(program, path=SYSTEM_PATH) is None:
            return f"there is no {program} on PATH (Debian: apt-get install docker.io)"
    if os.geteuid() != 0:
        return "only root can start a container engine of the tests' own"
    return None


def no_ssh_host() -> str | None:
    if shutil.which("sshd", path=SYSTEM_PATH) is None:
        return "there is no sshd on PATH (Debian: apt-get install openssh-server)"
    if os.geteuid() != 0:
        return "only root can start an ssh server that lets it in"
    return None


GROUPS = (
    Group(
        marker="sshd",
        about="tests that start an ssh server of their own",
        why_not=no_ssh_host,
    ),
    Group(
        marker="spec",
        about="tests on the published specification and corpus",
        why_not=no_specification,
    ),
    Group(
        marker="docker",
        about="tests that start a container engine of their own",
        why_not=no_container_engine,
    ),
)
