"""What the kernel and our own rights let us do for jobs that run as processes, looked at once."""

import asyncio

from roundel.backends.finishing import finished
from roundel.backends.namespaces import permitted_isolation
from roundel.backends.users import users_permitted


class Ground:
    """Without `namespaces` jobs are not isolated, without `own_users` they are us, untried."""

    def __init__(self, *, namespaces: bool, own_users: bool) -> None:
        # The command that isolates a job: None until we know, empty where there is none.
        self._isolation: tuple[str, ...] | None = None if namespaces else ()
        # Whether jobs get users of their own; None until we know if we may give them any.
        self._own_users: bool | None = None if own_users else False
        self._one_looks = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start to look, so that the first job need not wait for it."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())

    async def known(self) -> tuple[tuple[str, ...], bool]:
        """Return the command that isolates a job, and whether jobs are users of their own."""
        if self._isolation is None or self._own_users is None:
            await finished(self._look())
        return self._isolation or (), bool(self._own_users)

    async def close(self) -> None:
        """Wait until nobody looks."""
        if self._looking is not None:
            await asyncio.wait([self._looking])
            self._looking = None

    async def _look(self) -> None:
        async with self._one_looks:
            if self._isolation is None:
                self._isolation = await permitted_isolation()
            if self._own_users is None:
                self._own_users = await users_permitted(self._isolation)
