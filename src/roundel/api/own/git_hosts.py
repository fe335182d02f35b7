"""Git hosts: what they send us, how they are connected, and whose contributions may run."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from roundel.api.errors import Refusal
from roundel.api.operations import (
    OWN,
    PAGE_TOKEN,
    AnyOperation,
    Call,
    Found,
    Operation,
    RawMessage,
    Subject,
)
from roundel.api.paging import PAGE_SIZE, page, read_token, token
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Message, Page
from roundel.api.schemas.git_hosts import (
    ConnectBody,
    ConnectionShown,
    IncomingShown,
    NewConnection,
    Received,
    connection_shown,
    incoming_shown,
    new_connection,
)
from roundel.api.subjects import ORGANIZATION, PIPELINE, PROJECT
from roundel.domain.access import Need
from roundel.domain.errors import NotFound
from roundel.domain.git_hosts import (
    Connection,
    ConnectionId,
    DeliveryId,
    Provider,
    Unverified,
)
from roundel.domain.ids import is_uuid
from roundel.domain.projects import Organization, Project
from roundel.domain.views import PipelineView
from roundel.services.connections import Connect

LARGEST_MESSAGE = 25 * 1024 * 1024  # bytes; the most that any host sends
NO_CONNECTION = "Connection not found"


async def _connection(app: ApiApp, path: Mapping[str, str]) -> Found[Connection] | None:
    text = path["connection-id"]
    if not is_uuid(text):
        return None
    found = await app.connections.connection(ConnectionId(text.lower()))
    return None if found is None else Found(found.organization_id, found)


CONNECTION = Subject(find=_connection, missing=NO_CONNECTION, outside=NO_CONNECTION)


async def receive(call: Call[None, RawMessage]) -> Response:
    """Its right is in the message: it is signed with the connection's secret."""
    text = call.path["connection-id"]
    if not is_uuid(text):
        raise NotFound(NO_CONNECTION)
    connection = ConnectionId(text.lower())
    receipt = await call.door.use_cases.git.receive(connection, call.body.headers, call.body.body)
    if isinstance(receipt, Unverified):
        raise Refusal(receipt.status, receipt.reason)
    found = await call.app.connections.connection(connection)
    call.tell(None if found is None else found.organization_id, receipt.id)
    shown = Received(receipt.id, receipt.message)
    return Response(msgspec.json.encode(shown), 202, media_type="application/json")


async def connect_project(call: Call[Project, ConnectBody]) -> NewConnection:
    return await _connect(call, call.subject.organization, call.subject)


async def connect_organization(call: Call[Organization, ConnectBody]) -> NewConnection:
    return await _connect(call, call.subject, None)


async def _connect(
    call: Call[Project, ConnectBody] | Call[Organization, ConnectBody],
    organization: Organization,
    project: Project | None,
) -> NewConnection:
    body = call.body
    made = await call.door.use_cases.git.connect(
        Connect(
            organization=organization,
            project=project,
            provider=Provider(body.provider),
            api_url=body.api_url.strip(),
            app_id=body.app_id.strip(),
            webhook_secret=body.webhook_secret,
            token=body.token.strip(),
            private_key=body.private_key,
        )
    )
    return new_connection(made.connection, call.origin, made.webhook_secret)


async def list_connections(call: Call[Organization, None]) -> list[ConnectionShown]:
    found = await call.app.connections.connections(call.subject.id)
    return [connection_shown(it, call.origin) for it in found]


async def remove_connection(call: Call[Connection, None]) -> Message:
    await call.door.use_cases.git.disconnect(call.subject.id)
    return Message("Connection removed.")


async def list_messages(call: Call[Connection, None]) -> Page[IncomingShown]:
    before = read_token("git-messages", call.query.get("page-token"))
    rows = await call.app.connections.deliveries(
        call.subject.id,
        before=None if before is None else (before[0], DeliveryId(before[1])),
        limit=PAGE_SIZE + 1,
    )
    shown, last = page(rows)
    following = None if last is None else token("git-messages", last.created_at, last.id)
    return Page([incoming_shown(it) for it in shown], following)


