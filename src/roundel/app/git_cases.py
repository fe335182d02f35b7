"""What the doors may ask for of git hosts."""

from collections.abc import Mapping

from roundel.app.engine import Engine
from roundel.domain.access import Actor
from roundel.domain.git_hosts import ConnectionId, Unverified, Watch
from roundel.domain.ids import PipelineId
from roundel.domain.projects import Project
from roundel.services.connections import Connect, Connected, connect, disconnect
from roundel.services.ingest import Receipt, receive
from roundel.services.looking import poll, stop_polling
from roundel.services.strangers import approve_contribution


class GitCases:
    """Implements `api.ports.GitCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def receive(
        self, connection: ConnectionId, headers: Mapping[str, str], raw_body: bytes
    ) -> Receipt | Unverified:
        """Keep a message of a host, and act on it behind the answer."""
        receipt = await receive(connection, headers, raw_body, self._engine)
        if isinstance(receipt, Receipt) and receipt.waiting:
            self._engine.ticks.ingest(receipt.id)
        return receipt

    async def connect(self, command: Connect) -> Connected:
        """Connect a host."""
        return await connect(command, self._engine)

    async def disconnect(self, connection: ConnectionId) -> None:
        """Remove a connection."""
        await disconnect(connection, self._engine)

    async def poll(self, project: Project) -> Watch:
        """Look at a repository often."""
        return await poll(project, self._engine)

    async def stop_polling(self, project: Project) -> None:
        """Look at it no more."""
        await stop_polling(project, self._engine)

    async def approve_contribution(self, pipeline: PipelineId, by: Actor) -> None:
        """Let a stranger's pipeline go on."""
        self._engine.ticks.create(await approve_contribution(pipeline, by, self._engine))
