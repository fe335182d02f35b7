"""Addresses that carry their own right: signed, expiring, needing no token."""

import base64
import hashlib
import hmac

from roundel.domain.clock import HOUR, SECOND, Micros
from roundel.domain.errors import NotAllowed

LIFETIME = HOUR
STEP = 300 * SECOND  # expiry is rounded up to this, so that repeated reads give one address


def sign(key: bytes, subject: str, now: Micros, lifetime: int = LIFETIME) -> str:
    """Return the query string that lets its bearer read `subject` for about so long."""
    expires = -(-(now + lifetime) // STEP) * STEP // SECOND
    return f"expires={expires}&signature={_signature(key, subject, expires)}"


def same_until(now: Micros, lifetime: int = LIFETIME) -> Micros:
    """Return until when `sign` says again what it says now."""
    return Micros(-(-(now + lifetime) // STEP) * STEP - lifetime)


def check(key: bytes, subject: str, expires: str, signature: str, now: Micros) -> None:
    """Refuse what we did not sign for `subject`, and what is past its time."""
    until = int(expires) if expires.isascii() and expires.isdigit() and len(expires) < 16 else 0
    wanted = _signature(key, subject, until)
    if not hmac.compare_digest(wanted.encode(), signature.encode()):
        raise NotAllowed("The signature of this address is not valid")
    if until * SECOND < now:
        raise NotAllowed("This address has expired; ask for the job again to get a fresh one")


def _signature(key: bytes, subject: str, expires: int) -> str:
    digest = hmac.new(key, f"{subject}\n{expires}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
