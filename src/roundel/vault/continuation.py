"""Continuation keys: made of the pipeline and a secret of the server, so that none is stored."""

import hashlib
import hmac

_PURPOSE = b"continue-pipeline:"


def continuation_key(secret: bytes, pipeline_id: str) -> str:
    """Return the key with which a setup job may continue its pipeline."""
    return f"{pipeline_id}.{_seal(secret, pipeline_id)}"


def pipeline_of_key(secret: bytes, unverified_key: str) -> str | None:
    """Return the pipeline whose key this is, or None if we never gave it out."""
    pipeline_id, _, seal = unverified_key.partition(".")
    # Bytes, as comparing texts refuses those beyond ASCII.
    good = hmac.compare_digest(_bytes(seal), _bytes(_seal(secret, pipeline_id)))
    return pipeline_id if good else None


def _seal(secret: bytes, pipeline_id: str) -> str:
    return hmac.new(secret, _PURPOSE + _bytes(pipeline_id), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
