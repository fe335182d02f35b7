"""`roundel` with a stop point: it kills itself, really, at one transaction.

    python victim.py NAME before|inside|after roundel-arguments...

NAME is a part of the transaction function's qualified name.  `before` is before it runs, `inside`
when it has run and nothing is committed, `after` when it is durable and nobody has heard of it.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from roundel.store.writer import Writer

DONE = "stopped at "


def die(name: str) -> None:
    os.write(1, f"{DONE}{name}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def arm(name: str, moment: str) -> None:
    """Let every transaction function of that name kill this process."""
    write = Writer.write

    def meant(value: Any) -> bool:
        """A claim that found nothing is not the phase that is meant."""
        return "claim" not in name or any(draft is not None for draft in value)

    async def armed(self: Writer, fn: Callable[[Any], Any]) -> Any:
        called = f"{fn.__module__}.{fn.__qualname__}"
        if name not in called:
            return await write(self, fn)

        def inside(tx: Any) -> Any:
            value = fn(tx)
            if moment == "inside" and meant(value):
                die(called)
            return value

        if moment == "before":
            die(called)
        value = await write(self, inside)
        if moment == "after" and meant(value):
            die(called)
        return value

    Writer.write = armed  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    arm(sys.argv[1], sys.argv[2])
    from roundel.cli.main import main

    main(sys.argv[3:])
