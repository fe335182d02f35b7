"""What the doors read of contexts and secrets."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.contexts import (
    Context,
    ContextId,
    Restriction,
    SecretOwner,
    Variable,
    VariableView,
)
from roundel.domain.ids import OrganizationId
from roundel.store.database import Database
from roundel.store.dialect import Sql
from roundel.store.repos.contexts import CONTEXT, SqlContexts, context_of
from roundel.store.repos.secrets import SqlSecrets, variables_after


class SqlContextReads:
    """Implements `domain.contexts.ContextReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def contexts(
        self,
        organization: OrganizationId,
        *,
        after: tuple[Micros, ContextId] | None = None,
        limit: int = 20,
    ) -> Sequence[Context]:
        """Return an organisation's contexts in the order of their creation."""
        return await self._read(lambda sql: _contexts(sql, organization, after, limit))

    async def context(self, context_id: ContextId) -> Context | None:
        """Return the context."""
        return await self._read(lambda sql: SqlContexts(sql).get(context_id))

    async def variables(
        self, owner: SecretOwner, *, after: str | None = None, limit: int = 20
    ) -> Sequence[VariableView]:
        """Return variables by name, from behind `after` on."""
        return await self._read(lambda sql: variables_after(sql, owner, after, limit))

    async def sealed(self, owner: SecretOwner) -> Sequence[Variable]:
        """Return all variables with their sealed values."""
        return await self._read(lambda sql: SqlSecrets(sql).all(owner))

    async def restrictions(self, context_id: ContextId) -> Sequence[Restriction]:
        """Return a context's restrictions."""
        return await self._read(lambda sql: SqlContexts(sql).restrictions(context_id))

    async def keys_in_use(self) -> Sequence[str]:
        """Return the ids of the keys under which anything is sealed."""
        return await self._read(
            lambda sql: [
                row[0]
                for row in sql.all(
                    "SELECT key_id FROM secret UNION SELECT secret_key_id FROM webhook"
                    " WHERE secret_key_id IS NOT NULL UNION SELECT key_id FROM checkout_key"
                    " UNION SELECT key_id FROM ssh_key UNION SELECT key_id FROM git_connection"
                    " UNION SELECT headers_key_id FROM otlp_exporter"
                    " WHERE headers_key_id IS NOT NULL"
                )
            ]
        )


def _contexts(
    sql: Sql, organization: OrganizationId, after: tuple[Micros, ContextId] | None, limit: int
) -> list[Context]:
    at, last = after or (Micros(-1), ContextId(""))
    rows = sql.all(
        f"SELECT {CONTEXT} FROM context WHERE organization_id = :organization"
        " AND (created_at, id) > (:at, :last) ORDER BY created_at, id LIMIT :limit",
        organization=organization,
        at=at,
        last=last,
        limit=limit,
    )
    return [context_of(row) for row in rows]
