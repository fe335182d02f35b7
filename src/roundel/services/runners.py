"""The server's side of the runner protocol, for runners in the same process."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from roundel.domain.deploys import Release
from roundel.domain.ids import ExecutionId, RunnerId
from roundel.domain.resource_use import Sample
from roundel.domain.runners import (
    CheckoutPassword,
    Chunk,
    JobOrder,
    Lease,
    Offer,
    Orders,
    Result,
    Resumed,
    Secret,
    Shipment,
    StepReport,
)
from roundel.services import claims, output
from roundel.services.claims import held
from roundel.services.deploys import log_release
from roundel.services.keeping import LocalStorage
from roundel.services.orders import checkout_place, token_draft

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from roundel.domain.shells import ShellLine


class LocalServer(LocalStorage):
    """Implements `domain.storage.KeepingServer` on the use cases."""

    async def claim(self, offer: Offer) -> JobOrder | None:
        """Return a job, or None when there was none within `offer.wait_seconds`."""
        return await claims.claim(offer, self._app)

    async def settle(self, runner_id: RunnerId, holds: Collection[ExecutionId]) -> None:
        """Take back what `runner_id` is thought to have and does not hold."""
        await claims.settle(runner_id, holds, self._app)

    async def resume(self, lease: Lease) -> Resumed | None:
        """Return the order again to a runner that was away, or None when it must give up."""
        return await claims.resume(lease, self._app)

    async def renew(self, lease: Lease, samples: Sequence[Sample] = ()) -> Orders:
        """Keep the lease for another while; learn whether to cancel."""
        return await claims.renew(lease, samples, self._app)

    async def report(self, lease: Lease, steps: Sequence[StepReport]) -> Orders:
        """Tell of steps that began or ended, in order."""
        return await self.ship(lease, Shipment(ended=tuple(steps)))

    async def chunk(self, lease: Lease, chunks: Sequence[Chunk]) -> Orders:
        """Hand over output; it is durable when the call returns."""
        return await self.ship(lease, Shipment(chunks=tuple(chunks)))

    async def ship(self, lease: Lease, shipment: Shipment) -> Orders:
        """Report what began, hand over output, then report what ended; it is durable then."""
        return await output.take_shipment(lease, shipment, self._app)

    async def canceled(self, lease: Lease) -> None:
        """Return once this execution is to be cancelled or its lease is lost."""
        await claims.canceled(lease, self._app)

    async def called(self, lease: Lease) -> Orders:
        """Return once this execution is to stop, or somebody wants a shell in it."""
        if self._app.shell_desk is None:
            await claims.canceled(lease, self._app)
            return Orders(cancel=True)
        from roundel.services import shells

        return await shells.called(lease, self._app)

    def shell(self, lease: Lease) -> "AbstractAsyncContextManager[ShellLine | None]":
        """Yield the line to who wants a shell in the execution, if somebody waits here."""
        from roundel.services import shells

        return shells.dialled(lease, self._app)

    async def finish(self, lease: Lease, result: Result) -> None:
        """End the execution; the lease is gone afterwards."""
        await output.take_end(lease, Shipment(), result, self._app)

    async def end(self, lease: Lease, shipment: Shipment, result: Result) -> None:
        """Take the last shipment and end the execution, both or neither."""
        await output.take_end(lease, shipment, result, self._app)

    async def identity_token(
        self, lease: Lease, claims: Mapping[str, object], root_issuer: bool
    ) -> Secret:
        """Return a token with claims that the job asks for; refuse a fork's."""
        from roundel.services.identity import token_on_demand

        app = self._app
        draft = await app.database.write(lambda tx: token_draft(tx, held(tx, lease), app))
        return await token_on_demand(draft, claims, root_issuer, app)

    async def checkout_password(self, lease: Lease) -> CheckoutPassword:
        """Return a password for the job's repository, made at its host."""
        app = self._app
        place = await app.database.write(lambda tx: checkout_place(tx, held(tx, lease), app))
        return CheckoutPassword() if place is None else await place.password_of_job()

    async def log_release(self, lease: Lease, release: Release) -> None:
        """Keep what the job has deployed; refuse a fork's (NotAllowed), wrong names (Invalid)."""
        at = self._app.clock.now()
        await self._app.database.write(lambda tx: log_release(tx, held(tx, lease), release, at))
