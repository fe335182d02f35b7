"""A person's shell in a job: its script, and the program that runs it inside."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

from roundel.backends.folder import JobFolder
from roundel.backends.protocol import NoShell, Shell
from roundel.domain.shells import WindowSize

# How a back end runs a script that lies inside.
Shells: TypeAlias = Callable[[str, WindowSize], AbstractAsyncContextManager[Shell]]
_numbers = itertools.count(1)


@asynccontextmanager
async def scripted_shell(
    folder: JobFolder, text: str, launch_inside: str, shells: Shells, size: WindowSize
) -> AsyncIterator[Shell]:
    """Run a shell with a script of its own, which lies there for as long as the shell runs."""
    name = f"shell-{next(_numbers)}.sh"
    try:
        try:
            folder.write_shell(text, name)
        except OSError as error:
            raise NoShell(f"A shell cannot be started in this job: {error.strerror}.") from error
        async with shells(f"{launch_inside}/{name}", size.bounded()) as shell:
            yield shell
    finally:
        folder.remove_shell(name)
