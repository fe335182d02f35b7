"""Tokens: 256 random bits, shown once, known afterwards by their SHA-256 alone."""

import hashlib
import secrets

PREFIX = "rdl_"  # scanners for leaked secrets find our tokens by it
_SHOWN = len(PREFIX) + 6  # enough to tell one's own tokens apart, far too little to guess one


def new_token() -> str:
    """Return the text of a fresh token."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(text: str) -> bytes:
    """Return what is stored of a token.

    A fast hash is right here: the text has 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(text.encode()).digest()


def prefix_of(text: str) -> str:
    """Return the part of a token by which people know it."""
    return text[:_SHOWN]
