"""What is the same for every job that is a user of its own: made once, and laid under each.

    SKELETON/supervisor.sh
    SKELETON/bin/            the programs of ours that a job finds on its PATH
    SKELETON/job/ home/ launch/   where its own folders are mounted

It belongs to us, so no job changes it; for jobs that are us there are copies.
"""

import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from roundel.backends.folder import memory_folder, text_of

PLACES = ("job", "home", "launch")
_PROGRAMS = ("circleci", "circleci-agent")


def skeleton(home: Path) -> Path:
    """Return the folder, in memory where there is one, else beside the jobs of `home`.

    Raise OSError if it cannot be made.
    """
    return _made((memory_folder() or home.parent) / f"skeleton-{_version()}")


@cache
def _version() -> str:
    texts = text_of("supervisor.sh") + text_of("circleci.sh")
    return hashlib.sha256(texts.encode()).hexdigest()[:16]


def _made(folder: Path) -> Path:
    if folder.exists():
        return folder
    draft = Path(tempfile.mkdtemp(prefix="skeleton-", dir=folder.parent))
    try:
        for name in ("bin", *PLACES):
            (draft / name).mkdir()
            (draft / name).chmod(0o755)
        _write(draft / "supervisor.sh", text_of("supervisor.sh"))
        for name in _PROGRAMS:
            _write(draft / "bin" / name, text_of("circleci.sh"))
        draft.chmod(0o755)
        os.rename(draft, folder)  # noqa: PTH104 over one that another runner made meanwhile: refused
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.exists():
            raise
    return folder


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)
