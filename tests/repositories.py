"""Small git repositories for tests."""

import subprocess
from pathlib import Path

_GIT = (
    "git",
    *("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"),
)


def git(where: Path, *words: str) -> str:
    """Run git and return what it prints."""
    done = subprocess.run([*_GIT, *words], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make_repository(where: Path) -> Path:
    """Make a repository with two commits on main, the tag v1 at the first, and a branch there."""
    where.mkdir(parents=True)
    git(where, "init", "-q")
    for text in ("one", "two"):
        (where / "file").write_text(text)
        git(where, "add", ".")
        git(where, "commit", "-q", "-m", text)
        if text == "one":
            git(where, "tag", "v1")
    git(where, "branch", "feature/x", "v1")
    return where
