"""How long the jobs of a checkout's own runs took, read from the state that they left."""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Sequence
from pathlib import Path

from roundel.domain.plan import STUB
from roundel.store.folder import DATABASE_FILE

MOST_JOBS = 5_000  # the newest ones that are looked at
MOST_OF_ONE = 20  # runs of one job whose median counts
_MICROS = 1_000_000

# `roundel config plan`: the newest successful jobs of a local state, which no server has open.
_NEWEST = """
SELECT w.name, j.name, j.stopped_at - j.started_at
FROM job j JOIN workflow w ON w.id = j.workflow_id
WHERE j.status = 'success' AND j.type = 'build' AND j.started_at IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM execution e JOIN step s ON s.execution_id = e.id
    WHERE e.job_id = j.id AND s.name = ? AND s.command = ?
  )
ORDER BY j.stopped_at DESC LIMIT ?
"""

# A step of commands is recorded with its shell, as the pages show it.
_STUB_SHOWN = f"#!{STUB.args['shell']}\n{STUB.args['command']}"


def recorded_durations(folders: Sequence[Path]) -> dict[tuple[str, str], float]:
    """Return the median seconds of each job that succeeded, by workflow and job.

    A run with `--stub` does not count.  A folder that holds no state, or one of another release,
    adds nothing.  Nothing is written.
    """
    taken: dict[tuple[str, str], list[int]] = {}
    for folder in folders:
        for workflow, job, micros in _rows(folder / DATABASE_FILE):
            runs = taken.setdefault((workflow, job), [])
            if len(runs) < MOST_OF_ONE:
                runs.append(micros)
    return {key: statistics.median(runs) / _MICROS for key, runs in taken.items()}


def _rows(file: Path) -> list[tuple[str, str, int]]:
    if not file.is_file():
        return []
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute(_NEWEST, (STUB.name, _STUB_SHOWN, MOST_JOBS)).fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        return []
