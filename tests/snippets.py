"""Pieces of Python that run in a process of their own, as what they try would end the tests."""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"


def python(*pieces: str) -> "subprocess.CompletedProcess[str]":
    """Run the pieces, one after another, to the end."""
    return subprocess.run(
        [sys.executable, "-c", "\n".join(pieces)],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
