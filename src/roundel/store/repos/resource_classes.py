"""Resource classes of runners elsewhere."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, RunnerId, TokenId
from roundel.domain.resource_classes import (
    ResourceClass,
    ResourceClassId,
    RunnerToken,
    SeenRunner,
)
from roundel.store.dialect import Row, Sql
from roundel.store.rows import columns, values_of

CLASS = "id, name, organization_id, description, created_at"
_CLASS_WIDTH = 5
_TOKEN = "id, nickname, prefix, digest, created_at"  # noqa: S105 - columns
_RUNNER = "id, name, hostname, version, ip, first_connected, last_connected, last_used"


class SqlResourceClasses:
    """Implements `domain.resource_classes.ResourceClasses`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, resource_class: ResourceClass) -> None:
        """Add a class."""
        self._sql.run(
            f"INSERT INTO resource_class ({CLASS}) VALUES ({values_of(CLASS)})",
            id=resource_class.id,
            name=resource_class.name,
            organization_id=resource_class.organization_id,
            description=resource_class.description,
            created_at=resource_class.created_at,
        )

    def get(self, class_id: ResourceClassId) -> ResourceClass | None:
        """Return the class."""
        row = self._sql.one(f"SELECT {CLASS} FROM resource_class WHERE id = :id", id=class_id)
        return None if row is None else _class_of(row)

    def by_name(self, name: str) -> ResourceClass | None:
        """Return the class of that name."""
        row = self._sql.one(f"SELECT {CLASS} FROM resource_class WHERE name = :name", name=name)
        return None if row is None else _class_of(row)

    def by_digest(self, digest: bytes) -> ResourceClass | None:
        """Return the class that the token with this SHA-256 speaks for."""
        row = self._sql.one(
            f"SELECT {columns(CLASS, 'c')} FROM runner_token t"
            " JOIN resource_class c ON c.id = t.resource_class_id WHERE t.digest = :digest",
            digest=digest,
        )
        return None if row is None else _class_of(row)

    def all(self) -> Sequence[ResourceClass]:
        """Return all classes by name."""
        return [
            _class_of(row)
            for row in self._sql.all(f"SELECT {CLASS} FROM resource_class ORDER BY name")
        ]

    def remove(self, class_id: ResourceClassId) -> None:
        """Remove a class with its tokens and runners."""
        self._sql.run("DELETE FROM runner WHERE resource_class_id = :id", id=class_id)
        self._sql.run("DELETE FROM runner_token WHERE resource_class_id = :id", id=class_id)
        self._sql.run("DELETE FROM resource_class WHERE id = :id", id=class_id)

    def add_token(self, token: RunnerToken) -> None:
        """Add a token."""
        self._sql.run(
            f"INSERT INTO runner_token (resource_class_id, {_TOKEN})"
            f" VALUES (:class_id, {values_of(_TOKEN)})",
            class_id=token.resource_class.id,
            id=token.id,
            nickname=token.nickname,
            prefix=token.prefix,
            digest=token.digest,
            created_at=token.created_at,
        )

    def tokens(self, class_id: ResourceClassId) -> Sequence[RunnerToken]:
        """Return the tokens of a class, oldest first."""
        rows = self._sql.all(
            f"SELECT {columns(CLASS, 'c')}, {columns(_TOKEN, 't')} FROM runner_token t"
            " JOIN resource_class c ON c.id = t.resource_class_id"
            " WHERE c.id = :id ORDER BY t.created_at, t.id",
            id=class_id,
        )
        return [_token_of(row) for row in rows]

    def token(self, token_id: TokenId) -> RunnerToken | None:
        """Return the token."""
        row = self._sql.one(
            f"SELECT {columns(CLASS, 'c')}, {columns(_TOKEN, 't')} FROM runner_token t"
            " JOIN resource_class c ON c.id = t.resource_class_id WHERE t.id = :id",
            id=token_id,
        )
        return None if row is None else _token_of(row)

    def remove_token(self, token_id: TokenId) -> None:
        """Remove a token; it is refused from now on."""
        self._sql.run("DELETE FROM runner_token WHERE id = :id", id=token_id)

    def seen(self, runner: SeenRunner) -> None:
        """Keep that a runner was here; when it was first seen stays as it is."""
        self._sql.run(
            f"INSERT INTO runner (resource_class_id, {_RUNNER})"
            f" VALUES (:class_id, {values_of(_RUNNER)})"
            " ON CONFLICT (id) DO UPDATE SET hostname = excluded.hostname,"
            " version = excluded.version, ip = excluded.ip,"
            " last_connected = excluded.last_connected",
            class_id=runner.resource_class.id,
            id=runner.id,
            name=runner.name,
            hostname=runner.hostname,
            version=runner.version,
            ip=runner.ip,
            first_connected=runner.first_connected,
            last_connected=runner.last_connected,
            last_used=runner.last_used,
        )

    def used(self, runner: RunnerId, at: Micros) -> None:
        """Keep that a runner was given a job."""
        self._sql.run("UPDATE runner SET last_used = :at WHERE id = :id", id=runner, at=at)

    def runners(self, class_id: ResourceClassId) -> Sequence[SeenRunner]:
        """Return the runners of a class by name."""
        rows = self._sql.all(
            f"SELECT {columns(CLASS, 'c')}, {columns(_RUNNER, 'r')} FROM runner r"
            " JOIN resource_class c ON c.id = r.resource_class_id"
            " WHERE c.id = :id ORDER BY r.name, r.id",
            id=class_id,
        )
        return [_runner_of(row) for row in rows]

    def waiting(self, name: str) -> tuple[int, int]:
        """Return how many executions of the class wait, and how many run."""
        queued = self._sql.one(
            "SELECT count(*) FROM execution WHERE status = 'queued' AND lane = :lane", lane=name
        )
        running = self._sql.one(
            "SELECT count(*) FROM execution WHERE status IN ('claimed', 'running')"
            " AND lane = :lane",
            lane=name,
        )
        return (0 if queued is None else queued[0]), (0 if running is None else running[0])


def _class_of(row: Row) -> ResourceClass:
    return ResourceClass(
        id=ResourceClassId(row[0]),
        name=row[1],
        organization_id=None if row[2] is None else OrganizationId(row[2]),
        description=row[3],
        created_at=Micros(row[4]),
    )


def _token_of(row: Row) -> RunnerToken:
    own = row[_CLASS_WIDTH:]
    return RunnerToken(
        id=TokenId(own[0]),
        resource_class=_class_of(row),
        nickname=own[1],
        prefix=own[2],
        digest=bytes(own[3]),
        created_at=Micros(own[4]),
    )


def _runner_of(row: Row) -> SeenRunner:
    own = row[_CLASS_WIDTH:]
    return SeenRunner(
        id=RunnerId(own[0]),
        resource_class=_class_of(row),
        name=own[1],
        hostname=own[2],
        version=own[3],
        ip=own[4],
        first_connected=Micros(own[5]),
        last_connected=Micros(own[6]),
        last_used=own[7],
    )
