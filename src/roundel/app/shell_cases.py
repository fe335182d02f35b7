"""What visitors may ask for around shells."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from roundel.app.engine import Engine

if TYPE_CHECKING:
    from roundel.services.shell_desk import Meeting
    from roundel.services.shells import OpenShell


class ShellCases:
    """Implements `web.ports.ShellCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self, command: "OpenShell") -> "AbstractAsyncContextManager[Meeting]":
        """Yield the line to a shell, or refuse."""
        from roundel.services.shells import open_shell

        return open_shell(command, self._engine)

    async def check(self, command: "OpenShell") -> None:
        """Refuse whoever may not have one, or not any more."""
        from roundel.services.shells import may_open_shell

        await may_open_shell(command, self._engine)
