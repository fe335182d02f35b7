"""What connections keep sealed: opened for use, and sealed anew under another master key."""

import json
from collections.abc import Mapping
from dataclasses import replace

from roundel.domain.contexts import Sealed
from roundel.domain.git_hosts import Connection, ConnectionId, Credentials
from roundel.domain.ids import OrganizationId
from roundel.domain.runners import Secret
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal, Cipher


def bound_to(organization: OrganizationId, connection: ConnectionId) -> bytes:
    """Return what the secrets of a connection are bound to."""
    return json.dumps([organization, "git-connection", connection]).encode()


def opened(connection: Connection, cipher: Cipher) -> Credentials:
    """Return what a connection keeps sealed; nothing of it where the master key is lost."""
    try:
        text = cipher.unseal(
            connection.secrets, bound_to(connection.organization_id, connection.id)
        )
    except CannotUnseal:
        text = Secret("{}")
    found: Mapping[str, str] = json.loads(text)
    return Credentials(
        provider=connection.provider,
        api_url=connection.api_url,
        app_id=connection.app_id,
        secrets={name: Secret(value) for name, value in found.items()},
    )


async def reseal_connections(app: App) -> int:
    """Seal what is under another master key under the current one; return how many."""
    cipher = app.cipher

    def transaction(tx: Tx) -> int:
        count = 0
        for connection in tx.connections.under_other_keys(cipher.current):
            bound = bound_to(connection.organization_id, connection.id)
            try:
                text = cipher.unseal(connection.secrets, bound)
            except CannotUnseal:
                continue  # its master key may come back
            anew: Sealed = cipher.seal(text, bound)
            tx.connections.reseal(replace(connection, secrets=anew))
            count += 1
        return count

    return await app.database.write(transaction)
