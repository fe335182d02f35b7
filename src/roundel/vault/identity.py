"""Identity tokens: their keys made and kept sealed, and tokens signed."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from roundel.domain.clock import Micros
from roundel.domain.oidc import ALGORITHM, Claim, SigningKey
from roundel.domain.runners import Secret
from roundel.vault.cipher import Cipher

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEY_BITS = 2048
MOST_KEYS_AT_HAND = 4


def _bound_to(key_id: str) -> bytes:
    return json.dumps(["signing-key", key_id]).encode()


def make_signing_key(cipher: Cipher, signs_from: Micros) -> SigningKey:
    """Return a fresh key.  It takes some tens of milliseconds, so not in a transaction."""
    from joserfc.jwk import RSAKey

    made = RSAKey.generate_key(KEY_BITS)
    id_ = made.thumbprint()
    public = {**made.as_dict(private=False), "use": "sig", "alg": ALGORITHM, "kid": id_}
    return SigningKey(
        id=id_,
        public_key=json.dumps(public),
        private_key=cipher.seal(made.as_pem(private=True).decode(), _bound_to(id_)),
        signs_from=signs_from,
    )


def sealed_anew(key: SigningKey, cipher: Cipher) -> SigningKey:
    """Return a key sealed under the current master key.  Raise CannotUnseal if it is lost."""
    bound = _bound_to(key.id)
    return replace(key, private_key=cipher.seal(cipher.unseal(key.private_key, bound), bound))


class TokenSigner:
    """Signs tokens.  Keys that were opened stay at hand, as opening one takes longer than signing.

    May be used by several threads.
    """

    def __init__(self) -> None:
        self._open: dict[str, object] = {}

    def sign(self, key: SigningKey, claims: Mapping[str, Claim], cipher: Cipher) -> Secret:
        """Return the token.  Raise CannotUnseal where the master key is lost."""
        from joserfc import jwt
        from joserfc.jwk import RSAKey

        opened = self._open.get(key.id)
        if opened is None:
            opened = RSAKey.import_key(_private_key(key, cipher))
            if len(self._open) >= MOST_KEYS_AT_HAND:
                self._open.clear()
            self._open[key.id] = opened
        header = {"alg": ALGORITHM, "typ": "JWT", "kid": key.id}
        assert isinstance(opened, RSAKey)  # noqa: S101 nothing else is put there
        return Secret(jwt.encode(header, dict(claims), opened, algorithms=[ALGORITHM]))


def _private_key(key: SigningKey, cipher: Cipher) -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = cipher.unseal(key.private_key, _bound_to(key.id)).encode()
    # What was sealed by us needs no proof that its numbers are primes, which takes 50 ms.
    opened = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(opened, RSAPrivateKey)  # noqa: S101 that is what we make
    return opened
