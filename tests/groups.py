"""Groups of tests that need something of the machine, and why a group cannot run here.

A test joins a group by its marker.  Where the thing is missing the group is left out and named at
the end; with `CI=true` that is a failure.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.npm import no_node
from tests.spec import SPEC

POSTGRES_USER = "postgres"  # whom Debian's package makes; PostgreSQL refuses to run as root
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


def no_users() -> str | None:
    if os.geteuid() != 0:
        return "only root can give jobs users of their own"
    for program in ("unshare", "setpriv"):
        if shutil.which(program, path=SYSTEM_PATH) is None:
            return f"there is no {program} on PATH (Debian: apt-get install util-linux)"
    words = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"]
    if subprocess.run(words, check=False, capture_output=True).returncode != 0:
        return "mount namespaces are not permitted here"
    return None


def no_ssh_host() -> str | None:
    if shutil.which("sshd", path=SYSTEM_PATH) is None:
        return "there is no sshd on PATH (Debian: apt-get install openssh-server)"
    if os.geteuid() != 0:
        return "only root can start an ssh server that lets it in"
    return None


def postgres_programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, or None."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def no_postgres() -> str | None:
    if find_spec("psycopg") is None:
        return "the driver is not installed (the extra `postgresql`)"
    if postgres_programs() is None:
        return "there is no PostgreSQL server (Debian: apt-get install postgresql)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(POSTGRES_USER)
        except KeyError:
            return f"PostgreSQL refuses to run as root, and there is no user {POSTGRES_USER!r}"
    return None


def no_browser() -> str | None:
    if shutil.which("chromium") is None:
        return "there is no chromium on PATH (Debian: apt-get install chromium)"
    if find_spec("playwright") is None:
        return "playwright is not installed (the extra `dev`)"
    return None


def no_tmux() -> str | None:
    if shutil.which("tmux") is None:
        return "there is no tmux on PATH (Debian: apt-get install tmux)"
    return None


def no_clients() -> str | None:
    missing = [
        name
        for name in ("circleci2", "circleci_to_sqlite", "schemathesis")
        if find_spec(name) is None
    ]
    return f"not installed: {', '.join(missing)} (the extra `dev`)" if missing else None


GROUPS = (
    Group(
        marker="clients",
        about="tests that drive the API with programs of others",
        why_not=no_clients,
    ),
    Group(
        marker="npm",
        about="tests with clients and data from npm",
        why_not=no_node,
    ),
    Group(
        marker="browser",
        about="tests that look at the pages in a browser",
        why_not=no_browser,
    ),
    Group(
        marker="tmux",
        about="tests that look at a terminal",
        why_not=no_tmux,
    ),
    Group(
        marker="sshd",
        about="tests that start an ssh server of their own",
        why_not=no_ssh_host,
    ),
    Group(
        marker="users",
        about="tests of jobs with users of their own",
        why_not=no_users,
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
    Group(
        marker="postgresql",
        about="tests that start a PostgreSQL of their own",
        why_not=no_postgres,
    ),
)
