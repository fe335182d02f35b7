"""Trouble of the machine during a local run: told as sentences, and the end where it must be.

A server waits until its disk has room again; a run on one's own machine would seem to hang.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from roundel.app.local_wanted import CannotRunHere
from roundel.domain.errors import Unavailable
from roundel.vcs.working_tree import GitSays

TROUBLE = (OSError, sqlite3.Error, Unavailable, GitSays)
_FULL = ("disk is full", "No space left on device")
# What is logged when the state cannot be kept: by the store, and by a runner that tries again.
_REFUSED = ("the database refused", "event=server_away")


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """Raise what goes wrong with the files below `folder` as a refusal that says what to do."""
    try:
        yield
    except TROUBLE as error:
        raise CannotRunHere(_sentence(str(error), folder, error)) from error


def _sentence(text: str, folder: Path, error: BaseException | None = None) -> str:
    elsewhere = "or put the state elsewhere with XDG_CACHE_HOME"
    if any(full in text for full in _FULL):
        return f"the disk of {folder} is full: make room there, {elsewhere}"
    if isinstance(error, OSError) and isinstance(error.filename, str):
        place = Path(error.filename)
        ours = folder.is_relative_to(place) or place.is_relative_to(folder)
        said = f"{place} cannot be used ({error.strerror})"
        return f"{said}: mend that, {elsewhere}" if ours else said
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return f"the state in {folder} is damaged ({text}): remove that folder"
    return f"the run cannot go on: {text}"


class RunLog(logging.Handler):
    """Hears what the parts of a run log: standard error may be in the middle of a picture.

    `broken` gets a sentence, once, when the state in `folder` cannot be kept any more; `note` gets
    everything else, each text once.
    """

    def __init__(
        self, folder: Path, *, note: Callable[[str], None], broken: Callable[[str], None]
    ) -> None:
        super().__init__(logging.WARNING)
        self._folder = folder
        self._note = note
        self._broken = broken
        self._loop = asyncio.get_running_loop()
        self._said: set[str] = set()
        self._over = False

    def begin(self) -> None:
        """Hear from now on."""
        logging.getLogger("roundel").addHandler(self)

    def end(self) -> None:
        """Hear no more."""
        logging.getLogger("roundel").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record, of any thread."""
        text = record.getMessage()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to hear
            self._loop.call_soon_threadsafe(self._take, text)

    def _take(self, text: str) -> None:
        if self._over or text in self._said:
            return
        self._said.add(text)
        if text.startswith(_REFUSED):
            self._over = True
            self._broken(_sentence(text, self._folder))
        else:
            full = text.startswith("event=disk_full")
            where = f"the disk of {self._folder} is full: jobs wait for room there"
            self._note(where if full else text)
