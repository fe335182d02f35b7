"""Who a runner is: known by its token alone."""

import hashlib
from collections.abc import Awaitable, Callable

from roundel.api.auth import LONGEST_TOKEN, TRUSTED_FOR
from roundel.domain.clock import SECOND, Clock, Micros
from roundel.domain.errors import NotAllowed
from roundel.domain.ids import ExecutionId, RunnerId
from roundel.domain.records import dataclass
from roundel.domain.resource_classes import ResourceClass, SeenRunner, runner_id
from roundel.domain.runners import Lease
from roundel.domain.views import Reads
from roundel.wire.messages import ClaimAsk, Held

SEEN_EVERY = 30 * SECOND  # how old `last_connected` may be
MOST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Guest:
    """A verified caller: some runner of this class."""

    resource_class: ResourceClass
    ip: str
    greet: Callable[["Guest", ClaimAsk], Awaitable[None]]

    def runner(self, unverified_name: str) -> RunnerId:
        """Return the runner's id; no name leads out of the class."""
        return runner_id(self.resource_class, unverified_name)

    def lease(self, unverified: Held) -> Lease:
        """Return the lease that is claimed to be held; the use case finds out whether it is."""
        return Lease(
            execution_id=ExecutionId(unverified.execution_id),
            runner_id=self.runner(unverified.runner),
            fence=unverified.fence,
        )

    def check_classes(self, unverified: tuple[str, ...]) -> None:
        """Refuse a runner that was told to serve another class than its token's."""
        own = self.resource_class.name
        if any(name != own for name in unverified):
            asked = ", ".join(unverified)
            raise NotAllowed(f"this token is for {own!r}; it cannot take jobs of {asked}")


class Guests:
    """Looks up whose token it is, and remembers it for a moment."""

    def __init__(
        self,
        reads: Reads,
        clock: Clock,
        greet: Callable[[SeenRunner], Awaitable[None]],
    ) -> None:
        self._reads = reads
        self._clock = clock
        self._note = greet
        self._known: dict[bytes, tuple[ResourceClass, Micros]] = {}
        self._seen: dict[RunnerId, Micros] = {}

    async def who(self, unverified_token: str, client: tuple[str, int] | None) -> Guest | None:
        """Return the caller, or None where the token is no runner's."""
        if len(unverified_token) > LONGEST_TOKEN:
            return None
        digest = hashlib.sha256(unverified_token.encode("utf-8", "surrogateescape")).digest()
        now = self._clock.now()
        known = self._known.get(digest)
        if known is None or known[1] <= now:
            self._known.pop(digest, None)
            found = await self._reads.runner_class(digest)
            if found is None:
                return None
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            known = self._known[digest] = (found, Micros(now + TRUSTED_FOR))
        return Guest(known[0], client[0] if client else "", self._greet)

    async def _greet(self, guest: Guest, ask: ClaimAsk) -> None:
        """Note that a runner asks for jobs, but not at each of its calls."""
        now = self._clock.now()
        runner = guest.runner(ask.runner)
        if now - self._seen.get(runner, Micros(0)) < SEEN_EVERY:
            return
        if len(self._seen) >= MOST_KEPT:
            self._seen.clear()
        self._seen[runner] = now
        await self._note(
            SeenRunner(
                id=runner,
                resource_class=guest.resource_class,
                name=ask.runner,
                hostname=ask.hostname[:255],
                version=ask.version[:64],
                ip=guest.ip,
                first_connected=now,
                last_connected=now,
            )
        )
