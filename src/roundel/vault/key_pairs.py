"""Key pairs for ssh: made, and known by their fingerprints."""

import base64
import hashlib
from dataclasses import field
from typing import Any

from roundel.domain.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """An Ed25519 key pair in OpenSSH's forms."""

    public: str
    private: str = field(repr=False)

    @property
    def md5(self) -> str:
        """Return the older form of the fingerprint, by which APIs still name keys."""
        digest = hashlib.md5(_blob(self.public), usedforsecurity=False).hexdigest()
        return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))

    @property
    def sha256(self) -> str:
        """Return the fingerprint as `ssh-keygen -l` shows it."""
        digest = hashlib.sha256(_blob(self.public)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def make_key_pair(comment: str) -> KeyPair:
    """Return a fresh key pair."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return KeyPair(public=f"{public.decode()} {comment}", private=private.decode())


class NotAKey(Exception):
    """A text is no private key that can be used; `str()` says why."""


def read_private_key(text: str) -> KeyPair:
    """Return the pair of a private key in OpenSSH's or PEM form, or raise NotAKey."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    private = text.replace("\r\n", "\n").strip() + "\n"
    openssh = "OPENSSH PRIVATE KEY" in private[:80]
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:
        key: Any = load(private.encode(), None)  # of any kind; not all of them are for ssh
        written = serialization.ssh.serialize_ssh_public_key(key.public_key())
    except TypeError:
        raise NotAKey("the key has a passphrase, and nobody could type it in a job") from None
    except (ValueError, UnsupportedAlgorithm):
        raise NotAKey(
            "not a private key for ssh; make one without a passphrase, for example with"
            " `ssh-keygen -t ed25519 -N ''`, and send the file's whole text"
        ) from None
    return KeyPair(public=written.decode(), private=private)


def _blob(public: str) -> bytes:
    return base64.b64decode(public.split()[1])
