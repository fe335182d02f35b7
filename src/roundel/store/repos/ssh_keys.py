"""Additional SSH keys of projects."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.ssh_keys import SshKey
from roundel.store.dialect import Row, Sql
from roundel.store.rows import columns, values_of

KEY = "project_id, hostname, md5, sha256, public_key, key_id, private_key, created_at"
KEY_WIDTH = 8


def _key_of(row: Row) -> SshKey:
    return SshKey(
        project_id=ProjectId(row[0]),
        hostname=row[1],
        md5=row[2],
        sha256=row[3],
        public_key=row[4],
        private_key=Sealed(key_id=row[5], data=row[6]),
        created_at=Micros(row[7]),
    )


def of_project(sql: Sql, project_id: ProjectId) -> list[SshKey]:
    """Return a project's keys in the order of their making."""
    rows = sql.all(
        f"SELECT {KEY} FROM ssh_key WHERE project_id = :project ORDER BY created_at, hostname, md5",
        project=project_id,
    )
    return [_key_of(row) for row in rows]


class SqlSshKeys:
    """Implements `domain.ssh_keys.SshKeys`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(self, key: SshKey) -> None:
        """Add a key; the same key for the same host is replaced."""
        self._sql.run(
            f"INSERT INTO ssh_key ({KEY}) VALUES ({values_of(KEY)})"
            " ON CONFLICT (project_id, hostname, md5) DO UPDATE"
            " SET key_id = excluded.key_id, private_key = excluded.private_key",
            project_id=key.project_id,
            hostname=key.hostname,
            md5=key.md5,
            sha256=key.sha256,
            public_key=key.public_key,
            key_id=key.private_key.key_id,
            private_key=key.private_key.data,
            created_at=key.created_at,
        )

    def remove(self, project_id: ProjectId, hostname: str, md5: str) -> None:
        """Remove a key of a host."""
        self._sql.run(
            "DELETE FROM ssh_key WHERE project_id = :project AND hostname = :host AND md5 = :md5",
            project=project_id,
            host=hostname,
            md5=md5,
        )

    def of_project(self, project_id: ProjectId) -> Sequence[SshKey]:
        """Return a project's keys in the order of their making."""
        return of_project(self._sql, project_id)

    def under_other_keys(self, key_id: str) -> Sequence[tuple[OrganizationId, SshKey]]:
        """Return keys that are not sealed under this master key, with whose they are."""
        rows = self._sql.all(
            f"SELECT {columns(KEY, 'k')}, p.organization_id FROM ssh_key k"
            " JOIN project p ON p.id = k.project_id WHERE k.key_id <> :key",
            key=key_id,
        )
        return [(OrganizationId(row[KEY_WIDTH]), _key_of(row)) for row in rows]
