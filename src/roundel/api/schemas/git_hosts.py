"""Connections to git hosts on the wire; what opens them never."""

from typing import Any, Literal

import msgspec

from roundel.api.schemas.common import Time, Uuid, millis, millis_or_none
from roundel.domain.git_hosts import Connection, GitDelivery

ProviderName = Literal["git", "github", "gitlab", "bitbucket", "bitbucket-dc", "gitea"]


class ConnectBody(msgspec.Struct):
    """What to connect.  Without a webhook secret one is made."""

    provider: ProviderName
    api_url: str = ""
    app_id: str = ""
    webhook_secret: str = ""
    token: str = ""
    private_key: str = ""


class ConnectionShown(msgspec.Struct):
    id: Uuid
    provider: ProviderName
    project_id: Uuid | None
    api_url: str
    app_id: str
    webhook_url: str
    created_at: Time
    last_message_at: Time | None


class NewConnection(ConnectionShown):
    """The secret is shown this once."""

    webhook_secret: str


class IncomingShown(msgspec.Struct):
    """A message that a host has sent, and what became of it."""

    id: Uuid
    host_id: str
    event: str
    state: Literal["waiting", "done", "ignored"]
    outcome: str
    created_at: Time


class Received(msgspec.Struct):
    """What the host is told."""

    id: Uuid
    message: str


def connection_shown(connection: Connection, origin: str) -> ConnectionShown:
    return ConnectionShown(**_facts(connection, origin))


def new_connection(connection: Connection, origin: str, secret: str) -> NewConnection:
    return NewConnection(**_facts(connection, origin), webhook_secret=secret)


def _facts(connection: Connection, origin: str) -> dict[str, Any]:
    return {
        "id": connection.id,
        "provider": connection.provider.value,
        "project_id": connection.project_id,
        "api_url": connection.api_url,
        "app_id": connection.app_id,
        "webhook_url": f"{origin}/api/roundel/git/{connection.id}",
        "created_at": millis(connection.created_at),
        "last_message_at": millis_or_none(connection.heard_at),
    }


def incoming_shown(delivery: GitDelivery) -> IncomingShown:
    return IncomingShown(
        delivery.id,
        delivery.host_id,
        delivery.name,
        delivery.state.value,
        delivery.outcome,
        millis(delivery.created_at),
    )
