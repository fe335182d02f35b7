"""How often somebody may call: a number of requests a minute for each class of operations."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class LimitClass(StrEnum):
    """Operations that count together.  Each token has a window of its own for each class."""

    READ = "read"
    WRITE = "write"
    COMPILE = "compile"  # costs a worker process a while, and needs no token
    EXPORT = "export"  # usage exports, which read whole months


# Requests a minute; 0 means without a limit.  Generous: they stop a loop that ran away, not work.
DEFAULT_LIMITS: Mapping[LimitClass, int] = MappingProxyType(
    {
        LimitClass.READ: 60_000,
        LimitClass.WRITE: 12_000,
        LimitClass.COMPILE: 1_200,
        LimitClass.EXPORT: 600,
    }
)
