"""`add_ssh_keys` with a real ssh server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import Json, StepPlan
from roundel.domain.runners import CheckoutOrder, JobOrder, Secret, SshKeyOrder
from roundel.vault.key_pairs import read_private_key
from tests.fake_server import an_order
from tests.git_hosts import SshHost, a_key, ssh_host
from tests.repositories import git, make_repository

OK, FAILED = ExecutionStatus.SUCCESS, ExecutionStatus.FAILED
STEP = "Installing additional ssh keys"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SshHost]:
    with ssh_host(tmp_path / "ssh") as started:
        yield started


def a_key_order(private: str, hostname: str) -> SshKeyOrder:
    pair = read_private_key(private)
    return SshKeyOrder(
        hostname=hostname, md5=pair.md5, sha256=pair.sha256, private_key=Secret(private)
    )


def adding(*fingerprints: str) -> StepPlan:
    args: dict[str, Json] = {"fingerprints": list(fingerprints)} if fingerprints else {}
    return StepPlan(kind="add_ssh_keys", name=STEP, args=args)


def remembering(host: SshHost) -> str:
    return f"mkdir -p ~/.ssh && echo '{host.host_key_line}' >> ~/.ssh/known_hosts"


def calling(host: SshHost) -> str:
    return f"ssh -o BatchMode=yes {host.prefix} echo reached"


def with_keys(order: JobOrder, *keys: SshKeyOrder) -> JobOrder:
    return replace(order, ssh_keys=keys)


@pytest.mark.sshd
@pytest.mark.parametrize("hostname", ["127.0.0.1", ""])
async def test_a_key_opens_its_host_for_later_steps(run_job, host, hostname):
    key = a_key_order(host.key, hostname)
    steps = (remembering(host), adding(), calling(host), "cat ~/.ssh/id_rsa_*; cat ~/.ssh/config")
    told = await run_job(with_keys(an_order(*steps), key))
    assert told.result.status is OK, told.log()
    assert told.reports[3].name == STEP
    assert key.md5 in told.output(3)
    assert told.output(4) == "reached\n"
    assert "PRIVATE KEY" not in told.output(5).replace("-----BEGIN OPENSSH PRIVATE KEY-----", "")
    assert "****" in told.output(5)


@pytest.mark.sshd
async def test_a_key_of_another_host_is_not_shown_to_this_one(run_job, host):
    key = a_key_order(host.key, "other.example")
    told = await run_job(
        with_keys(an_order(remembering(host), adding(), calling(host) + " 2>&1"), key)
    )
    assert told.result.status is FAILED
    assert "Permission denied" in told.output(4)


@pytest.mark.sshd
async def test_fingerprints_choose_keys_in_either_form(run_job, host, tmp_path):
    other = a_key_order(a_key(tmp_path / "other").read_text(), "")
    right = a_key_order(host.key, "")
    for name in (right.md5, right.sha256):
        order = an_order(remembering(host), adding(name), calling(host), "ls ~/.ssh")
        told = await run_job(with_keys(order, other, right))
        assert told.result.status is OK, told.log()
        assert told.output(5).count("id_rsa_") == 1


@pytest.mark.sshd
async def test_git_pushes_with_the_key_of_its_host_and_not_with_that_of_the_checkout(
    run_job, host, tmp_path
):
    # A key that opens no repository stands for one that may only read.
    repository = make_repository(tmp_path / "repositories" / "web")
    reading = CheckoutOrder(
        repository_url=f"{host.prefix}{repository}",
        revision=git(repository, "rev-parse", "main"),
        branch="main",
        ssh_key=Secret(host.key),
        known_hosts=host.host_key_line,
    )
    order = an_order(
        StepPlan(kind="checkout", name="Checkout code", args={}),
        adding(),
        'ssh_command=$(git config core.sshCommand); eval "$ssh_command -T -G 127.0.0.1" >all\n'
        "grep ^identityfile all",
        checkout=reading,
    )
    key = a_key_order(a_key(tmp_path / "writing").read_text(), "127.0.0.1")
    told = await run_job(with_keys(order, key))
    assert told.result.status is OK, told.log()
    first, second = told.output(4).split("\n")[:2]
    assert first.endswith("id_rsa_" + key.md5.replace(":", ""))
    assert second.endswith("/id_rsa")


async def test_a_fingerprint_that_no_key_has_fails_the_step(run_job):
    told = await run_job(with_keys(an_order(adding("aa:bb"))))
    assert told.result.status is FAILED
    assert "no SSH key with the fingerprint aa:bb" in told.output(2)


async def test_without_keys_and_for_forks_the_step_says_so_and_the_job_goes_on(run_job):
    told = await run_job(with_keys(an_order(adding())))
    assert told.result.status is OK
    assert "no additional SSH keys" in told.output(2)
    told = await run_job(replace(an_order(adding("aa:bb")), ssh_keys=None))
    assert told.result.status is OK
    assert "a fork's pull request" in told.output(2)
