"""Resource classes and runner tokens: made and ended by those who administer the namespace.

A namespace is the name of an organisation; one that no organisation has is the server's own, and
every project may use its classes.
"""

from collections.abc import Sequence

from roundel.domain.access import Actor, Need
from roundel.domain.clock import SECOND, Micros
from roundel.domain.errors import IllegalMove, NotAllowed, NotFound
from roundel.domain.ids import OrganizationId, TokenId, new_id
from roundel.domain.projects import Vcs
from roundel.domain.records import dataclass
from roundel.domain.resource_classes import (
    ResourceClass,
    ResourceClassId,
    RunnerToken,
    SeenRunner,
    checked_class_name,
)
from roundel.services.work import App, Tx
from roundel.vault.tokens import digest_of, new_token, prefix_of

DENIED = "Permission denied."
SEEN_EVERY = 30 * SECOND  # how old `last_connected` may be


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFilter:
    """Which classes are asked for; what is None does not count."""

    name: str | None = None
    namespace: str | None = None
    organization_id: OrganizationId | None = None

    def fits(self, it: ResourceClass) -> bool:
        return (
            (self.name is None or it.name == self.name)
            and (self.namespace is None or it.namespace == self.namespace)
            and (self.organization_id is None or it.organization_id == self.organization_id)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeRunnerToken:
    """A token just made; `text` is shown this once."""

    token: RunnerToken
    text: str


async def add_resource_class(name: str, description: str, by: Actor, app: App) -> ResourceClass:
    """Make a class; the same again is refused."""
    at = app.clock.now()
    checked_class_name(name)

    def transaction(tx: Tx) -> ResourceClass:
        owner = _owner(tx, name.partition("/")[0])
        _check(by, owner)
        if tx.resource_classes.by_name(name) is not None:
            raise IllegalMove(f"the resource class {name!r} exists already")
        made = ResourceClass(
            id=ResourceClassId(new_id()),
            name=name,
            organization_id=owner,
            description=description,
            created_at=at,
        )
        tx.resource_classes.add(made)
        return made

    return await app.database.write(transaction)


async def remove_resource_class(
    class_id: ResourceClassId, by: Actor, app: App, *, force: bool
) -> ResourceClass:
    """Remove a class; with tokens only if forced, as their runners stop getting jobs."""

    def transaction(tx: Tx) -> ResourceClass:
        found = tx.resource_classes.get(class_id)
        if found is None or not _sees(by, found):
            raise NotFound("Resource class not found")
        _check(by, found.organization_id)
        if not force and tx.resource_classes.tokens(class_id):
            raise IllegalMove(f"{found.name!r} has tokens: remove them first, or use /force")
        tx.resource_classes.remove(class_id)
        return found

    return await app.database.write(transaction)


async def list_resource_classes(which: ClassFilter, by: Actor, app: App) -> Sequence[ResourceClass]:
    """Return the classes that the caller may know of."""
    return await app.database.write(lambda tx: _seen_by(tx, which, by))


async def add_runner_token(name: str, nickname: str, by: Actor, app: App) -> MadeRunnerToken:
    """Make a token for runners of a class."""
    at = app.clock.now()
    text = new_token()

    def transaction(tx: Tx) -> RunnerToken:
        found = tx.resource_classes.by_name(name)
        if found is None or not _sees(by, found):
            raise NotFound("Resource class not found")
        _check(by, found.organization_id)
        token = RunnerToken(
            id=TokenId(new_id()),
            resource_class=found,
            nickname=nickname,
            prefix=prefix_of(text),
            digest=digest_of(text),
            created_at=at,
        )
        tx.resource_classes.add_token(token)
        return token

    return MadeRunnerToken(token=await app.database.write(transaction), text=text)


async def list_runner_tokens(which: ClassFilter, by: Actor, app: App) -> Sequence[RunnerToken]:
    """Return the tokens of the classes asked for, without their texts."""

    def transaction(tx: Tx) -> list[RunnerToken]:
        found = [it for it in _seen_by(tx, which, by) if _may(by, it.organization_id)]
        return [token for it in found for token in tx.resource_classes.tokens(it.id)]

    return await app.database.write(transaction)


async def remove_runner_token(token_id: TokenId, by: Actor, app: App) -> RunnerToken:
    """End a token; its runners are refused from now on."""

    def transaction(tx: Tx) -> RunnerToken:
        token = tx.resource_classes.token(token_id)
        if token is None or not _sees(by, token.resource_class):
            raise NotFound("Token not found")
        _check(by, token.resource_class.organization_id)
        tx.resource_classes.remove_token(token_id)
        return token

    return await app.database.write(transaction)


async def list_runners(which: ClassFilter, by: Actor, app: App) -> Sequence[SeenRunner]:
    """Return the runners that have asked for jobs."""

    def transaction(tx: Tx) -> list[SeenRunner]:
        found = _seen_by(tx, which, by)
        return [runner for it in found for runner in tx.resource_classes.runners(it.id)]

    return await app.database.write(transaction)


async def count_tasks(name: str, by: Actor, app: App) -> tuple[int, int]:
    """Return how many executions of a class wait for a runner, and how many run."""

    def transaction(tx: Tx) -> tuple[int, int]:
        found = tx.resource_classes.by_name(name)
        if found is None or not _sees(by, found):
            raise NotFound("Resource class not found")
        return tx.resource_classes.waiting(name)

    return await app.database.write(transaction)


async def greet_runner(runner: SeenRunner, app: App) -> None:
    """Keep that a runner was here."""
    await app.database.write(lambda tx: tx.resource_classes.seen(runner))


def may_use(tx: Tx, name: str, organization: OrganizationId) -> bool:
    """Tell whether an organisation's jobs may run on this class."""
    found = tx.resource_classes.by_name(name)
    return found is None or found.organization_id in (None, organization)


def _seen_by(tx: Tx, which: ClassFilter, by: Actor) -> list[ResourceClass]:
    return [it for it in tx.resource_classes.all() if which.fits(it) and _sees(by, it)]


def _owner(tx: Tx, namespace: str) -> OrganizationId | None:
    found = [tx.projects.organization(vcs, namespace) for vcs in Vcs]
    return next((it.id for it in found if it is not None), None)


def _sees(by: Actor, it: ResourceClass) -> bool:
    if it.organization_id is None:
        return True
    return by.may(Need.READ, it.organization_id)


def _may(by: Actor, owner: OrganizationId | None) -> bool:
    if owner is None:
        return by.server_administrator and by.scopes is None
    return by.may(Need.ADMINISTER, owner)


def _check(by: Actor, owner: OrganizationId | None) -> None:
    if not _may(by, owner):
        raise NotAllowed(DENIED)


def is_stale(last: Micros | None, now: Micros) -> bool:
    """Tell whether it is time to note again that a runner is there."""
    return last is None or now - last >= SEEN_EVERY
