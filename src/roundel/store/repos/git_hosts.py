"""Connections to git hosts, their deliveries, and what is watched."""

from collections.abc import Sequence
from typing import Any

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.git_events import (
    BranchDelete,
    Comment,
    GitEvent,
    PullRequest,
    Push,
    TagPush,
)
from roundel.domain.git_hosts import (
    Connection,
    ConnectionId,
    DeliveryId,
    DeliveryState,
    GitDelivery,
    Provider,
    PullFacts,
    Watch,
    WatchMode,
)
from roundel.domain.ids import OrganizationId, PersonId, ProjectId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import json_text, values_of

CONNECTION = (
    "id, organization_id, project_id, provider, api_url, app_id, key_id, secrets, created_at,"
    " heard_at"
)
DELIVERY = "id, connection_id, host_id, digest, name, events, state, outcome, created_at"
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Push, TagPush, BranchDelete, PullRequest, Comment)
}
_pull = msgspec.json.Decoder(PullFacts)


def connection_of(row: Row) -> Connection:
    """Read a connection."""
    return Connection(
        id=ConnectionId(row[0]),
        organization_id=OrganizationId(row[1]),
        project_id=None if row[2] is None else ProjectId(row[2]),
        provider=Provider(row[3]),
        api_url=row[4],
        app_id=row[5],
        secrets=Sealed(key_id=row[6], data=row[7]),
        created_at=Micros(row[8]),
        heard_at=None if row[9] is None else Micros(row[9]),
    )


def delivery_of(row: Row) -> GitDelivery:
    """Read a delivery."""
    return GitDelivery(
        id=DeliveryId(row[0]),
        connection_id=ConnectionId(row[1]),
        host_id=row[2],
        digest=row[3],
        name=row[4],
        events=tuple(_event(kind, facts) for kind, facts in msgspec.json.decode(row[5])),
        state=DeliveryState(row[6]),
        outcome=row[7],
        created_at=Micros(row[8]),
    )


def _event(kind: str, facts: Any) -> GitEvent:
    event: GitEvent = msgspec.convert(facts, _KINDS[kind])
    return event


