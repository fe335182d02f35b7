"""Keys that sign identity tokens: made ahead of their time, let go of when nothing needs them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId
from roundel.domain.oidc import PublishedIssuer, SigningKey, next_key_from, outlived, signing_at
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal
from roundel.vault.identity import make_signing_key, sealed_anew


async def make_due_key(at: Micros, app: App) -> Sequence[SigningKey]:
    """Make the next key if one is due at a time; return all keys."""
    made = await asyncio.to_thread(make_signing_key, app.cipher, at)

    def transaction(tx: Tx) -> Sequence[SigningKey]:
        keys = tx.signing_keys.all()
        signs_from = next_key_from(keys, at)
        if signs_from is not None:
            tx.signing_keys.add(replace(made, signs_from=signs_from))
            tx.signing_keys.remove(outlived(keys, at))
        return tx.signing_keys.all()

    return await app.database.write(transaction)


async def prepare_to_sign(app: App) -> None:
    """Have a key, and all that signs, at hand, so that no job waits for that."""
    signer, at = app.signer, app.clock.now()
    if signer is None:
        return
    key = signing_at(await _made_keys(at, app), at)
    if key is not None:
        with suppress(CannotUnseal):  # a job's log says so
            await asyncio.to_thread(signer.sign, key, {}, app.cipher)


async def rotate_signing_key(app: App) -> SigningKey:
    """Sign with a fresh key from now on; tokens of the one before stay good until they expire."""
    at = app.clock.now()
    made = await asyncio.to_thread(make_signing_key, app.cipher, at)

    def transaction(tx: Tx) -> None:
        keys = tx.signing_keys.all()
        # One that was to follow would follow too soon.
        tx.signing_keys.remove(
            [*outlived(keys, at), *(key.id for key in keys if key.signs_from > at)]
        )
        tx.signing_keys.add(made)

    await app.database.write(transaction)
    return made


async def reseal_signing_keys(app: App) -> int:
    """Seal what is under another master key under the current one; return how many."""
    cipher = app.cipher

    def transaction(tx: Tx) -> int:
        count = 0
        for key in tx.signing_keys.all():
            if key.private_key.key_id == cipher.current:
                continue
            try:
                tx.signing_keys.reseal(sealed_anew(key, cipher))
            except CannotUnseal:
                # Nobody's but ours: a fresh one takes its place.
                tx.signing_keys.remove([key.id])
            count += 1
        return count

    return await app.database.write(transaction)


async def published(organization: OrganizationId | None, app: App) -> PublishedIssuer:
    """Return an organisation's issuer, or the one that all share, with its keys."""
    issuer = root_issuer_of(app) if organization is None else issuer_of(app, organization)
    keys = await _made_keys(app.clock.now(), app)
    return PublishedIssuer(issuer=issuer, keys=tuple(key.public_key for key in keys))


def root_issuer_of(app: App) -> str:
    """Return the issuer that all organisations share."""
    return f"{app.addresses.public_url}/oidc"


def issuer_of(app: App, organization: OrganizationId) -> str:
    """Return an organisation's issuer."""
    return f"{root_issuer_of(app)}/org/{organization}"


async def _made_keys(at: Micros, app: App) -> Sequence[SigningKey]:
    """Return the keys by which tokens can be checked; one that is due is made on the way."""
    keys = await app.database.write(lambda tx: tx.signing_keys.all())
    if next_key_from(keys, at) is not None:
        keys = await make_due_key(at, app)
    return keys
