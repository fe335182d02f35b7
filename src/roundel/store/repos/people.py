"""People, their roles and their tokens."""

from roundel.domain.access import Person, Role, Token
from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PersonId, TokenId
from roundel.store.dialect import Sql
from roundel.store.owner_rows import PERSON, person_of
from roundel.store.rows import json_text, values_of


class SqlPeople:
    """Implements `domain.access.People`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def by_login(self, login: str) -> Person | None:
        """Return who signs in by this name."""
        row = self._sql.one(f"SELECT {PERSON} FROM person WHERE login = :login", login=login)
        return None if row is None else person_of(row)

    def get(self, person_id: PersonId) -> Person | None:
        """Return the person."""
        row = self._sql.one(f"SELECT {PERSON} FROM person WHERE id = :id", id=person_id)
        return None if row is None else person_of(row)

    def add(self, person: Person) -> None:
        """Add a person."""
        self._sql.run(
            f"INSERT INTO person ({PERSON}) VALUES ({values_of(PERSON)})",
            id=person.id,
            login=person.login,
            name=person.name,
            avatar_url=person.avatar_url,
            server_administrator=int(person.server_administrator),
            created_at=person.created_at,
        )

    def give_role(self, organization: OrganizationId, person: PersonId, role: Role) -> None:
        """Give the role, in place of the one that the person had there."""
        self._sql.run(
            "INSERT INTO membership (organization_id, person_id, role)"
            " VALUES (:organization, :person, :role)"
            " ON CONFLICT (person_id, organization_id) DO UPDATE SET role = excluded.role",
            organization=organization,
            person=person,
            role=role.value,
        )

    def take_role(self, organization: OrganizationId, person: PersonId) -> None:
        """Let the person be no member any more."""
        self._sql.run(
            "DELETE FROM membership WHERE organization_id = :organization AND person_id = :person",
            organization=organization,
            person=person,
        )

    def role(self, organization: OrganizationId, person: PersonId) -> Role | None:
        """Return the role that a member has; None for others, whoever they are."""
        row = self._sql.one(
            "SELECT role FROM membership"
            " WHERE organization_id = :organization AND person_id = :person",
            organization=organization,
            person=person,
        )
        return None if row is None else Role(row[0])

    def administrators(self, organization: OrganizationId, *, at_most: int) -> list[PersonId]:
        """Return some of an organisation's administrators."""
        rows = self._sql.all(
            "SELECT person_id FROM membership"
            " WHERE organization_id = :organization AND role = 'administrator' LIMIT :limit",
            organization=organization,
            limit=at_most,
        )
        return [PersonId(row[0]) for row in rows]

    def add_token(self, token: Token) -> None:
        """Add a token."""
        names = "id, person_id, label, prefix, digest, scopes, created_at, expires_at"
        scopes = None if token.scopes is None else json_text(sorted(token.scopes))
        self._sql.run(
            f"INSERT INTO token ({names}) VALUES ({values_of(names)})",
            id=token.id,
            person_id=token.person_id,
            label=token.label,
            prefix=token.prefix,
            digest=token.digest,
            scopes=scopes,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

    def token_owner(self, token_id: TokenId) -> PersonId | None:
        """Return whose token this is."""
        row = self._sql.one("SELECT person_id FROM token WHERE id = :id", id=token_id)
        return None if row is None else PersonId(row[0])

    def revoke_token(self, token_id: TokenId, at: Micros) -> bool:
        """Revoke the token; tell whether there was one to revoke."""
        changed = self._sql.run(
            "UPDATE token SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL",
            id=token_id,
            at=at,
        )
        return changed > 0

    def revoke_tokens_before(self, created: Micros, at: Micros) -> int:
        """Revoke all tokens that were made earlier; return how many that were."""
        return self._sql.run(
            "UPDATE token SET revoked_at = :at WHERE created_at < :created AND revoked_at IS NULL",
            created=created,
            at=at,
        )

    def anybody(self) -> bool:
        """Tell whether there is any person at all."""
        return self._sql.one("SELECT 1 FROM person LIMIT 1") is not None
