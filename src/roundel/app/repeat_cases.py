"""What the doors may ask for of idempotency keys."""

from roundel.app.engine import Engine
from roundel.domain.repeats import FirstAnswer
from roundel.services.repeats import Standing, begin_request, finish_request, forget_request


class RepeatCases:
    """Implements `api.ports.RepeatCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def begin(self, key: str, request: str) -> FirstAnswer | Standing:
        """Say how a request under a key stands."""
        return await begin_request(key, request, self._engine)

    async def finish(self, key: str, request: str, answer: FirstAnswer) -> None:
        """Keep a request's answer."""
        await finish_request(key, request, answer, self._engine)

    async def forget(self, key: str) -> None:
        """Forget a request."""
        await forget_request(key, self._engine)
