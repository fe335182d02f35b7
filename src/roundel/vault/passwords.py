"""Passwords of local accounts: argon2id, and an answer that takes as long for nobody."""

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from roundel.domain.runners import Secret

_HASHER = PasswordHasher()  # the library's defaults are RFC 9106's second choice: 64 MiB, 3 rounds


def hash_password(password: Secret) -> str:
    """Return what is stored of a password.  Takes tens of milliseconds and 64 MiB."""
    return _HASHER.hash(password)


def is_password(hashed: str | None, unverified: Secret) -> bool:
    """Tell whether a password is the one that was hashed; where there is none it takes as long."""
    try:
        return _HASHER.verify(hashed or _nobodys(), unverified) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")
