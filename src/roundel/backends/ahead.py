"""The folders of what is made ahead, for jobs that have not come yet.

Each is a job folder below `HOME/ahead`, nobody's until a file of a job's own folder names it, which
is put in place by one rename.  So whoever dies on the way leaves either a spare, which the sweep
removes, or a job, which is adopted.
"""

import contextlib
import shutil
from pathlib import Path

from roundel.backends.folder import AHEAD, JobFolder
from roundel.domain.ids import ExecutionId, new_id


def new_name() -> str:
    """Return a name for one that is about to be made."""
    return f"ahead-{new_id()}"


def folder_ahead(home: Path, name: str) -> JobFolder:
    """Return the job folder that was made with a spare."""
    return JobFolder(home / AHEAD / name, ExecutionId(name))


def remove_folder_ahead(home: Path, name: str) -> None:
    """Remove a spare's folder; may be said twice."""
    folder = folder_ahead(home, name)
    folder.remove()
    shutil.rmtree(folder.root, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.root.parent.rmdir()  # the last one takes it along


def names_ahead(home: Path) -> set[str]:
    """Return the names of the spares that have a folder."""
    with contextlib.suppress(FileNotFoundError):
        return {entry.name for entry in (home / AHEAD).iterdir()}
    return set()
