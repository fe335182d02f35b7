"""The sealed variables of contexts and projects."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.contexts import (
    ContextId,
    OwnerKind,
    Sealed,
    SecretOwner,
    Variable,
    VariableView,
)
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import values_of

VARIABLE = "name, key_id, value, hint, created_at, updated_at"
OWNER = "owner_kind, owner_id, organization_id"
OF_OWNER = "owner_kind = :kind AND owner_id = :owner"


class SqlSecrets:
    """Implements `domain.contexts.Secrets`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(self, owner: SecretOwner, variable: Variable) -> VariableView:
        """Add a variable or replace its value; return it as lists show it."""
        row = self._sql.one(
            f"INSERT INTO secret ({OWNER}, {VARIABLE})"
            f" VALUES ({values_of(OWNER)}, {values_of(VARIABLE)})"
            " ON CONFLICT (owner_kind, owner_id, name) DO UPDATE SET key_id = excluded.key_id,"
            " value = excluded.value, hint = excluded.hint, updated_at = excluded.updated_at"
            " RETURNING name, created_at, updated_at",
            owner_kind=owner.kind.value,
            owner_id=owner.id,
            organization_id=owner.organization_id,
            name=variable.name,
            key_id=variable.value.key_id,
            value=variable.value.data,
            hint=variable.hint.data,
            created_at=variable.created_at,
            updated_at=variable.updated_at,
        )
        if row is None:
            raise LookupError("the database returned no row for a variable")
        return view_of(row)

    def remove(self, owner: SecretOwner, name: str) -> bool:
        """Remove a variable; tell whether there was one."""
        removed = self._sql.run(
            f"DELETE FROM secret WHERE {OF_OWNER} AND name = :name", **_of(owner), name=name
        )
        return removed > 0

    def all(self, owner: SecretOwner) -> Sequence[Variable]:
        """Return all variables by name."""
        rows = self._sql.kept(
            f"SELECT {VARIABLE} FROM secret WHERE {OF_OWNER} ORDER BY name", **_of(owner)
        )
        return [_variable_of(row) for row in rows]

    def count(self, owner: SecretOwner) -> int:
        """Return how many variables there are."""
        row = self._sql.one(f"SELECT count(*) FROM secret WHERE {OF_OWNER}", **_of(owner))
        return 0 if row is None else int(row[0])

    def under_other_keys(self, key_id: str, limit: int) -> Sequence[tuple[SecretOwner, Variable]]:
        """Return some of what is not sealed under this key."""
        rows = self._sql.all(
            f"SELECT {VARIABLE}, {OWNER} FROM secret WHERE key_id <> :key_id LIMIT :limit",
            key_id=key_id,
            limit=limit,
        )
        return [(_owner_of(row[6:]), _variable_of(row)) for row in rows]

    def reseal(self, owner: SecretOwner, variable: Variable, before: str) -> None:
        """Save a variable under another key, unless its key is no longer `before`."""
        self._sql.run(
            "UPDATE secret SET key_id = :key_id, value = :value, hint = :hint"
            f" WHERE {OF_OWNER} AND name = :name AND key_id = :before",
            **_of(owner),
            name=variable.name,
            key_id=variable.value.key_id,
            value=variable.value.data,
            hint=variable.hint.data,
            before=before,
        )


def _of(owner: SecretOwner) -> dict[str, str]:
    return {"kind": owner.kind.value, "owner": owner.id}


def variables_after(
    sql: Sql, owner: SecretOwner, after: str | None, limit: int
) -> list[VariableView]:
    """Return variables by name, from behind `after` on."""
    rows = sql.all(
        f"SELECT name, created_at, updated_at FROM secret WHERE {OF_OWNER} AND name > :after"
        " ORDER BY name LIMIT :limit",
        **_of(owner),
        after=after or "",
        limit=limit,
    )
    return [view_of(row) for row in rows]


def view_of(row: Row) -> VariableView:
    """Read a variable without its value."""
    return VariableView(name=row[0], created_at=Micros(row[1]), updated_at=Micros(row[2]))


def _variable_of(row: Row) -> Variable:
    return Variable(
        name=row[0],
        value=Sealed(key_id=row[1], data=bytes(row[2])),
        hint=Sealed(key_id=row[1], data=bytes(row[3])),
        created_at=Micros(row[4]),
        updated_at=Micros(row[5]),
    )


def _owner_of(row: Row) -> SecretOwner:
    kind = OwnerKind(row[0])
    id_ = ContextId(row[1]) if kind is OwnerKind.CONTEXT else ProjectId(row[1])
    return SecretOwner(kind=kind, id=id_, organization_id=OrganizationId(row[2]))