async def poll(call: Call[Project, None]) -> Message:
    await call.door.use_cases.git.poll(call.subject)
    return Message("The repository is polled from now on.")


async def stop_polling(call: Call[Project, None]) -> Message:
    await call.door.use_cases.git.stop_polling(call.subject)
    return Message("The repository is polled no more.")


async def approve(call: Call[PipelineView, None]) -> Message:
    await call.door.use_cases.git.approve_contribution(call.subject.pipeline.id, call.actor)
    return Message("Accepted.")


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path="/git/{connection-id}",
        id="receiveGitMessage",
        summary="Take a message of a git host, which is signed",
        tag="Roundel",
        need=Need.NOTHING,
        handler=receive,
        prefix=OWN,
        raw=True,
        largest_body=LARGEST_MESSAGE,
        status=202,
        extension=True,
    ),
    Operation(
        method="DELETE",
        path="/git/{connection-id}",
        id="removeGitConnection",
        summary="Remove a connection to a git host",
        tag="Roundel",
        need=Need.WRITE,
        subject=CONNECTION,
        handler=remove_connection,
        prefix=OWN,
        answer=Message,
        extension=True,
    ),
    Operation(
        method="GET",
        path="/git/{connection-id}/messages",
        id="listGitMessages",
        summary="List what a git host has sent, newest first, and what became of it",
        tag="Roundel",
        need=Need.READ,
        subject=CONNECTION,
        handler=list_messages,
        prefix=OWN,
        answer=Page[IncomingShown],
        query=(PAGE_TOKEN,),
        extension=True,
    ),
    Operation(
        method="POST",
        path="/project/{project-slug}/connection",
        id="connectProject",
        summary="Connect a project to its repository's host",
        tag="Roundel",
        need=Need.WRITE,
        subject=PROJECT,
        handler=connect_project,
        prefix=OWN,
        body=ConnectBody,
        answer=NewConnection,
        status=201,
        extension=True,
    ),
    Operation(
        method="POST",
        path="/organization/{vcs}/{organization}/connection",
        id="connectOrganization",
        summary="Connect all projects of an organization to a git host",
        tag="Roundel",
        need=Need.ADMINISTER,
        subject=ORGANIZATION,
        handler=connect_organization,
        prefix=OWN,
        body=ConnectBody,
        answer=NewConnection,
        status=201,
        extension=True,
    ),
    Operation(
        method="GET",
        path="/organization/{vcs}/{organization}/connection",
        id="listGitConnections",
        summary="List an organization's connections to git hosts",
        tag="Roundel",
        need=Need.READ,
        subject=ORGANIZATION,
        handler=list_connections,
        prefix=OWN,
        answer=list[ConnectionShown],
        extension=True,
    ),
    Operation(
        method="POST",
        path="/project/{project-slug}/polling",
        id="pollRepository",
        summary="Look at a repository often, as nobody tells of its pushes",
        tag="Roundel",
        need=Need.WRITE,
        subject=PROJECT,
        handler=poll,
        prefix=OWN,
        answer=Message,
        extension=True,
    ),
    Operation(
        method="DELETE",
        path="/project/{project-slug}/polling",
        id="stopPolling",
        summary="Look at a repository no more",
        tag="Roundel",
        need=Need.WRITE,
        subject=PROJECT,
        handler=stop_polling,
        prefix=OWN,
        answer=Message,
        extension=True,
    ),
    Operation(
        method="POST",
        path="/pipeline/{pipeline-id}/approve",
        id="approveContribution",
        summary="Let the held pipeline of a stranger's pull request run",
        tag="Roundel",
        need=Need.WRITE,
        subject=PIPELINE,
        handler=approve,
        prefix=OWN,
        answer=Message,
        extension=True,
    ),
]
