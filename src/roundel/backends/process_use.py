"""What the processes of jobs use, as the kernel tells of them in /proc."""

import os
import time
from collections import defaultdict
from collections.abc import Callable

from roundel.backends.processes import children, stat_of, told
from roundel.backends.protocol import Use

_FRESH_SECONDS = 1.0  # for which one look at all processes serves every job
_TICK_MS = 1000 // os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class ProcessTable:
    """All processes of this machine, looked at once for all jobs that ask within a second."""

    def __init__(self) -> None:
        self._children: dict[int, list[int]] = {}
        self._until = 0.0

    def use_of(self, pid: int) -> Use | None:
        """Return what a process and all that came of it use; None if it is gone."""
        if time.monotonic() >= self._until:
            self._look()
        return _sum(_below(pid, self._children.get))

    def _look(self) -> None:
        found: defaultdict[int, list[int]] = defaultdict(list)
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and (fields := stat_of(int(entry.name))) is not None:
                found[int(fields[1])].append(int(entry.name))
        self._children = dict(found)
        self._until = time.monotonic() + _FRESH_SECONDS


def use_at_the_end(pid: int) -> Use | None:
    """Return the same by few looks: what shells have started, and the time of what has ended."""
    return _sum(_below(pid, children))


def _below(pid: int, children_of: Callable[[int], list[int] | None]) -> list[int]:
    found: list[int] = []
    waiting = [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children_of(found[-1]) or ()
    return found


def _sum(pids: list[int]) -> Use | None:
    """Add up processor time, also of children that have ended, and the memory that each owns."""
    ticks = memory = seen = 0
    for pid in pids:
        fields = stat_of(pid)
        if fields is None:
            continue
        seen += 1
        ticks += sum(int(it) for it in fields[11:15])
        memory += _own_memory(pid)
    return Use(cpu_ms=ticks * _TICK_MS, memory=memory) if seen else None


def _own_memory(pid: int) -> int:
    """Return what is resident and not shared: a library is not counted for each that has it."""
    try:
        fields = told(f"/proc/{pid}/statm").split()
    except OSError:
        return 0
    return max(0, int(fields[1]) - int(fields[2])) * _PAGE
