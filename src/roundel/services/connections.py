"""Connections to git hosts: made with their secrets sealed, opened for use, and removed."""

import json
import secrets as random

from roundel.domain.errors import Invalid, NotFound
from roundel.domain.git_hosts import (
    MOST_CONNECTIONS,
    RECONCILE_EVERY,
    Connection,
    ConnectionId,
    ConnectionSecret,
    Provider,
    Watch,
    WatchMode,
)
from roundel.domain.ids import new_id
from roundel.domain.projects import Organization, Project
from roundel.domain.records import dataclass
from roundel.services.credentials import bound_to
from roundel.services.looking import watch_in
from roundel.services.work import App, Tx
from roundel.wire.web import WebRefused

LONGEST_SECRET = 20_000  # characters; private keys of Apps are the longest
SHORTEST_SECRET = 16  # of a webhook secret that somebody chose


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Connect a host: for one project, or for all of an organisation whose repositories it has."""

    organization: Organization
    project: Project | None
    provider: Provider
    api_url: str = ""
    app_id: str = ""
    webhook_secret: str = ""  # made here unless given
    token: str = ""
    private_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A connection just made; its webhook secret is shown this once."""

    connection: Connection
    webhook_secret: str


async def connect(command: Connect, app: App) -> Connected:
    """Make a connection; refuse an address that must not be asked, and one too many.

    Its project is looked at by the clock from now on, so that lost messages are found.
    """
    _check(command, app)
    at = app.clock.now()
    id_ = ConnectionId(new_id())
    organization = command.organization.id
    webhook_secret = command.webhook_secret or random.token_hex(32)
    kept = {
        ConnectionSecret.WEBHOOK.value: webhook_secret,
        ConnectionSecret.TOKEN.value: command.token,
        ConnectionSecret.PRIVATE_KEY.value: command.private_key,
    }
    text = json.dumps({name: value for name, value in kept.items() if value})
    connection = Connection(
        id=id_,
        organization_id=organization,
        project_id=None if command.project is None else command.project.id,
        provider=command.provider,
        api_url=command.api_url.rstrip("/"),
        app_id=command.app_id,
        secrets=app.cipher.seal(text, bound_to(organization, id_)),
        created_at=at,
    )

    def transaction(tx: Tx) -> None:
        if len(tx.connections.of_organization(organization)) >= MOST_CONNECTIONS:
            raise Invalid(f"An organization has {MOST_CONNECTIONS} connections at most.")
        tx.connections.add(connection)
        if command.project is not None:
            watch = Watch(
                project_id=command.project.id, mode=WatchMode.RECONCILED, pause=RECONCILE_EVERY
            )
            watch_in(tx, watch, at)

    await app.database.write(transaction)
    return Connected(connection=connection, webhook_secret=webhook_secret)


async def disconnect(connection_id: ConnectionId, app: App) -> None:
    """Remove a connection with all that it was told; its project is looked at no more."""

    def transaction(tx: Tx) -> None:
        connection = tx.connections.get(connection_id)
        if connection is None or not tx.connections.remove(connection_id):
            raise NotFound("Connection not found")
        if connection.project_id is not None:
            tx.connections.remove_watch(connection.project_id)

    await app.database.write(transaction)


def _check(command: Connect, app: App) -> None:
    for name in ("webhook_secret", "token", "private_key"):
        if len(getattr(command, name)) > LONGEST_SECRET:
            raise Invalid(f"{name}: longer than {LONGEST_SECRET} characters")
    if command.webhook_secret and len(command.webhook_secret) < SHORTEST_SECRET:
        raise Invalid(
            f"webhook_secret: at least {SHORTEST_SECRET} characters, or none to have one made"
        )
    if command.provider is Provider.GIT and command.project is None:
        raise Invalid("project: plain git is connected for one project at a time")
    if bool(command.app_id) != bool(command.private_key):
        raise Invalid("app_id, private_key: an App has both")
    if command.app_id and command.provider is not Provider.GITHUB:
        raise Invalid("app_id: only GitHub has Apps")
    if command.app_id and not command.app_id.isalnum():
        raise Invalid("app_id: expected the App's id or client id")
    if command.api_url:
        try:
            app.web.check(command.api_url)
        except WebRefused as error:
            raise Invalid(f"api_url: {error}") from error
    elif command.provider in (Provider.BITBUCKET_DC, Provider.GITEA):
        raise Invalid("api_url: this host is your own, so its address must be given")
