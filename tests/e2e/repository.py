"""Small git repositories, made on the spot."""

import os
import subprocess
from pathlib import Path

CONFIG = ".circleci/config.yml"
# Neither the developer's git settings nor hooks reach the repositories of a test.
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


class Repository:
    """A repository with one commit on `main` that holds `config`, or no config at all."""

    def __init__(self, path: Path, config: str | bytes | None) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        (path / "README.md").write_text("# sample\n")
        if config is not None:
            self.write_config(config)
        self.commit("Begin")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            env={**os.environ, **GIT_ENVIRONMENT},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write_config(self, config: str | bytes) -> None:
        file = self.path / CONFIG
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(config.encode() if isinstance(config, str) else config)

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")
