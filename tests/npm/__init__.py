"""Clients and data of others from npm, installed once and found by the hash of their lock.

The lock names versions and digests and no place that serves them.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.cache import CACHE

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json")
OLDEST_NODE = 18


def packages() -> Path:
    """Return the folder `node_modules`, which is filled at the first call of all test runs."""
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    home = CACHE / "npm" / digest[:16]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once install once
        if not (home / "whole").exists():
            _install(home)
            (home / "whole").touch()
    return home / "node_modules"


def _install(home: Path) -> None:
    for name in FILES:
        shutil.copy(HERE / name, home)
    # Scripts of packages have no business here: what the tests use is plain JavaScript and JSON.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"npm could not install what tests/npm asks for:\n{done.stderr[-4000:]}")


def run_node(
    script: str, *arguments: str, env: dict[str, str] | None = None, timeout: float = 60
) -> str:
    """Run a script (CommonJS) that may `require` the packages; return what it printed.

    Raises `subprocess.CalledProcessError`, with its output in the notes, where it ends badly.
    """
    modules = packages()
    done = subprocess.run(
        ["node", "-e", script, *arguments],
        cwd=modules.parent,
        env={**os.environ, "NODE_PATH": str(modules), **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, "node", done.stdout, done.stderr)
        error.add_note(done.stdout[-4000:] + done.stderr[-4000:])
        raise error
    return done.stdout


def no_node() -> str | None:
    """Return why these packages cannot be used here, or None."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"there is no {program} on PATH (Debian: apt-get install nodejs npm)"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        return f"node {version} is older than {OLDEST_NODE}"
    return None
