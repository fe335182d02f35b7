"""Who belongs to an organisation, in which role and in which groups."""

from roundel.domain.access import Actor, Person, Role
from roundel.domain.errors import IllegalMove, Invalid, NotFound
from roundel.domain.groups import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    MOST_GROUPS,
    Group,
    GroupId,
    Member,
)
from roundel.domain.ids import OrganizationId, new_id
from roundel.services.work import App, Tx

NO_GROUP = "Group not found."
NO_MEMBER = "Member not found."


async def create_group(
    organization: OrganizationId, name: str, description: str, app: App
) -> Group:
    """Make an empty group; refuse a name that the organisation has."""
    name = name.strip()
    if not name or not name.isprintable():
        raise Invalid("name: expected a text that can be read, got an empty or odd one")
    if len(name) > LONGEST_NAME:
        raise Invalid(f"name: longer than {LONGEST_NAME} characters")
    if len(description) > LONGEST_DESCRIPTION:
        raise Invalid(f"description: longer than {LONGEST_DESCRIPTION} characters")
    group = Group(
        id=GroupId(new_id()),
        organization_id=organization,
        name=name,
        description=description,
        created_at=app.clock.now(),
    )

    def transaction(tx: Tx) -> None:
        if tx.groups.count(organization) >= MOST_GROUPS:
            raise Invalid(f"The organization has {MOST_GROUPS} groups; more are not possible.")
        if not tx.groups.add(group):
            raise IllegalMove(f"A group named {name} already exists.")

    await app.database.write(transaction)
    return group


async def delete_group(group: Group, app: App) -> None:
    """Remove a group; its members stay in the organisation.  May be said twice."""

    def transaction(tx: Tx) -> None:
        tx.groups.remove(group.id)

    await app.database.write(transaction)


async def put_in_group(group: Group, login: str, app: App) -> Person:
    """Put a member of the organisation into one of its groups."""

    def transaction(tx: Tx) -> Person:
        if tx.groups.get(group.id) is None:
            raise NotFound(NO_GROUP)
        person = tx.people.by_login(login)
        if person is None or tx.people.role(group.organization_id, person.id) is None:
            raise NotFound(NO_MEMBER)
        tx.groups.put_member(group.id, person.id)
        return person

    return await app.database.write(transaction)


async def take_from_group(group: Group, login: str, app: App) -> None:
    """Take somebody out of a group."""

    def transaction(tx: Tx) -> None:
        person = tx.people.by_login(login)
        if person is None or not tx.groups.remove_member(group.id, person.id):
            raise NotFound(NO_MEMBER)

    await app.database.write(transaction)


async def give_role(organization: OrganizationId, login: str, role: Role, app: App) -> Member:
    """Make a person a member, or change a member's role; the last administrator stays one."""

    def transaction(tx: Tx) -> Member:
        person = tx.people.by_login(login)
        if person is None:
            raise NotFound(
                f"Nobody is called {login} here. An administrator of the server makes people:"
                " roundel token create --login LOGIN"
            )
        if role is not Role.ADMINISTRATOR:
            _keep_an_administrator(tx, organization, person)
        tx.people.give_role(organization, person.id, role)
        return Member(person=person, role=role)

    return await app.database.write(transaction)


async def remove_member(organization: OrganizationId, login: str, app: App) -> None:
    """Take a person out of an organisation and its groups; the last administrator stays."""

    def transaction(tx: Tx) -> None:
        person = tx.people.by_login(login)
        if person is None or tx.people.role(organization, person.id) is None:
            raise NotFound(NO_MEMBER)
        _keep_an_administrator(tx, organization, person)
        tx.groups.leave(organization, person.id)
        tx.people.take_role(organization, person.id)

    await app.database.write(transaction)


def _keep_an_administrator(tx: Tx, organization: OrganizationId, person: Person) -> None:
    if tx.people.administrators(organization, at_most=2) == [person.id]:
        raise IllegalMove(
            f"{person.login} is the only administrator of the organization; make somebody else"
            " one before."
        )


def may_manage(by: Actor, organization: OrganizationId) -> bool:
    """Tell whether somebody manages members: an administrator there, with a token for all."""
    return by.scopes is None and (
        by.server_administrator or by.roles.get(organization) is Role.ADMINISTRATOR
    )
