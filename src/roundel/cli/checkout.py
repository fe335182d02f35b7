"""Pipeline values of a config that is compiled here: what the checkout around it tells."""

import subprocess
from pathlib import Path

GIT_WITHIN_SECONDS = 5.0
LOCAL_ID = "00000000-0000-0000-0000-000000000001"


def local_values(file: str) -> dict[str, str | int]:
    """Return values for a config without a pipeline; outside of a checkout there is no git."""
    values: dict[str, str | int] = {"pipeline.number": 1, "pipeline.id": LOCAL_ID}
    folder = Path.cwd() if file == "-" else Path(file).resolve().parent
    branch = _git(folder, "symbolic-ref", "--short", "--quiet", "HEAD")
    revision = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if branch:
        values["pipeline.git.branch"] = branch
    if revision:
        values["pipeline.git.revision"] = revision
    return values


def _git(folder: Path, *arguments: str) -> str:
    """Return what git says, or an empty text where it has nothing to say."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_WITHIN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
