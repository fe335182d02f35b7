"""Encryption at rest: AES-256-GCM under a master key that is not in the database."""

import base64
import binascii
import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from roundel.domain.contexts import Sealed, SecretOwner
from roundel.domain.errors import DomainError
from roundel.domain.runners import Secret

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID_BYTES = 8


class BadMasterKey(DomainError):
    """The master key is not one; `str()` says where it was looked for and what it must be."""


class CannotUnseal(Exception):
    """A secret was sealed under a key that is not here, or is not what it was."""


def about(owner: SecretOwner, name: str) -> bytes:
    """Return what a secret is bound to: sealed for one place, it opens nowhere else."""
    return json.dumps([owner.organization_id, owner.kind.value, owner.id, name]).encode()


class Cipher:
    """Seals under the first of its keys, and opens what any of them has sealed."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = {key_id(key): key for key in keys}
        if not self._keys:
            raise ValueError("a cipher needs a key")
        self.current = next(iter(self._keys))

    @property
    def only_key(self) -> bool:
        """Whether there is no key but the current one."""
        return len(self._keys) == 1

    def knows(self, sealed_under: str) -> bool:
        """Tell whether the key of this id is here."""
        return sealed_under in self._keys

    def seal(self, value: str, bound_to: bytes) -> Sealed:
        """Return a value that only its place can open again."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = _aes(self._keys[self.current]).encrypt(nonce, _bytes(value), bound_to)
        return Sealed(key_id=self.current, data=nonce + sealed)

    def unseal(self, sealed: Sealed, bound_to: bytes) -> Secret:
        """Return the value, or raise CannotUnseal."""
        from cryptography.exceptions import InvalidTag

        key = self._keys.get(sealed.key_id)
        if key is None:
            raise CannotUnseal(f"it was sealed under the master key {sealed.key_id}, which is lost")
        nonce, data = sealed.data[:_NONCE_BYTES], sealed.data[_NONCE_BYTES:]
        try:
            plain = _aes(key).decrypt(nonce, data, bound_to)
        except (InvalidTag, ValueError):
            raise CannotUnseal("it is damaged, or was moved from another place") from None
        return Secret(plain.decode("utf-8", "surrogateescape"))


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _aes(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def key_id(key: bytes) -> str:
    """Return the name of a key, which says nothing about the key."""
    return hashlib.sha256(b"roundel master key\0" + key).hexdigest()[: 2 * _KEY_ID_BYTES]


def new_key_text() -> str:
    """Return a fresh key as it stands in a file."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_keys(text: str, where: str) -> list[bytes]:
    """Return the keys in a text, one a line, the current one first; refuse anything else."""
    keys = [_key(line, where) for line in map(str.strip, text.splitlines()) if line]
    if not keys:
        raise BadMasterKey(f"{where} holds no master key")
    return keys


def _key(line: str, where: str) -> bytes:
    key = b""
    try:
        if len(line) == 2 * KEY_BYTES:
            key = bytes.fromhex(line)
        else:
            key = base64.b64decode(line.replace("-", "+").replace("_", "/"), validate=True)
    except (ValueError, binascii.Error):
        pass
    if len(key) != KEY_BYTES:
        raise BadMasterKey(
            f"{where} must hold {KEY_BYTES} random bytes a line, in base64 or as"
            f" {2 * KEY_BYTES} hexadecimal digits; `openssl rand -base64 32` makes some"
        )
    return key


class KeyFile:
    """A file of master keys, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> list[bytes]:
        """Return the keys; make the first one where there is no file yet."""
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            text = f"{new_key_text()}\n"
            self._write(text)
        except (OSError, UnicodeDecodeError) as error:
            raise BadMasterKey(f"{self.path} cannot be read: {error}") from error
        return read_keys(text, str(self.path))

    def add(self) -> list[bytes]:
        """Put a fresh key before the others; return all."""
        text = f"{new_key_text()}\n{self.path.read_text()}"
        self._write(text)
        return read_keys(text, str(self.path))

    def keep_first(self) -> None:
        """Drop all keys but the current one, once nothing is sealed under them any more."""
        first, *others = self.path.read_text().split()
        if others:
            self._write(f"{first}\n")

    def _write(self, text: str) -> None:
        draft = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        draft.replace(self.path)
