"""Keys that sign identity tokens, and the claims that organisations and projects have chosen."""

import json
from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.oidc import CustomClaims, SigningKey
from roundel.store.dialect import Sql, placeholders


class SqlSigningKeys:
    """Implements `domain.oidc.SigningKeys`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def all(self) -> Sequence[SigningKey]:
        """Return all keys, of which there are two or three."""
        rows = self._sql.kept(
            "SELECT id, public_key, key_id, private_key, signs_from FROM signing_key"
            " ORDER BY signs_from"
        )
        return [
            SigningKey(
                id=row[0],
                public_key=row[1],
                private_key=Sealed(key_id=row[2], data=row[3]),
                signs_from=Micros(row[4]),
            )
            for row in rows
        ]

    def add(self, key: SigningKey) -> None:
        """Add a key."""
        self._sql.run(
            "INSERT INTO signing_key (id, public_key, key_id, private_key, signs_from)"
            " VALUES (:id, :public, :key, :private, :at)",
            id=key.id,
            public=key.public_key,
            key=key.private_key.key_id,
            private=key.private_key.data,
            at=key.signs_from,
        )

    def remove(self, ids: Sequence[str]) -> None:
        """Remove keys."""
        if ids:
            names, values = placeholders("id", list(ids))
            self._sql.run(f"DELETE FROM signing_key WHERE id IN ({names})", **values)

    def reseal(self, key: SigningKey) -> None:
        """Save the private key as it is sealed now."""
        self._sql.run(
            "UPDATE signing_key SET key_id = :key, private_key = :private WHERE id = :id",
            key=key.private_key.key_id,
            private=key.private_key.data,
            id=key.id,
        )


class SqlCustomClaims:
    """Implements `domain.oidc.AllCustomClaims`.  An organisation's own row has no project."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, organization: OrganizationId, project: ProjectId | None) -> CustomClaims:
        """Return what was chosen."""
        return self._of(organization, (project or "",)).get(project or "", CustomClaims())

    def chosen(self, organization: OrganizationId, project: ProjectId) -> CustomClaims:
        """Return what counts: each claim as the project has it, else as the organisation has it."""
        found = self._of(organization, ("", project))
        common, own = found.get("", CustomClaims()), found.get(project, CustomClaims())
        return CustomClaims(audience=own.audience or common.audience, ttl=own.ttl or common.ttl)

    def _of(self, organization: OrganizationId, projects: Sequence[str]) -> dict[str, CustomClaims]:
        names, values = placeholders("project", projects)
        rows = self._sql.kept(
            "SELECT project_id, audience, audience_updated_at, ttl, ttl_updated_at"
            " FROM custom_claims WHERE organization_id = :organization"
            f" AND project_id IN ({names})",
            organization=organization,
            **values,
        )
        return {
            row[0]: CustomClaims(
                audience=None if row[1] is None else tuple(json.loads(row[1])),
                audience_updated_at=None if row[2] is None else Micros(row[2]),
                ttl=row[3],
                ttl_updated_at=None if row[4] is None else Micros(row[4]),
            )
            for row in rows
        }

    def put(
        self, organization: OrganizationId, project: ProjectId | None, claims: CustomClaims
    ) -> None:
        """Save what was chosen."""
        self._sql.run(
            "INSERT INTO custom_claims (organization_id, project_id, audience,"
            " audience_updated_at, ttl, ttl_updated_at) VALUES (:organization, :project,"
            " :audience, :audience_at, :ttl, :ttl_at)"
            " ON CONFLICT (organization_id, project_id) DO UPDATE SET audience = excluded.audience,"
            " audience_updated_at = excluded.audience_updated_at, ttl = excluded.ttl,"
            " ttl_updated_at = excluded.ttl_updated_at",
            organization=organization,
            project=project or "",
            audience=None if claims.audience is None else json.dumps(claims.audience),
            audience_at=claims.audience_updated_at,
            ttl=claims.ttl,
            ttl_at=claims.ttl_updated_at,
        )
