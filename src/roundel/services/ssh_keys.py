"""Additional SSH keys of projects: given by people, never shown again, installed in jobs."""

import json
from collections.abc import Sequence
from dataclasses import replace

from roundel.domain.errors import Invalid, NotFound
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import JobPlan
from roundel.domain.projects import Project
from roundel.domain.runners import SshKeyOrder
from roundel.domain.ssh_keys import (
    LONGEST_KEY,
    MOST_PER_PROJECT,
    SshKey,
    checked_hostname,
    has_fingerprint,
)
from roundel.services.context_use import receives_secrets
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal, Cipher
from roundel.vault.key_pairs import NotAKey, read_private_key

STEP = "add_ssh_keys"


def _bound_to(organization: str, project: str, hostname: str, md5: str) -> bytes:
    return json.dumps([organization, "ssh-key", project, hostname, md5]).encode()


async def add_ssh_key(
    project: Project, hostname: str | None, unverified_key: str, app: App
) -> SshKey:
    """Keep a private key for a host.  Refuse what is no key, and one that needs a passphrase."""
    host = checked_hostname(hostname)
    if len(unverified_key) > LONGEST_KEY:
        raise Invalid(f"private_key: a key has at most {LONGEST_KEY} characters")
    try:
        pair = read_private_key(unverified_key)
    except NotAKey as error:
        raise Invalid(f"private_key: {error}") from None
    bound = _bound_to(project.organization.id, project.id, host, pair.md5)
    key = SshKey(
        project_id=project.id,
        hostname=host,
        md5=pair.md5,
        sha256=pair.sha256,
        public_key=pair.public,
        private_key=app.cipher.seal(pair.private, bound),
        created_at=app.clock.now(),
    )

    def transaction(tx: Tx) -> None:
        if len(tx.ssh_keys.of_project(project.id)) >= MOST_PER_PROJECT:
            raise Invalid(f"A project has at most {MOST_PER_PROJECT} additional SSH keys.")
        tx.ssh_keys.put(key)

    await app.database.write(transaction)
    return key


async def remove_ssh_key(
    project: Project, hostname: str | None, fingerprint: str, app: App
) -> None:
    """Remove the key with this fingerprint of a host; of every host where none is named."""
    host = None if hostname is None else checked_hostname(hostname)

    def transaction(tx: Tx) -> None:
        found = [
            key
            for key in tx.ssh_keys.of_project(project.id)
            if has_fingerprint(fingerprint, key.md5, key.sha256) and host in (None, key.hostname)
        ]
        if not found:
            raise NotFound("SSH key not found")
        for key in found:
            tx.ssh_keys.remove(project.id, key.hostname, key.md5)

    await app.database.write(transaction)


def ssh_keys_for_job(
    tx: Tx, project: Project, pipeline: Pipeline, plan: JobPlan, cipher: Cipher
) -> tuple[SshKeyOrder, ...] | None:
    """Return the keys that a job's steps ask for and no others; None where a fork gets none.

    Raise CannotUnseal where the master key is lost.
    """
    wanted = [step.args.get("fingerprints") for step in plan.steps if step.kind == STEP]
    if not wanted:
        return ()
    if not receives_secrets(tx, pipeline, project):
        return None
    keys: Sequence[SshKey] = tx.ssh_keys.of_project(project.id)
    if None not in wanted:
        named = [str(text) for texts in wanted if isinstance(texts, list) for text in texts]
        keys = [
            key for key in keys if any(has_fingerprint(it, key.md5, key.sha256) for it in named)
        ]
    organization = project.organization.id
    return tuple(
        SshKeyOrder(
            hostname=key.hostname,
            md5=key.md5,
            sha256=key.sha256,
            private_key=cipher.unseal(
                key.private_key, _bound_to(organization, project.id, key.hostname, key.md5)
            ),
        )
        for key in keys
    )


async def reseal_ssh_keys(app: App) -> int:
    """Seal what is under another master key under the current one; return how many."""
    cipher = app.cipher

    def transaction(tx: Tx) -> int:
        count = 0
        for organization, key in tx.ssh_keys.under_other_keys(cipher.current):
            bound = _bound_to(organization, key.project_id, key.hostname, key.md5)
            try:
                private = cipher.unseal(key.private_key, bound)
            except CannotUnseal:
                continue  # its master key may come back
            tx.ssh_keys.put(replace(key, private_key=cipher.seal(private, bound)))
            count += 1
        return count

    return await app.database.write(transaction)
