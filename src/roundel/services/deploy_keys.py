"""Checkout keys put at the host of their repository, where that is open to us."""

import logging

from roundel.domain.checkout_keys import CheckoutKey, KeyType
from roundel.domain.git_hosts import HostRefused
from roundel.domain.projects import Project
from roundel.services.access import at_host
from roundel.services.checkout_keys import add_checkout_key
from roundel.services.work import App

log = logging.getLogger(__name__)


async def add_deploy_key(project: Project, type_: KeyType, app: App) -> CheckoutKey:
    """Make a key pair, and let its public half read the repository at its host.

    The key is made whatever the host says, as somebody can put it there by hand.
    """
    key = await add_checkout_key(project, type_, app)
    place = await app.database.write(lambda tx: at_host(tx, project, app))
    if place is None:
        return key
    about = {"project": str(project.slug), "fingerprint": key.sha256}
    try:
        await place.api.add_deploy_key(
            place.repository, f"roundel {project.slug}", key.public_key, place.credentials
        )
    except HostRefused as error:
        log.warning(
            "the host has not taken the checkout key of %s, so put it there by hand: %s",
            project.slug,
            error,
            extra={"event": "deploy-key-refused", **about},
        )
    else:
        log.info(
            "the host has taken the checkout key of %s",
            project.slug,
            extra={"event": "deploy-key-added", **about},
        )
    return key
