"""Jobs as processes get a user of their own where the runner may give one, and say where not."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.backends.process import ProcessBackend
from roundel.backends.users import NAME
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ExecutorKind, ExecutorPlan
from tests.cache import CACHE
from tests.fake_server import FakeServer, an_order
from tests.unit.runner.conftest import a_runner

OK = ExecutionStatus.SUCCESS


@pytest.mark.users
async def test_a_job_is_a_user_that_no_other_job_is(run_job):
    orders = [an_order("id -u; id -g; whoami; echo $USER $HOME; ls -ld ~") for _ in range(2)]
    seen = []
    for order in orders:
        told = await run_job(order)
        assert told.result.status is OK, told.log()
        user, group, name, place, *listed = told.output(2).splitlines()
        assert user == group
        assert 0x70000000 <= int(user) < 0x71000000  # which nobody else is given
        assert (name, place) == (NAME, f"{NAME} /tmp/.roundel/home")
        assert listed[0].split()[2] == NAME
        assert f"user id {user}, which is this job's alone" in told.output(0)
        assert "Warning: the job is the same user" not in told.output(0)
        seen.append(user)
    assert seen[0] != seen[1]


@pytest.mark.users
async def test_a_job_reads_and_writes_nothing_of_its_runner(run_job, tmp_path):
    CACHE.mkdir(parents=True, exist_ok=True)
    secret = CACHE / f"secret-{os.getpid()}"
    secret.write_text("of the runner")
    secret.chmod(0o600)
    try:
        told = await run_job(
            an_order(
                f"cat {secret} || echo kept",
                "touch /etc/roundel-was-here || echo refused",
                f"ls {tmp_path} || echo hidden",
                "setpriv --reuid 0 true 2>/dev/null || echo stays",
                "grep NoNewPrivs /proc/self/status; grep CapEff /proc/self/status",
                "kill -0 1 2>/dev/null && echo its own first process",
            )
        )
    finally:
        secret.unlink()
    assert told.result.status is OK, told.log()
    lines = [told.output(index).splitlines()[-1] for index in (2, 3, 4, 5)]
    assert lines == ["kept", "refused", "hidden", "stays"]
    assert told.output(6).split() == ["NoNewPrivs:", "1", "CapEff:", "0000000000000000"]


@pytest.mark.users
async def test_a_runner_may_be_in_a_folder_of_any_name(server, tmp_path):
    told = server.submit(an_order("echo here >~/file; cat ~/file"))
    async with a_runner(server, tmp_path / "a b\\c\t#"):
        await told.ended.wait()
    assert told.output(2) == "here\n", told.log()


@pytest.mark.users
async def test_nothing_of_a_job_stays(server, tmp_path):
    order = an_order("mkdir -m 700 ~/closed; touch ~/closed/file /tmp/other; chmod 0 ~/closed")
    told = server.submit(order)
    async with a_runner(server, tmp_path):
        await told.ended.wait()
    assert told.result.status is OK, told.log()
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.users
@pytest.mark.sshd
async def test_the_home_is_where_the_system_looks_for_it(run_job):
    told = await run_job(
        an_order(
            "mkdir ~/.ssh; echo 'User somebody' > ~/.ssh/config",
            "ssh -G host.example 2>/dev/null | grep '^user '",
            'eval "echo ~circleci"',
        )
    )
    assert told.result.status is OK, told.log()
    assert told.output(3) == "user somebody\n"
    assert told.output(4) == "/tmp/.roundel/home\n"


@pytest.mark.users
async def test_a_machine_job_is_at_home_on_the_machine(run_job):
    executor = ExecutorPlan(kind=ExecutorKind.MACHINE, machine={"image": "ubuntu"})
    told = await run_job(replace(an_order("id -u"), executor=executor))
    assert told.output(2) == f"{os.getuid()}\n"


async def test_where_users_are_not_given_a_warning_says_so(tmp_path: Path) -> None:
    server = FakeServer()
    told = server.submit(an_order("id -u"))
    async with a_runner(server, tmp_path, backend=ProcessBackend(own_users=False)):
        await told.ended.wait()
    assert told.output(2) == f"{os.getuid()}\n"
    assert "Warning: the job is the same user as its runner" in told.output(0)
