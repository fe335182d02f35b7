"""Pipeline values of a config that is compiled here: what the checkout around it tells."""

import subprocess
from collections.abc import Callable
from pathlib import Path

GIT_WITHIN_SECONDS = 5.0
LOCAL_ID = "00000000-0000-0000-0000-000000000001"


def ask_for_values(file: str) -> Callable[[], dict[str, str | int]]:
    """Begin to look, and return what waits for the values of a config without a pipeline.

    Outside of a checkout there are none of git.
    """
    folder = Path.cwd() if file == "-" else Path(file).resolve().parent
    asked = {
        "pipeline.git.branch": _ask(folder, "symbolic-ref", "--short", "--quiet", "HEAD"),
        "pipeline.git.revision": _ask(folder, "rev-parse", "--verify", "--quiet", "HEAD"),
    }

    def values() -> dict[str, str | int]:
        told = {name: _answer(process) for name, process in asked.items()}
        known = {name: answer for name, answer in told.items() if answer}
        return {"pipeline.number": 1, "pipeline.id": LOCAL_ID, **known}

    return values


def _ask(folder: Path, *arguments: str) -> "subprocess.Popen[str] | None":
    try:
        return subprocess.Popen(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        return None


def _answer(process: "subprocess.Popen[str] | None") -> str:
    """Return what git says, or an empty text where it has nothing to say."""
    if process is None:
        return ""
    try:
        output, _ = process.communicate(timeout=GIT_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return ""
    return output.strip() if process.returncode == 0 else ""
