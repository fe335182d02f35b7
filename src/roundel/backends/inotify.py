"""The kernel's inotify, of which three calls are needed.

A package for it would have to look for the C library, for which Python starts programs; this asks
the one that this process has.
"""

import ctypes
import os
from pathlib import Path

_MODIFY, _CREATE, _DELETE = 0x002, 0x100, 0x200


class Inotify:
    """One inotify descriptor.  OSError where the kernel, or the C library, gives none."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._library, "inotify_init1"):
            raise OSError("this system has no inotify")
        self.fd = self._called("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)

    def watch(self, folder: Path) -> int:
        """Watch what is written, made and removed in a folder; return the watch's number."""
        mask = ctypes.c_uint32(_MODIFY | _CREATE | _DELETE)
        return self._called("inotify_add_watch", self.fd, os.fsencode(folder), mask)

    def forget(self, watch: int) -> None:
        """End a watch.  OSError if the kernel has ended it before, as the folder was gone."""
        self._called("inotify_rm_watch", self.fd, watch)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)

    def _called(self, name: str, *arguments: "int | bytes | ctypes.c_uint32") -> int:
        answer = int(getattr(self._library, name)(*arguments))
        if answer < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return answer
