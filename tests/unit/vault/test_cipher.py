"""Sealing secrets: bound to their place, under keys that can be changed."""

import base64
import stat
from pathlib import Path

import pytest

from roundel.domain.contexts import ContextId, OwnerKind, Sealed, SecretOwner
from roundel.domain.ids import OrganizationId
from roundel.vault.cipher import (
    BadMasterKey,
    CannotUnseal,
    Cipher,
    KeyFile,
    about,
    key_id,
    read_keys,
)

ONE, TWO = bytes(range(32)), bytes(range(32, 64))


def owner(id_: str = "c", organization: str = "o") -> SecretOwner:
    return SecretOwner(
        kind=OwnerKind.CONTEXT, id=ContextId(id_), organization_id=OrganizationId(organization)
    )


HERE = about(owner(), "NAME")


@pytest.mark.parametrize("value", ["", "x", "canary", "ä😀\n\0", "x" * 32_768, "\udcff"])
def test_what_was_sealed_opens_again(value: str):
    cipher = Cipher([ONE])
    sealed = cipher.seal(value, HERE)
    assert cipher.unseal(sealed, HERE) == value
    assert repr(cipher.unseal(sealed, HERE)) == "***"
    if len(value) > 1:
        assert value.encode("utf-8", "surrogateescape") not in sealed.data


def test_the_same_value_is_never_sealed_twice_alike():
    cipher = Cipher([ONE])
    assert len({cipher.seal("same", HERE).data for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "elsewhere",
    [about(owner("d"), "NAME"), about(owner("c", "p"), "NAME"), about(owner(), "OTHER"), b""],
)
def test_it_opens_nowhere_else(elsewhere: bytes):
    cipher = Cipher([ONE])
    with pytest.raises(CannotUnseal, match="moved from another place"):
        cipher.unseal(cipher.seal("canary", HERE), elsewhere)


def test_damage_is_noticed_and_shows_nothing():
    cipher = Cipher([ONE])
    sealed = cipher.seal("canary", HERE)
    changed = bytes([sealed.data[0] ^ 1]) + sealed.data[1:]
    for data in (b"", sealed.data[:-1], sealed.data[:5], changed):
        with pytest.raises(CannotUnseal) as refused:
            cipher.unseal(Sealed(key_id=sealed.key_id, data=data), HERE)
        assert "canary" not in str(refused.value)


def test_older_keys_open_and_only_the_first_seals():
    old = Cipher([ONE]).seal("canary", HERE)
    cipher = Cipher([TWO, ONE])
    assert cipher.unseal(old, HERE) == "canary"
    assert cipher.seal("x", HERE).key_id == key_id(TWO) == cipher.current
    with pytest.raises(CannotUnseal, match=f"master key {key_id(ONE)}, which is lost"):
        Cipher([TWO]).unseal(old, HERE)


def test_a_key_s_id_tells_nothing_of_the_key():
    assert ONE.hex()[:16] not in key_id(ONE)
    assert len({key_id(ONE), key_id(TWO)}) == 2


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(ONE).decode(),
        base64.urlsafe_b64encode(ONE).decode() + "\n",
        ONE.hex(),
        f"\n  {ONE.hex().upper()}  \n",
    ],
)
def test_a_key_may_be_written_in_several_ways(text: str):
    assert read_keys(text, "here") == [ONE]


@pytest.mark.parametrize("text", ["", "\n", "short", "x" * 44, "0" * 63, "ä" * 44])
def test_what_is_no_key_is_refused_without_showing_it(text: str):
    with pytest.raises(BadMasterKey, match="ROUNDEL_MASTER_KEY") as refused:
        read_keys(text, "ROUNDEL_MASTER_KEY")
    assert not text.strip() or text not in str(refused.value)


def test_a_key_file_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path):
    file = KeyFile(tmp_path / "master-key")
    made = file.load()
    assert len(made) == 1
    assert file.load() == made
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    two = file.add()
    assert two[1:] == made
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    file.keep_first()
    assert file.load() == two[:1]


def test_a_key_file_that_cannot_be_read_is_said(tmp_path: Path):
    with pytest.raises(BadMasterKey, match="cannot be read"):
        KeyFile(tmp_path).load()
