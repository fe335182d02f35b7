"""From where an organisation allows URL orbs."""

from urllib.parse import urlsplit

from roundel.domain.access import Actor
from roundel.domain.errors import IllegalMove, Invalid, NotFound
from roundel.domain.ids import OrganizationId, new_id
from roundel.domain.orbs import UrlOrbId, UrlOrbPrefix
from roundel.services.orbs import within
from roundel.services.work import App, Tx

LONGEST_NAME = 200
LONGEST_PREFIX = 2000
MOST_ENTRIES = 500


async def allow_url_orbs(
    organization: OrganizationId,
    name: str,
    prefix: str,
    by: Actor,  # noqa: ARG001 - the audit will name him
    app: App,
) -> UrlOrbPrefix:
    """Allow URL orbs from below a prefix; refuse one that does not say which host."""
    entry = UrlOrbPrefix(
        id=UrlOrbId(new_id()),
        organization_id=organization,
        name=_checked_name(name),
        prefix=_checked_prefix(prefix.strip(), plain=app.orbs.takes_plain_http),
        created_at=app.clock.now(),
    )
    if len(await app.reads.url_orbs(organization)) >= MOST_ENTRIES:
        raise Invalid(f"The allow-list has {MOST_ENTRIES} entries, and more are not possible.")

    def transaction(tx: Tx) -> None:
        if not tx.orbs.allow(entry):
            raise IllegalMove("The allow-list has this prefix already.")

    await app.database.write(transaction)
    return entry


async def forbid_url_orbs(organization: OrganizationId, entry: UrlOrbId, app: App) -> None:
    """Remove an entry of the allow-list."""

    def transaction(tx: Tx) -> None:
        if not tx.orbs.forbid(organization, entry):
            raise NotFound("Allow-list entry not found.")

    await app.database.write(transaction)


def _checked_name(name: str) -> str:
    if not name.strip():
        raise Invalid("name: expected a text, got an empty one")
    if len(name) > LONGEST_NAME:
        raise Invalid(f"name: longer than {LONGEST_NAME} characters")
    return name.strip()


def _checked_prefix(prefix: str, *, plain: bool) -> str:
    schemes = ("https://", "http://") if plain else ("https://",)
    if not prefix.startswith(schemes):
        raise Invalid("prefix: expected an address that begins with https://")
    if len(prefix) > LONGEST_PREFIX:
        raise Invalid(f"prefix: longer than {LONGEST_PREFIX} characters")
    try:
        parts = urlsplit(prefix)
        good = bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        good = False
    if not good or not within(prefix, prefix):
        raise Invalid("prefix: expected a host and the beginning of a path, without ?, # or ..")
    return prefix
