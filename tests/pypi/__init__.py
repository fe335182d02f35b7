"""Clients of others from PyPI that need an environment of their own, by the hash of their lock.

The locks name versions and digests and no place that serves them.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cache import CACHE

HERE = Path(__file__).parent


def programs(client: str) -> Path:
    """Return the folder of a client's programs, which is filled at the first call of all runs."""
    lock = HERE / f"{client}.lock"
    digest = hashlib.sha256(sys.version.encode() + lock.read_bytes()).hexdigest()
    home = CACHE / "pypi" / f"{client}-{digest[:16]}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two test runs at once install once
        if not (home / "whole").exists():
            _install(home / "venv", lock)
            (home / "whole").touch()
    return home / "venv" / "bin"


def _install(venv: Path, lock: Path) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    for command in (
        [sys.executable, "-m", "venv", str(venv)],
        [*pip, "install", "--require-hashes", "-r", str(lock)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise RuntimeError(f"cannot install what {lock} asks for:\n{done.stderr[-4000:]}")
