"""Approvals of a local run: given beforehand on the command line, or asked for on the terminal."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import click

Decide = Callable[[str, str], Awaitable[bool | None]]


def decider(approve: tuple[str, ...]) -> Decide:
    """Return what answers whether a job is approved: `--approve`, or whoever sits there."""
    if "all" in approve:
        return _always
    if approve:
        names = frozenset(approve)

        async def by_name(_workflow: str, job: str) -> bool | None:
            return True if job in names else None

        return by_name
    return Terminal().ask if sys.stdin.isatty() else _nobody


async def _always(_workflow: str, _job: str) -> bool | None:
    return True


async def _nobody(_workflow: str, _job: str) -> bool | None:
    return None


class Terminal:
    """Asks one question after another; a wait for an answer can be cancelled."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def ask(self, workflow: str, job: str) -> bool | None:
        """Return the answer; the end of the input leaves the job waiting."""
        async with self._turn:
            while True:
                click.echo(f"Approve {job} of workflow {workflow}? [y/n]", err=True)
                line = await _line()
                if not line:
                    return None
                answer = line.strip().lower()
                if answer in {"y", "yes"}:
                    return True
                if answer in {"n", "no"}:
                    return None


async def _line() -> str:
    """Return the next line of standard input, empty at its end, without keeping a thread in it."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    number = sys.stdin.fileno()

    def there() -> None:
        loop.remove_reader(number)
        ready.set_result(None)

    loop.add_reader(number, there)
    try:
        await ready
    finally:
        loop.remove_reader(number)
    return sys.stdin.readline()
