"""Keeping the garbage collector out of a compilation.

A compilation makes hundreds of thousands of objects that live until its end and then die by
reference count.  The collector would walk them again and again and free nothing: it takes half of
the time on a large config.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_running = 0
_was_enabled = False


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause the collector; with several compilations at once, until the last one ends."""
    global _running, _was_enabled
    with _lock:
        if _running == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0 and _was_enabled:
                _let_survivors_be_old()
                gc.enable()


def _let_survivors_be_old() -> None:
    """Count what was made meanwhile as old.

    It is the result, and would be walked in vain at the next allocation.  Where a program froze
    objects of its own they stay frozen, and the walk is made.
    """
    if gc.get_freeze_count() == 0:
        gc.freeze()
        gc.unfreeze()
