"""Messages of git hosts: verified and kept at once, acted upon behind the answer, exactly once."""

import hashlib
import logging
from collections.abc import Mapping

from roundel.domain.clock import DAY, Micros
from roundel.domain.errors import DomainError, NotFound
from roundel.domain.git_events import (
    BranchDelete,
    PullRequest,
    Push,
    TagPush,
    event_ref,
)
from roundel.domain.git_hosts import (
    Connection,
    ConnectionId,
    ConnectionSecret,
    DeliveryId,
    DeliveryState,
    GitDelivery,
    Unverified,
)
from roundel.domain.git_refs import News, change_ref
from roundel.domain.ids import TimerId, new_id
from roundel.domain.records import dataclass
from roundel.domain.timers import Timer, TimerKind
from roundel.services.credentials import opened
from roundel.services.event_origins import wants_no_pipeline
from roundel.services.git_matching import Start, note_pull, projects_of, starts_of
from roundel.services.pipelines import COMPILE_TAKEN, Triggered
from roundel.services.sources import Looked, look
from roundel.services.starting import start_pipeline, why_not_now
from roundel.services.work import App, Tx

KEPT_FOR = 90 * DAY  # for so long a message is known again; later ones are judged by their refs
LONGEST_HOST_ID = 200
UNKNOWN = "There is no such connection."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the sender of a verified message is told; `waiting` is what is to be done now."""

    id: DeliveryId
    message: str
    waiting: bool


async def receive(
    connection_id: ConnectionId, headers: Mapping[str, str], raw_body: bytes, app: App
) -> Receipt | Unverified:
    """Verify, read and keep a message; one that was here before changes nothing.

    Who sends a message again, under its id or under another one with the same body, hears of the
    first.  Nothing is read of a message before it is verified.
    """
    connection = await app.connections.connection(connection_id)
    if connection is None:
        raise NotFound(UNKNOWN)
    secret = opened(connection, app.cipher).secret(ConnectionSecret.WEBHOOK)
    host = app.git_hosts.of(connection.provider)
    if not secret or not host.verify(headers, raw_body, secret):
        return Unverified("The message is not signed with this connection's secret.")
    message = host.read(headers, raw_body)
    if isinstance(message, Unverified):
        return message
    at = app.clock.now()
    digest = hashlib.sha256(raw_body).hexdigest()
    said = "; ".join(it.reason for it in message.ignored) or "nothing in it starts a pipeline"
    delivery = GitDelivery(
        id=DeliveryId(new_id()),
        connection_id=connection.id,
        host_id=message.id[:LONGEST_HOST_ID] or digest,
        digest=digest,
        name=message.name[:LONGEST_HOST_ID],
        events=message.events,
        state=DeliveryState.WAITING if message.events else DeliveryState.IGNORED,
        outcome="" if message.events else f"ignored: {said}",
        created_at=at,
    )

    def transaction(tx: Tx) -> bool:
        if not tx.connections.add_delivery(delivery):
            return False
        tx.connections.heard(connection.id, at)
        tx.connections.forget_deliveries(Micros(at - KEPT_FOR), 100)
        if message.events:
            tx.timers.add(
                Timer(
                    id=TimerId(new_id()),
                    kind=TimerKind.GIT_DELIVERY,
                    subject=delivery.id,
                    run_at=Micros(at + COMPILE_TAKEN),
                    owner=app.instance,
                )
            )
        return True

    added = await app.database.write(transaction)
    if not added:
        return Receipt(id=delivery.id, message="received before", waiting=False)
    text = "accepted" if message.events else delivery.outcome
    return Receipt(id=delivery.id, message=text, waiting=bool(message.events))


async def act_on(delivery_id: DeliveryId, app: App) -> list[Triggered]:
    """Start the pipelines that a kept message asks for; return those that are to go on.

    All of them are made in the transaction that ends the delivery, so that neither a crash nor a
    second server makes one of them twice.
    """

    def plan(tx: Tx) -> tuple[GitDelivery, Connection, Wanted] | None:
        delivery = tx.connections.delivery(delivery_id)
        connection = None if delivery is None else tx.connections.get(delivery.connection_id)
        if delivery is None or connection is None or delivery.state is not DeliveryState.WAITING:
            tx.timers.remove_for(TimerKind.GIT_DELIVERY, delivery_id)
            return None
        return delivery, connection, _wanted(tx, delivery, connection)

    found = await app.database.write(plan)
    if found is None:
        return []
    delivery, connection, wanted = found
    looked: dict[int, Looked | str] = {}
    for number, (start, _) in enumerate(wanted):
        if start is not None:
            looked[number] = await _look(start, app)
    at = app.clock.now()

    def transaction(tx: Tx) -> list[Triggered]:
        return _carry_out(tx, delivery, connection, wanted, looked, app, at)

    return await app.database.write(transaction)


Wanted = list[tuple[Start | None, str]]  # a pipeline, or the reason why there is none


def _wanted(tx: Tx, delivery: GitDelivery, connection: Connection) -> Wanted:
    wanted: Wanted = []
    at = delivery.created_at
    for event in delivery.events:
        projects, why = projects_of(tx, connection, event.repository)
        if not projects:
            wanted.append((None, why))
        for project in projects:
            if isinstance(event, PullRequest):
                note_pull(tx, project, event, at)
            starts, why = starts_of(tx, project, event)
            wanted += [(start, "") for start in starts] or [(None, why)]
    return wanted


async def _look(start: Start, app: App) -> Looked | str:
    try:
        looked = await look(
            start.project, start.ref, app, start.commit, start.launch, fork=start.fork
        )
    except DomainError as error:
        return str(error)
    if wants_no_pipeline(start.event, looked.commit):
        return "the commit or the pull request asks for no pipeline"
    return looked


def _carry_out(
    tx: Tx,
    delivery: GitDelivery,
    connection: Connection,
    wanted: Wanted,
    looked: Mapping[int, Looked | str],
    app: App,
    at: Micros,
) -> list[Triggered]:
    """End the delivery with all that comes of it, unless somebody else has."""
    if not tx.connections.take_delivery(delivery.id):
        return []
    tx.timers.remove_for(TimerKind.GIT_DELIVERY, delivery.id)
    news = _note_refs(tx, delivery, connection, at)
    made: list[Triggered] = []
    said: list[str] = []
    for number, (start, why) in enumerate(wanted):
        if start is None:
            said.append(why)
            continue
        found = looked[number]
        fresh = news.get((start.source.id, event_ref(start.event)), News.NEW)
        if isinstance(found, str):
            said.append(found)
        elif why := why_not_now(tx, start, fresh):
            said.append(why)
        else:
            triggered = start_pipeline(tx, start, found, connection.provider, fresh, app, at)
            said.append(f"{start.project.slug} #{triggered.pipeline.number}")
            made.append(triggered)
    state = DeliveryState.DONE if made else DeliveryState.IGNORED
    text = "; ".join(said)
    tx.connections.tell_outcome(delivery.id, state, text if made else f"ignored: {text}")
    return [it for it in made if it.pipeline.origin is None or not it.pipeline.origin.held]


def _note_refs(
    tx: Tx, delivery: GitDelivery, connection: Connection, at: Micros
) -> dict[tuple[str, str], News]:
    """Move the refs that the events are about; return what each of them is to us."""
    news: dict[tuple[str, str], News] = {}
    for event in delivery.events:
        if not isinstance(event, Push | TagPush | BranchDelete):
            continue
        after = None if isinstance(event, BranchDelete) else event.after
        for project in projects_of(tx, connection, event.repository)[0]:
            ref = event_ref(event)
            known = tx.known_refs.get(project.id, ref)
            moved, fresh = change_ref(known, ref, event.before, after)
            tx.known_refs.put(project.id, moved, at)
            news[(project.id, ref)] = fresh
    return news
