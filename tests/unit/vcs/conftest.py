"""Real repositories."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from roundel.vcs.bare import GitRepositories


class Repo:
    """A checkout to commit into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return str(self.path)

    def git(self, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
        known = {
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Grace",
            "GIT_COMMITTER_EMAIL": "grace@example.com",
            "GIT_COMMITTER_DATE": "1700000000 +0100",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            env={**os.environ, **known, **(extra or {})},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, config: str | bytes | None, message: str = "Change it") -> str:
        """Commit with this config, or without one; return the revision."""
        file = self.path / ".circleci" / "config.yml"
        if config is None:
            file.unlink(missing_ok=True)
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(config if isinstance(config, bytes) else config.encode())
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


@pytest.fixture
def repositories(tmp_path: Path) -> GitRepositories:
    return GitRepositories(tmp_path / "repositories")
