"""Checkout keys: made by the server, shown by halves, and given to the jobs of their project."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
)

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.checkout_keys import KeyType
from roundel.domain.pipelines import Ref
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.scenarios.conftest import House

KEYS = "/api/v2/project/gh/acme/web/checkout-key"
KEYS_V1 = "/api/v1.1/project/github/acme/web/checkout-key"


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


def said_of(file: Path, form: str) -> str:
    """Return what ssh itself says of a key's fingerprint."""
    command = ["ssh-keygen", "-l", "-E", form, "-f", str(file)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return said.split()[1]


async def make(client: Client, type_: str = "deploy-key") -> Any:
    answer = await client.post(KEYS, {"type": type_})
    assert answer.status == 201, answer
    return answer.json()


async def keys(client: Client, query: str = "") -> list[Any]:
    found: list[Any] = (await client.get(KEYS + query)).json()["items"]
    return found


async def test_a_key_is_known_by_both_fingerprints(client: Client, tmp_path: Path) -> None:
    made = await make(client)
    assert (made["type"], made["preferred"]) == ("deploy-key", True)
    assert await keys(client) == [made]
    [by_sha] = await keys(client, "?digest=sha256")
    file = tmp_path / "key.pub"
    file.write_text(made["public-key"])
    assert said_of(file, "md5") == f"MD5:{made['fingerprint']}"
    assert said_of(file, "sha256") == by_sha["fingerprint"]
    escaped = by_sha["fingerprint"].replace("/", "%2F").replace("+", "%2B")
    for name in (made["fingerprint"], escaped):
        assert (await client.get(f"{KEYS}/{name}")).json()["public-key"] == made["public-key"]


async def test_the_newest_key_is_the_preferred_one_until_it_is_removed(client: Client) -> None:
    first, second = await make(client), await make(client, "user-key")
    assert second["type"] == "github-user-key"
    assert [it["preferred"] for it in await keys(client)] == [False, True]
    removed = await client.send("DELETE", f"{KEYS}/{second['fingerprint']}")
    assert removed.json() == {"message": "Checkout key deleted."}
    assert [(it["fingerprint"], it["preferred"]) for it in await keys(client)] == [
        (first["fingerprint"], True)
    ]
    assert (await client.get(f"{KEYS}/{second['fingerprint']}")).status == 404


async def test_jobs_get_the_private_half_and_forks_do_not(house: House, client: Client) -> None:
    made = await make(client)
    await house.trigger()
    order = await house.runner.claim()
    assert order is not None and order.checkout is not None and order.checkout.ssh_key
    private = load_ssh_private_key(order.checkout.ssh_key.encode(), None)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert public.decode().split()[1] == made["public-key"].split()[1]
    assert order.checkout.ssh_key not in str(await house.rows("SELECT * FROM checkout_key"))
    house.repositories.branches.add("pull/7/head")
    await house.trigger(ref=Ref(branch="pull/7/head"))
    fork = await house.runner.claim()
    assert fork is not None and fork.checkout is not None
    assert fork.checkout.ssh_key is None


async def test_keys_outlive_a_new_master_key(tmp_path: Path) -> None:
    alone = House(tmp_path / "alone")
    await alone.open()
    await alone.use.add_checkout_key(alone.project, KeyType.DEPLOY)
    assert await alone.engine.rotate_master_key() == 1
    await alone.restart()
    await alone.trigger()
    order = await alone.runner.claim()
    assert order is not None and order.checkout is not None and order.checkout.ssh_key
    await alone.engine.stop()


async def test_v1_has_the_same_keys_in_its_words(client: Client) -> None:
    answer = await client.post(KEYS_V1, {"type": "deploy-key"})
    assert answer.status == 201
    made = answer.json()
    assert (await client.get(KEYS_V1)).json() == [made]
    [same] = await keys(client)
    assert (same["public-key"], same["fingerprint"]) == (made["public_key"], made["fingerprint"])
    one = f"{KEYS_V1}/{made['fingerprint']}"
    assert (await client.get(one)).json() == made
    assert (await client.send("DELETE", one)).json() == {"message": "ok"}
    assert (await client.get(KEYS_V1)).json() == []


async def test_what_makes_no_sense_is_refused(client: Client) -> None:
    assert (await client.post(KEYS, {"type": "house-key"})).status == 400
    assert (await client.get(f"{KEYS}?digest=crc32")).status == 400
    assert (await client.get(f"{KEYS}/aa:bb")).status == 404