class SqlConnections:
    """Implements `domain.git_hosts.Connections`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, connection: Connection) -> None:
        """Add a connection."""
        self._sql.run(
            f"INSERT INTO git_connection ({CONNECTION}) VALUES ({values_of(CONNECTION)})",
            id=connection.id,
            organization_id=connection.organization_id,
            project_id=connection.project_id,
            provider=connection.provider.value,
            api_url=connection.api_url,
            app_id=connection.app_id,
            key_id=connection.secrets.key_id,
            secrets=connection.secrets.data,
            created_at=connection.created_at,
            heard_at=connection.heard_at,
        )

    def get(self, connection_id: ConnectionId) -> Connection | None:
        """Return the connection."""
        return one_connection(self._sql, connection_id)

    def remove(self, connection_id: ConnectionId) -> bool:
        """Remove it with its deliveries; tell whether there was one."""
        for table in ("git_delivery", "git_link", "git_status"):
            self._sql.run(f"DELETE FROM {table} WHERE connection_id = :id", id=connection_id)
        return self._sql.run("DELETE FROM git_connection WHERE id = :id", id=connection_id) > 0

    def of_organization(self, organization_id: OrganizationId) -> Sequence[Connection]:
        """Return an organisation's connections, and those of its projects."""
        return of_organization(self._sql, organization_id)

    def for_project(
        self, project_id: ProjectId, organization_id: OrganizationId
    ) -> Sequence[Connection]:
        """Return the connections that a project may use, its own ones first."""
        rows = self._sql.all(
            f"SELECT {CONNECTION} FROM git_connection WHERE organization_id = :organization"
            " AND (project_id = :project OR project_id IS NULL)"
            " ORDER BY CASE WHEN project_id IS NULL THEN 1 ELSE 0 END, created_at, id",
            organization=organization_id,
            project=project_id,
        )
        return [connection_of(row) for row in rows]

    def heard(self, connection_id: ConnectionId, at: Micros) -> None:
        """Note that a verified message came."""
        self._sql.run(
            "UPDATE git_connection SET heard_at = :at WHERE id = :id", id=connection_id, at=at
        )

    def under_other_keys(self, key_id: str) -> Sequence[Connection]:
        """Return connections whose secrets are not sealed under this master key."""
        rows = self._sql.all(
            f"SELECT {CONNECTION} FROM git_connection WHERE key_id <> :key", key=key_id
        )
        return [connection_of(row) for row in rows]

    def reseal(self, connection: Connection) -> None:
        """Save the secrets as they are sealed now."""
        self._sql.run(
            "UPDATE git_connection SET key_id = :key_id, secrets = :secrets WHERE id = :id",
            id=connection.id,
            key_id=connection.secrets.key_id,
            secrets=connection.secrets.data,
        )

    def add_delivery(self, delivery: GitDelivery) -> bool:
        """Add it unless one of its id or body is there; tell whether it was added."""
        added = self._sql.run(
            f"INSERT INTO git_delivery ({DELIVERY}) VALUES ({values_of(DELIVERY)})"
            " ON CONFLICT DO NOTHING",
            id=delivery.id,
            connection_id=delivery.connection_id,
            host_id=delivery.host_id,
            digest=delivery.digest,
            name=delivery.name,
            events=json_text([(type(event).__name__, event) for event in delivery.events]),
            state=delivery.state.value,
            outcome=delivery.outcome,
            created_at=delivery.created_at,
        )
        return added > 0

    def delivery(self, delivery_id: DeliveryId) -> GitDelivery | None:
        """Return the delivery."""
        row = self._sql.one(f"SELECT {DELIVERY} FROM git_delivery WHERE id = :id", id=delivery_id)
        return None if row is None else delivery_of(row)

    def take_delivery(self, delivery_id: DeliveryId) -> bool:
        """Take a delivery that waits; False where it waits no longer."""
        changed = self._sql.run(
            "UPDATE git_delivery SET state = 'done' WHERE id = :id AND state = 'waiting'",
            id=delivery_id,
        )
        return changed > 0

    def tell_outcome(self, delivery_id: DeliveryId, state: DeliveryState, outcome: str) -> None:
        """Say what came of a delivery."""
        self._sql.run(
            "UPDATE git_delivery SET state = :state, outcome = :outcome WHERE id = :id",
            id=delivery_id,
            state=state.value,
            outcome=outcome,
        )

    def forget_deliveries(self, before: Micros, limit: int) -> int:
        """Remove old deliveries that wait no more; return how many."""
        return self._sql.run(
            "DELETE FROM git_delivery WHERE id IN (SELECT id FROM git_delivery"
            " WHERE created_at < :before AND state <> 'waiting' LIMIT :limit)",
            before=before,
            limit=limit,
        )

    def watch(self, project_id: ProjectId) -> Watch | None:
        """Return how a project's repository is looked at."""
        row = self._sql.one(
            "SELECT project_id, mode, pause, looked_at, problem FROM git_watch"
            " WHERE project_id = :project",
            project=project_id,
        )
        if row is None:
            return None
        return Watch(
            project_id=ProjectId(row[0]),
            mode=WatchMode(row[1]),
            pause=row[2],
            looked_at=None if row[3] is None else Micros(row[3]),
            problem=row[4],
        )

    def put_watch(self, watch: Watch) -> None:
        """Keep how a project's repository is looked at."""
        self._sql.run(
            "INSERT INTO git_watch (project_id, mode, pause, looked_at, problem)"
            " VALUES (:project, :mode, :pause, :looked_at, :problem)"
            " ON CONFLICT (project_id) DO UPDATE SET mode = excluded.mode, pause = excluded.pause,"
            " looked_at = excluded.looked_at, problem = excluded.problem",
            project=watch.project_id,
            mode=watch.mode.value,
            pause=watch.pause,
            looked_at=watch.looked_at,
            problem=watch.problem,
        )

    def remove_watch(self, project_id: ProjectId) -> bool:
        """Look at it no more; tell whether it was."""
        return self._sql.run("DELETE FROM git_watch WHERE project_id = :id", id=project_id) > 0

    def links(self, connection_id: ConnectionId, external_id: str) -> Sequence[ProjectId]:
        """Return the projects that a host's repository is known as."""
        rows = self._sql.all(
            "SELECT project_id FROM git_link WHERE connection_id = :connection"
            " AND external_id = :external ORDER BY project_id",
            connection=connection_id,
            external=external_id,
        )
        return [ProjectId(row[0]) for row in rows]

    def put_link(
        self, connection_id: ConnectionId, external_id: str, project_id: ProjectId, name: str
    ) -> None:
        """Remember as what a host knows a project's repository, and its present name there."""
        self._sql.run(
            "INSERT INTO git_link (connection_id, external_id, project_id, name)"
            " VALUES (:connection, :external, :project, :name)"
            " ON CONFLICT (connection_id, external_id, project_id)"
            " DO UPDATE SET name = excluded.name",
            connection=connection_id,
            external=external_id,
            project=project_id,
            name=name,
        )

    def pull(self, project_id: ProjectId, number: int) -> PullFacts | None:
        """Return a pull request as it was last told of."""
        row = self._sql.one(
            "SELECT facts FROM pull_request WHERE project_id = :project AND number = :number",
            project=project_id,
            number=number,
        )
        return None if row is None else _pull.decode(row[0])

    def put_pull(self, project_id: ProjectId, pull: PullFacts, at: Micros) -> None:
        """Keep a pull request as it is told of."""
        self._sql.run(
            "INSERT INTO pull_request (project_id, number, branch, is_open, facts, updated_at)"
            " VALUES (:project, :number, :branch, :is_open, :facts, :at)"
            " ON CONFLICT (project_id, number) DO UPDATE SET branch = excluded.branch,"
            " is_open = excluded.is_open, facts = excluded.facts, updated_at = excluded.updated_at",
            project=project_id,
            number=pull.number,
            branch=pull.branch,
            is_open=int(pull.open),
            facts=json_text(pull),
            at=at,
        )

    def open_pulls(self, project_id: ProjectId, branch: str) -> Sequence[PullFacts]:
        """Return the open pull requests of a branch of the repository itself."""
        rows = self._sql.all(
            "SELECT facts FROM pull_request WHERE project_id = :project AND branch = :branch"
            " AND is_open = 1 ORDER BY number",
            project=project_id,
            branch=branch,
        )
        return [it for it in (_pull.decode(row[0]) for row in rows) if not it.fork]

    def knows_guest(self, project_id: ProjectId, author_id: str) -> bool:
        """Tell whether a contribution of this account was approved before."""
        row = self._sql.one(
            "SELECT 1 FROM git_guest WHERE project_id = :project AND author_id = :author",
            project=project_id,
            author=author_id,
        )
        return row is not None

    def welcome_guest(
        self, project_id: ProjectId, author_id: str, by: PersonId, at: Micros
    ) -> None:
        """Remember that a contribution of this account was approved."""
        self._sql.run(
            "INSERT INTO git_guest (project_id, author_id, approved_by, approved_at)"
            " VALUES (:project, :author, :by, :at) ON CONFLICT (project_id, author_id) DO NOTHING",
            project=project_id,
            author=author_id,
            by=by,
            at=at,
        )


def one_connection(sql: Sql, connection_id: ConnectionId) -> Connection | None:
    """Return the connection."""
    row = sql.one(f"SELECT {CONNECTION} FROM git_connection WHERE id = :id", id=connection_id)
    return None if row is None else connection_of(row)


def of_organization(sql: Sql, organization_id: OrganizationId) -> list[Connection]:
    """Return an organisation's connections, and those of its projects."""
    rows = sql.all(
        f"SELECT {CONNECTION} FROM git_connection WHERE organization_id = :organization"
        " ORDER BY created_at, id",
        organization=organization_id,
    )
    return [connection_of(row) for row in rows]
