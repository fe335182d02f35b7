"""Ctrl-C, SIGTERM and SIGHUP during a local run: they end it, and never cut its end off."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from types import FrameType
from typing import TypeVar

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # HUP: the terminal is gone

T = TypeVar("T")


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for what `until_signalled` cancelled; give the signals back.

    Ctrl-C raises SystemExit from then on, once: no library on the way out has words for that.
    """
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGHUP)]
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, _leave)
        for number, handler in before:
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


async def until_signalled(running: Awaitable[T]) -> T:
    """Await what runs; the first signal cancels it, unless by then it hears them itself.

    All later ones are ignored, until the loop is closed: one that cut the end off would leave a
    thread, for which the program would wait for ever, or raise in the midst of the loop.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 a coroutine runs in one

    def cancel() -> None:
        _handle(_ignore)
        task.cancel()

    hear_signals(cancel)
    try:
        return await running
    except Exception:
        await asyncio.sleep(0)  # what a terminal's Ctrl-C did to git is no failure of git's
        raise
    finally:
        _handle(_ignore)


async def whole(ending: Coroutine[object, object, None]) -> None:
    """Await an end, all of it, also when this is cancelled meanwhile."""
    task = asyncio.create_task(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def hear_signals(end: Callable[[], None]) -> None:
    """Call `end` in the running loop at each signal from now on.

    The loop's own handlers will not do: it removes them when it closes, and in the middle of that
    a signal would raise, or find the loop's pipe closed.
    """
    loop = asyncio.get_running_loop()

    def tell(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)

    _handle(tell)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in ENDING_SIGNALS:
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # as nohup leaves it
        signal.signal(number, handler)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing.  SIG_IGN would make Python complain of a signal that has just come."""


def _leave(number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _ignore)
    raise SystemExit(128 + number)  # as shells say of a program that a signal ended
