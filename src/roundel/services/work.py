"""What a use case is given: the database, the ports, the clock.  `app.py` fills it in."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from roundel.domain.clock import Clock
from roundel.domain.logs import Logs
from roundel.domain.runners import Server
from roundel.domain.views import Reads

T = TypeVar("T")


class Tx(Protocol):
    """One open transaction, with the repositories of the nouns as attributes."""


class Database(Protocol):
    """Where transactions run.  `fn` is synchronous, awaits nothing and may be run again."""

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in one transaction; return its value once that is durable."""


class App(Protocol):
    """Everything that the doors and the use cases share; no globals beside it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def reads(self) -> Reads: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def runners(self) -> Server: ...
