"""S7: who sends a message proves it, over the raw bytes and in constant time."""

from collections.abc import Callable, Mapping

import pytest

from roundel.domain.git_hosts import Provider
from tests.git_messages import SECRET, A, B, Sent
from tests.unit.vcs.host_messages import HOSTS, PUSHES, P


def forgeries(headers: Mapping[str, str]) -> list[dict[str, str]]:
    """The same headers with their proof missing, cut short, weakened or of another."""
    made: list[dict[str, str]] = []
    for name in headers:
        if "signature" not in name and "token" not in name:
            continue
        value = headers[name]
        without = {key: it for key, it in headers.items() if key != name}
        made += [
            without,
            {**headers, name: ""},
            {**headers, name: value[:-1]},
            {**headers, name: value.upper() + "é"},
            {**headers, name: value.replace("sha256=", "sha1=") + "0"},
            {**without, "x-hub-signature": "sha1=" + "0" * 40},
        ]
    return made


@pytest.mark.parametrize(("provider", "message"), PUSHES)
def test_s7_nothing_but_the_right_proof_over_the_raw_bytes_is_taken(
    provider: Provider, message: Callable[[str, str, str], Sent]
) -> None:
    headers, raw = message("main", A, B)
    host = HOSTS.of(provider)
    assert host.verify(headers, raw, SECRET)
    assert not host.verify(headers, raw, SECRET + "x")
    assert not host.verify({}, raw, SECRET)
    for forged in forgeries(headers):
        assert not host.verify(forged, raw, SECRET), forged
    if provider is not P.GITLAB:  # which signs no bodies
        assert not host.verify(headers, raw + b" ", SECRET)


@pytest.mark.parametrize(("provider", "message"), PUSHES)
def test_s7_a_proof_is_compared_in_constant_time(
    provider: Provider, message: Callable[[str, str, str], Sent], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, raw = message("main", A, B)
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.extend((one, other))
        return True  # whatever is believed was compared by this, and by nothing else

    monkeypatch.setattr("hmac.compare_digest", compare)
    forged = {name: value[:-1] + "0" for name, value in headers.items()}
    assert HOSTS.of(provider).verify(forged, raw, SECRET)
    assert len(compared) == 2
