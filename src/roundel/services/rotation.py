"""A new master key, while everything goes on: all secrets are sealed anew under it."""

from dataclasses import replace

from roundel.domain.contexts import SecretOwner, Variable
from roundel.services.checkout_keys import reseal_checkout_keys
from roundel.services.credentials import reseal_connections
from roundel.services.exporters import reseal_exporters
from roundel.services.signing_keys import reseal_signing_keys
from roundel.services.ssh_keys import reseal_ssh_keys
from roundel.services.webhooks import reseal_webhooks
from roundel.services.work import App, Tx
from roundel.vault.cipher import Cipher, about

AT_ONCE = 50  # secrets in one transaction, so that nobody waits for long


async def reseal_all(app: App) -> int:
    """Seal what is under another key under the current one; return how many that were.

    What cannot be opened stays as it is: its key may come back.
    """
    cipher = app.cipher
    done = 0
    while True:

        def transaction(tx: Tx) -> int:
            count = 0
            for owner, variable in tx.secrets.under_other_keys(cipher.current, AT_ONCE * 2):
                if not cipher.knows(variable.value.key_id) or count == AT_ONCE:
                    continue
                tx.secrets.reseal(owner, _anew(cipher, owner, variable), variable.value.key_id)
                count += 1
            return count

        count = await app.database.write(transaction)
        done += count
        if count == 0:
            done += await reseal_webhooks(app) + await reseal_checkout_keys(app)
            done += await reseal_exporters(app)
            await reseal_signing_keys(app)  # ours, and none of those that are counted
            return done + await reseal_ssh_keys(app) + await reseal_connections(app)


def _anew(cipher: Cipher, owner: SecretOwner, variable: Variable) -> Variable:
    place = about(owner, variable.name)
    hint = place + b" hint"
    return replace(
        variable,
        value=cipher.seal(cipher.unseal(variable.value, place), place),
        hint=cipher.seal(cipher.unseal(variable.hint, hint), hint),
    )
