"""Checkout keys of projects: made here, their private halves never shown, given to jobs."""

import json
from collections.abc import Sequence
from dataclasses import replace

from roundel.domain.checkout_keys import MOST_PER_PROJECT, CheckoutKey, KeyType
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.projects import Project
from roundel.domain.runners import Secret
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal, Cipher
from roundel.vault.key_pairs import make_key_pair


def _bound_to(organization: str, project: str, md5: str) -> bytes:
    return json.dumps([organization, "checkout-key", project, md5]).encode()


async def add_checkout_key(project: Project, type_: KeyType, app: App) -> CheckoutKey:
    """Make a key pair, which is the preferred one from now on."""
    pair = make_key_pair(f"roundel {project.slug}")
    bound = _bound_to(project.organization.id, project.id, pair.md5)
    made = CheckoutKey(
        project_id=project.id,
        type=type_,
        public_key=pair.public,
        md5=pair.md5,
        sha256=pair.sha256,
        private_key=app.cipher.seal(pair.private, bound),
        preferred=True,
        created_at=app.clock.now(),
    )

    def transaction(tx: Tx) -> None:
        if len(tx.checkout_keys.of_project(project.id)) >= MOST_PER_PROJECT:
            raise Invalid(
                f"The project has {MOST_PER_PROJECT} checkout keys, and more are not possible."
            )
        tx.checkout_keys.add(made)

    await app.database.write(transaction)
    return made


def key_named(keys: Sequence[CheckoutKey], fingerprint: str) -> CheckoutKey:
    """Return the key with a fingerprint in either form, or refuse."""
    for key in keys:
        if fingerprint in (key.md5, key.sha256, f"MD5:{key.md5}"):
            return key
    raise NotFound("Checkout key not found")


async def prefer_checkout_key(project: Project, fingerprint: str, app: App) -> None:
    """Let jobs clone with this key from now on."""

    def transaction(tx: Tx) -> None:
        key = key_named(tx.checkout_keys.of_project(project.id), fingerprint)
        tx.checkout_keys.prefer(project.id, key.md5)

    await app.database.write(transaction)


async def remove_checkout_key(project: Project, fingerprint: str, app: App) -> None:
    """Remove a key pair; the newest one left is the preferred one then."""

    def transaction(tx: Tx) -> None:
        key = key_named(tx.checkout_keys.of_project(project.id), fingerprint)
        tx.checkout_keys.remove(project.id, key.md5)

    await app.database.write(transaction)


def preferred_key(tx: Tx, project: Project, cipher: Cipher) -> Secret | None:
    """Return the private half of a project's preferred key; None if it has no key.

    Raise CannotUnseal where the master key is lost.
    """
    for key in tx.checkout_keys.of_project(project.id):
        if key.preferred:
            bound = _bound_to(project.organization.id, project.id, key.md5)
            return cipher.unseal(key.private_key, bound)
    return None


async def reseal_checkout_keys(app: App) -> int:
    """Seal what is under another master key under the current one; return how many."""
    cipher = app.cipher

    def transaction(tx: Tx) -> int:
        count = 0
        for organization, key in tx.checkout_keys.under_other_keys(cipher.current):
            bound = _bound_to(organization, key.project_id, key.md5)
            try:
                private = cipher.unseal(key.private_key, bound)
            except CannotUnseal:
                continue  # its master key may come back
            tx.checkout_keys.reseal(replace(key, private_key=cipher.seal(private, bound)))
            count += 1
        return count

    return await app.database.write(transaction)
