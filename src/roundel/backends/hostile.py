"""Opening what a job may have put in the place of ours.

Merely to open a device has effects (a tape rewinds, a watchdog starts), and root in a container can
make device nodes in a folder that it shares with us.  So what lies there is looked at before it is
opened, and the very thing that was looked at is opened.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

_LOOK = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC


class NotWhatItWas(OSError):
    """Something else lies where a file of ours was."""


def open_regular(path: str | os.PathLike[str], flags: int) -> int:
    """Open a plain file without following links.  OSError if there is none."""
    return _open(path, flags, stat.S_ISREG)


def open_fifo(path: str | os.PathLike[str], flags: int) -> int:
    """Open a FIFO without following links and without waiting.  OSError if there is none."""
    return _open(path, flags | os.O_NONBLOCK, stat.S_ISFIFO)


def _open(path: str | os.PathLike[str], flags: int, is_right: Callable[[int], bool]) -> int:
    flags |= os.O_CLOEXEC
    if not hasattr(os, "O_PATH"):  # only Linux can look first; elsewhere no container shares it
        if not is_right(Path(path).lstat().st_mode):
            raise NotWhatItWas(f"{Path(path).name} is no longer what it was")
        return os.open(path, flags | os.O_NOFOLLOW)
    looked_at = os.open(path, _LOOK)
    try:
        if not is_right(os.fstat(looked_at).st_mode):
            raise NotWhatItWas(f"{Path(path).name} is no longer what it was")
        return os.open(f"/proc/self/fd/{looked_at}", flags)
    finally:
        os.close(looked_at)
