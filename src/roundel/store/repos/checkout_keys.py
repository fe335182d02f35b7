"""Checkout keys."""

from collections.abc import Sequence

from roundel.domain.checkout_keys import CheckoutKey, KeyType
from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import columns, values_of

KEY = "project_id, md5, sha256, type, public_key, key_id, private_key, preferred, created_at"
KEY_WIDTH = 9


def key_of(row: Row) -> CheckoutKey:
    """Read a key."""
    return CheckoutKey(
        project_id=ProjectId(row[0]),
        md5=row[1],
        sha256=row[2],
        type=KeyType(row[3]),
        public_key=row[4],
        private_key=Sealed(key_id=row[5], data=row[6]),
        preferred=bool(row[7]),
        created_at=Micros(row[8]),
    )


def of_project(sql: Sql, project_id: ProjectId) -> list[CheckoutKey]:
    """Return a project's keys in the order of their making."""
    rows = sql.kept(
        f"SELECT {KEY} FROM checkout_key WHERE project_id = :project ORDER BY created_at, md5",
        project=project_id,
    )
    return [key_of(row) for row in rows]


class SqlCheckoutKeys:
    """Implements `domain.checkout_keys.CheckoutKeys`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, key: CheckoutKey) -> None:
        """Add a key; a preferred one takes the place of that before it."""
        if key.preferred:
            self._sql.run(
                "UPDATE checkout_key SET preferred = 0 WHERE project_id = :project",
                project=key.project_id,
            )
        self._sql.run(
            f"INSERT INTO checkout_key ({KEY}) VALUES ({values_of(KEY)})",
            project_id=key.project_id,
            md5=key.md5,
            sha256=key.sha256,
            type=key.type.value,
            public_key=key.public_key,
            key_id=key.private_key.key_id,
            private_key=key.private_key.data,
            preferred=int(key.preferred),
            created_at=key.created_at,
        )

    def prefer(self, project_id: ProjectId, md5: str) -> None:
        """Let a key be the preferred one, and no other."""
        self._sql.run(
            "UPDATE checkout_key SET preferred = CASE WHEN md5 = :md5 THEN 1 ELSE 0 END"
            " WHERE project_id = :project",
            project=project_id,
            md5=md5,
        )

    def remove(self, project_id: ProjectId, md5: str) -> bool:
        """Remove a key, the newest left being preferred then; tell whether there was one."""
        removed = self._sql.run(
            "DELETE FROM checkout_key WHERE project_id = :project AND md5 = :md5",
            project=project_id,
            md5=md5,
        )
        left = of_project(self._sql, project_id)
        if left and not any(key.preferred for key in left):
            self._sql.run(
                "UPDATE checkout_key SET preferred = 1 WHERE project_id = :project AND md5 = :md5",
                project=project_id,
                md5=left[-1].md5,
            )
        return removed > 0

    def of_project(self, project_id: ProjectId) -> Sequence[CheckoutKey]:
        """Return a project's keys in the order of their making."""
        return of_project(self._sql, project_id)

    def under_other_keys(self, key_id: str) -> Sequence[tuple[OrganizationId, CheckoutKey]]:
        """Return keys that are not sealed under this master key, with whose they are."""
        rows = self._sql.all(
            f"SELECT {columns(KEY, 'k')}, p.organization_id FROM checkout_key k"
            " JOIN project p ON p.id = k.project_id WHERE k.key_id <> :key",
            key=key_id,
        )
        return [(OrganizationId(row[KEY_WIDTH]), key_of(row)) for row in rows]

    def reseal(self, key: CheckoutKey) -> None:
        """Save the private key as it is sealed now."""
        self._sql.run(
            "UPDATE checkout_key SET key_id = :key, private_key = :data"
            " WHERE project_id = :project AND md5 = :md5",
            key=key.private_key.key_id,
            data=key.private_key.data,
            project=key.project_id,
            md5=key.md5,
        )
