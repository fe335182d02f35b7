"""What opens a project's repository: to us, who read its config, and to its jobs, who clone it."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from roundel.domain.clone_addresses import name_at_host, ssh_address
from roundel.domain.git_hosts import Connection, Credentials, HostApi, HostRefused
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.repositories import Access
from roundel.domain.runners import CheckoutOrder, CheckoutPassword, Secret
from roundel.services.checkout_keys import preferred_key
from roundel.services.credentials import opened
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal

HOST_SECONDS = 15.0  # that somebody waits for a host

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHost:
    """A project's repository at a host whose API is open to us."""

    repository: str  # full name there
    connection: Connection
    credentials: Credentials
    api: HostApi

    @property
    def short_lived(self) -> bool:
        """Whether passwords are made for the one repository, and end by themselves."""
        return bool(self.credentials.app_id)

    async def password(self) -> Access:
        """Return what opens the repository over https, or why the host has given nothing."""
        try:
            name, password = await self._asked(HOST_SECONDS)
        except HostRefused as error:
            return Access(problem=str(error))
        return Access(username=name, password=password)

    async def password_of_job(self, seconds: float = HOST_SECONDS) -> CheckoutPassword:
        """Return what opens the repository to a job; wait no longer than `seconds` for the host.

        A host that says no has nothing to give: the repository may be everybody's.  One that is
        silent may have something a little later.
        """
        try:
            name, password = await self._asked(seconds)
        except HostRefused as error:
            return CheckoutPassword(away="" if error.final else str(error))
        return CheckoutPassword(username=name, password=password)

    async def _asked(self, seconds: float) -> tuple[str, Secret]:
        try:
            async with asyncio.timeout(seconds):
                return await self.api.clone_credentials(self.repository, self.credentials)
        except (HostRefused, TimeoutError) as error:
            refused = (
                error
                if isinstance(error, HostRefused)
                else HostRefused(f"the host does not answer within {seconds:g} s")
            )
            log.warning(
                "no password for %s: %s",
                self.repository,
                refused,
                extra={"event": "clone-credentials-failed"},
            )
            raise refused from None


def at_host(tx: Tx, project: Project, app: App) -> AtHost | None:
    """Return where a project's repository is, by the first connection that can ask there."""
    organization = project.organization.id
    found: Sequence[Connection] = tx.connections.for_project(project.id, organization)
    for connection in found:
        name = name_at_host(connection, project.repository_url)
        api = None if name is None else app.git_hosts.api(connection.provider)
        if name is None or api is None:
            continue
        credentials = opened(connection, app.cipher)
        if credentials.can_ask:
            return AtHost(repository=name, connection=connection, credentials=credentials, api=api)
    return None


async def access_to(project: Project, app: App) -> Access | None:
    """Return what opens a project's repository to us; None where nobody has given us anything."""
    url = project.repository_url
    if app.repositories.is_local(url):
        return None
    by_https = url.startswith("https://")

    def known(tx: Tx) -> tuple[AtHost | None, Secret | None]:
        if by_https:
            return at_host(tx, project, app), None
        return None, preferred_key(tx, project, app.cipher)

    try:
        place, key = await app.database.write(known)
    except CannotUnseal as error:
        log.warning(
            "the checkout key of %s cannot be opened: %s",
            project.slug,
            error,
            extra={"event": "checkout-key-lost", "project": str(project.slug)},
        )
        return None
    if place is not None:
        return await place.password()
    return None if key is None else Access(ssh_key=key)


def by_key(order: CheckoutOrder, place: AtHost) -> CheckoutOrder:
    """Return the order with the ssh address of its repository, where it has a key for that."""
    if order.ssh_key is None:
        return order
    address = ssh_address(place.connection, order.repository_url)
    return order if address is None else replace(order, repository_url=address)
