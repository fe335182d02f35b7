"""Additional SSH keys: given once, never shown again, and only for jobs that ask for them."""

from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.pipelines import Ref
from roundel.domain.plan import Json, Plan, StepPlan
from roundel.domain.runners import JobOrder, SshKeyOrder
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.builders import a_job_plan, a_plan
from tests.git_hosts import a_key
from tests.scenarios.conftest import House

KEYS = "/api/v1.1/project/github/acme/web/ssh-key"


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


def private(tmp_path: Path, name: str) -> str:
    return a_key(tmp_path / name).read_text()


async def add(client: Client, key: str, hostname: str | None) -> Any:
    answer = await client.post(KEYS, {"private_key": key, "hostname": hostname})
    assert answer.status == 201, answer
    return answer.json()


async def remove(client: Client, body: bytes) -> Answer:
    return await client.send("DELETE", KEYS, body, {"content_type": "application/json"})


def wanting(*fingerprints: str) -> Plan:
    """Return a plan of one job with `add_ssh_keys`."""
    args: dict[str, Json] = {"fingerprints": list(fingerprints)} if fingerprints else {}
    step = StepPlan(kind="add_ssh_keys", name="Installing additional ssh keys", args=args)
    return a_plan("build", build=a_job_plan(steps=(step,)))


async def ordered(house: House, plan: Plan, ref: Ref | None = None) -> JobOrder:
    await house.trigger(plan, ref=ref)
    order = await house.runner.claim()
    assert order is not None
    return order


def hosts(keys: tuple[SshKeyOrder, ...] | None) -> list[str]:
    assert keys is not None
    return [key.hostname for key in keys]


async def test_a_key_is_listed_by_its_public_half_and_kept_sealed(
    house: House, client: Client, tmp_path: Path
) -> None:
    key = private(tmp_path, "one")
    made = await add(client, key, "host.example")
    public = (tmp_path / "one.pub").read_text().split()[1]
    assert (made["hostname"], made["public_key"].split()[1]) == ("host.example", public)
    assert (await client.get(KEYS)).json() == [made]
    rows = str(await house.rows("SELECT * FROM ssh_key"))
    assert key.split("\n")[1] not in rows


async def test_the_same_key_twice_is_one_and_is_removed_by_its_fingerprint(
    client: Client, tmp_path: Path
) -> None:
    key = private(tmp_path, "one")
    made = await add(client, key, "a.example")
    assert await add(client, key, "a.example") | {"time": None} == made | {"time": None}
    await add(client, key, "b.example")
    name = made["fingerprint"]
    gone = await remove(client, f'{{"hostname":"a.example","fingerprint":"{name}"}}'.encode())
    assert (gone.status, gone.json()) == (200, {"message": "ok"})
    assert [it["hostname"] for it in (await client.get(KEYS)).json()] == ["b.example"]
    assert (await remove(client, f'{{"fingerprint":"{name}"}}'.encode())).status == 200
    assert (await remove(client, f'{{"fingerprint":"{name}"}}'.encode())).status == 404


async def test_only_jobs_that_ask_get_keys_and_only_those_that_they_name(
    house: House, client: Client, tmp_path: Path
) -> None:
    first = await add(client, private(tmp_path, "one"), "a.example")
    await add(client, private(tmp_path, "two"), None)
    assert (await ordered(house, a_plan("build"))).ssh_keys == ()
    assert hosts((await ordered(house, wanting())).ssh_keys) == ["a.example", ""]
    order = await ordered(house, wanting(first["fingerprint"]))
    assert hosts(order.ssh_keys) == ["a.example"]
    assert order.ssh_keys is not None
    assert order.ssh_keys[0].private_key == (tmp_path / "one").read_text()
    assert order.ssh_keys[0].private_key not in repr(order)
    by_sha = await ordered(house, wanting(order.ssh_keys[0].sha256))
    assert hosts(by_sha.ssh_keys) == ["a.example"]


async def test_forks_get_no_keys_unless_the_project_passes_secrets(
    house: House, client: Client, tmp_path: Path
) -> None:
    await add(client, private(tmp_path, "one"), "a.example")
    house.repositories.branches.add("pull/7/head")
    fork = Ref(branch="pull/7/head")
    assert (await ordered(house, wanting(), fork)).ssh_keys is None
    settings = {"forks_receive_secret_env_vars": True}
    await house.use.change_project_settings(house.project, settings, house.admin)
    assert hosts((await ordered(house, wanting(), fork)).ssh_keys) == ["a.example"]


async def test_keys_outlive_a_new_master_key(tmp_path: Path) -> None:
    key = private(tmp_path, "one")
    alone = House(tmp_path / "alone")
    await alone.open()
    await alone.use.add_ssh_key(alone.project, "a.example", key)
    assert await alone.engine.rotate_master_key() == 1
    await alone.restart()
    order = await ordered(alone, wanting())
    assert order.ssh_keys is not None
    assert order.ssh_keys[0].private_key == key
    await alone.engine.stop()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"private_key": "no key"}, "not a private key"),
        ({"private_key": ""}, "not a private key"),
        ({"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"}, "not a private key"),
        ({"private_key": "x" * 40_000}, "at most"),
        ({"private_key": "x", "hostname": "a\n  ProxyCommand evil"}, "not a host name"),
        ({"private_key": "x", "hostname": "a b"}, "not a host name"),
    ],
)
async def test_what_is_no_key_or_no_host_is_refused(client: Client, body: Any, why: str) -> None:
    answer = await client.post(KEYS, body)
    assert answer.status == 400
    assert why in answer.message


async def test_a_key_with_a_passphrase_is_refused(client: Client, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
    )

    closed = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"words")
    )
    answer = await client.post(KEYS, {"private_key": closed.decode(), "hostname": "a.example"})
    assert answer.status == 400
    assert "passphrase" in answer.message


async def test_older_pem_keys_are_taken_with_any_line_ends(client: Client) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    made = await add(client, pem.decode().replace("\n", "\r\n"), "a.example")
    assert made["public_key"].startswith("ssh-rsa ")
