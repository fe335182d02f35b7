"""Wake-ups of those who wait in this process: hints that carry a topic and no data."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class LocalWakeups:
    """Who waits on a topic is woken when it is named; used from the event loop only."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def wake(self, topics: Iterable[str]) -> None:
        """Wake all that wait on one of `topics`."""
        for topic in topics:
            for event in self._waiting.get(topic, ()):
                event.set()

    def wake_all(self) -> None:
        """Wake everybody, as nobody knows what was missed."""
        self.wake(list(self._waiting))

    @contextmanager
    def listen(self, *topics: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set by each wake-up; look at the database after listening."""
        event = asyncio.Event()
        for topic in topics:
            self._waiting[topic].add(event)
        try:
            yield event
        finally:
            for topic in topics:
                self._waiting[topic].discard(event)
                if not self._waiting[topic]:
                    del self._waiting[topic]
