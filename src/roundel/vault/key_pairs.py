"""Key pairs for ssh: made, and known by their fingerprints."""

import base64
import hashlib
from dataclasses import dataclass, field


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


def _blob(public: str) -> bytes:
    return base64.b64decode(public.split()[1])
