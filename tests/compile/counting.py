"""Counting what a piece of work does: the same on any machine, however busy it is."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Made = TypeVar("Made")


def calls_of(work: Callable[[], Made]) -> tuple[Made, int]:
    """Return what some work returned, and how many calls of Python functions it made."""
    calls = 0

    def count(_: FrameType, event: str, __: Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        made = work()
    finally:
        sys.setprofile(before)
    return made, calls
