"""Who calls, and what belongs to them."""

from collections.abc import Mapping

import msgspec

from roundel.domain.access import Actor, Need, Role
from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PersonId
from roundel.domain.projects import Organization, Project
from roundel.store.dialect import Row, Sql
from roundel.store.owner_rows import ORGANIZATION, PERSON, organization_of, person_of, project_of
from roundel.store.repos.projects import SELECT_PROJECT
from roundel.store.rows import columns

# Who needs it: every request, before anything else.
_BY_TOKEN = (
    f"SELECT {columns(PERSON, 'p')}, t.scopes FROM token t JOIN person p ON p.id = t.person_id"
    " WHERE t.digest = :digest AND t.revoked_at IS NULL"
    " AND (t.expires_at IS NULL OR t.expires_at > :now)"
)
_BY_ID = f"SELECT {PERSON}, NULL FROM person WHERE id = :id"
_ROLES = "SELECT organization_id, role FROM membership WHERE person_id = :id"


def actor_by_token(sql: Sql, digest: bytes, now: Micros) -> Actor | None:
    """Return whose token this is, unless expired or revoked."""
    return _actor(sql, _BY_TOKEN, {"digest": digest, "now": now})


def actor_by_id(sql: Sql, person_id: PersonId) -> Actor | None:
    """Return a person with all rights that their roles give."""
    return _actor(sql, _BY_ID, {"id": person_id})


def _actor(sql: Sql, statement: str, values: Mapping[str, object]) -> Actor | None:
    row = sql.one(statement, **values)
    return None if row is None else actor_of(sql, row)


def actor_of(sql: Sql, row: Row) -> Actor:
    """Read a person and, behind their columns, the scopes of a token; add the person's roles."""
    person = person_of(row)
    scopes = None if row[6] is None else frozenset(map(Need, msgspec.json.decode(row[6])))
    return Actor(
        id=person.id,
        login=person.login,
        name=person.name,
        avatar_url=person.avatar_url,
        server_administrator=person.server_administrator,
        roles={OrganizationId(id_): Role(role) for id_, role in sql.all(_ROLES, id=person.id)},
        scopes=scopes,
    )


# Who needs it: `GET /me/collaborations` and pages.  Administrators of the server see all.
_MINE = "(:all = 1 OR {id} IN (SELECT organization_id FROM membership WHERE person_id = :person))"


def organizations(sql: Sql, actor: Actor) -> list[Organization]:
    """Return the organisations of a person by name."""
    rows = sql.all(
        f"SELECT {ORGANIZATION} FROM organization WHERE {_MINE.format(id='id')} ORDER BY vcs, name",
        all=int(actor.server_administrator),
        person=actor.id,
    )
    return [organization_of(row) for row in rows]


def projects(sql: Sql, actor: Actor) -> list[Project]:
    """Return the projects of a person's organisations by slug."""
    rows = sql.all(
        f"{SELECT_PROJECT} WHERE {_MINE.format(id='o.id')} ORDER BY p.slug",
        all=int(actor.server_administrator),
        person=actor.id,
    )
    return [project_of(row) for row in rows]


def organization_by_id(sql: Sql, id_: OrganizationId) -> Organization | None:
    """Return the organisation."""
    row = sql.one(f"SELECT {ORGANIZATION} FROM organization WHERE id = :id", id=id_)
    return None if row is None else organization_of(row)
