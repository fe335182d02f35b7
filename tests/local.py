"""`roundel run` in checkouts of the tests' own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.server import program_environment

AUTHOR = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
RUN_SECONDS = 60.0


class Checkout:
    """A checkout with one commit, and the cache folder of its runs."""

    def __init__(self, folder: Path, config: str, files: Mapping[str, str] | None = None) -> None:
        self.root = folder / "work"
        self.cache = folder / "cache"
        self.root.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.write(".circleci/config.yml", config)
        for name, text in (files or {}).items():
            self.write(name, text)
        self.commit("First")

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env={**os.environ, **AUTHOR},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def environment(self, **extra: str) -> dict[str, str]:
        return program_environment({"XDG_CACHE_HOME": str(self.cache), **extra})

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "roundel", "run", "--backend", "process", *words]

    def run(self, *words: str, **extra: str) -> "subprocess.CompletedProcess[str]":
        """Run to the end; standard error is kept apart."""
        return subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def state(self) -> str:
        """Everything that a run could have changed: files, index, objects, refs.

        Of an object, git notes that it was of use again by its time; nothing else may change.
        """
        listing = subprocess.run(
            [
                *("find", ".", "-path", "./.git/objects/*", "-printf", "%p %s %m\\n"),
                *("-o", "-printf", "%p %s %T@ %m\\n"),
            ],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return "\n".join(sorted(listing.stdout.splitlines()))


def folder_of(output: str) -> Path:
    """Return the folder that a run has printed."""
    line = next(line for line in output.splitlines() if line.startswith("Logs"))
    return Path(line.partition(": ")[2])
