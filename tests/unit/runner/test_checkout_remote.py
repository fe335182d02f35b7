"""`checkout` from other machines: over ssh with a key, over http with a password."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import Json, StepPlan
from roundel.domain.runners import CheckoutOrder, CheckoutPassword, Secret, StepStatus
from roundel.runner.steps.checkout import with_password
from roundel.runner.steps.cloning import clone, hand_over
from roundel.runner.steps.plan import Process, StepFailed
from roundel.runner.trial import Trial
from tests.fake_server import an_order
from tests.git_hosts import PASSWORD, SshHost, a_key, http_host, ssh_host
from tests.repositories import git, make_repository

OK, FAILED = ExecutionStatus.SUCCESS, ExecutionStatus.FAILED


def keys_in_memory() -> list[Path]:
    return list(Path("/dev/shm").glob("roundel-*/checkout-*"))


def checkout(**args: Json) -> StepPlan:
    return StepPlan(kind="checkout", name="Checkout code", args=args)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repositories" / "web")


@pytest.fixture
def by_http(repository: Path) -> Iterator[CheckoutOrder]:
    with http_host(repository.parent) as url:
        yield CheckoutOrder(
            repository_url=f"{url}/web/.git",
            revision=git(repository, "rev-parse", "main"),
            branch="main",
            username="ada",
            password=Secret(PASSWORD),
        )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SshHost]:
    with ssh_host(tmp_path / "ssh") as started:
        yield started


@pytest.fixture
def by_ssh(repository: Path, host: SshHost) -> CheckoutOrder:
    return CheckoutOrder(
        repository_url=f"{host.prefix}{repository}",
        revision=git(repository, "rev-parse", "main"),
        branch="main",
        ssh_key=Secret(host.key),
        known_hosts=host.host_key_line,
    )


@pytest.mark.sshd
async def test_a_deploy_key_opens_a_repository_over_ssh(run_job, by_ssh):
    told = await run_job(
        an_order(
            checkout(),
            "cat file; echo; cat ~/.ssh/known_hosts; stat -c %a ~/.ssh/id_rsa",
            "git fetch origin 2>&1 && cat ~/.ssh/id_rsa",
            "env | grep -c _RD_ || true",
            checkout=by_ssh,
        )
    )
    assert told.result.status is OK, told.log()
    assert told.output(3) == f"two\n{by_ssh.known_hosts}\n600\n"
    assert "PRIVATE KEY" not in told.output(4).replace("-----BEGIN OPENSSH PRIVATE KEY-----", "")
    assert "****" in told.output(4)
    assert told.output(5) == "0\n"


@pytest.mark.sshd
async def test_a_host_that_is_not_the_known_one_is_refused(run_job, by_ssh, tmp_path):
    other = a_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    name = by_ssh.known_hosts.split()[0]
    order = replace(by_ssh, known_hosts=f"{name} {other[0]} {other[1]}")
    told = await run_job(an_order(checkout(), checkout=order))
    assert told.result.status is FAILED
    assert "Host key verification failed" in told.output(2)


@pytest.mark.sshd
async def test_without_the_right_key_the_repository_stays_closed(run_job, by_ssh, tmp_path):
    order = replace(by_ssh, ssh_key=Secret(a_key(tmp_path / "other").read_text()))
    told = await run_job(an_order(checkout(), checkout=order))
    assert told.result.status is FAILED
    assert "Permission denied" in told.output(2)


@pytest.mark.sshd
async def test_the_runner_clones_with_the_key_and_leaves_it_nowhere(by_ssh, tmp_path):
    place = tmp_path / "seed"
    await clone(by_ssh, place, shallow=None)
    assert (place / "file").read_text() == "two"
    assert "PRIVATE KEY" not in (place / ".git/config").read_text()
    assert keys_in_memory() == []


async def test_a_password_opens_a_repository_over_http(run_job, by_http):
    told = await run_job(
        an_order(checkout(), "cat file; cat .git/config; env", checkout=by_http),
    )
    assert told.result.status is OK, told.log()
    assert told.output(3).startswith("two")
    assert PASSWORD not in told.output(3)
    told = await run_job(an_order(checkout(), checkout=replace(by_http, password=None)))
    assert told.result.status is FAILED


async def test_a_password_is_asked_for_when_the_checkout_begins(run_job, server, by_http):
    server.passwords = [CheckoutPassword(username="ada", password=Secret(PASSWORD))]
    later = replace(by_http, username="", password=None, password_on_request=True)
    told = await run_job(an_order("true", checkout=later))
    assert "checkout_password" not in server.calls  # a job without a checkout needs none
    told = await run_job(an_order(checkout(), "cat file; env", f"echo {PASSWORD}", checkout=later))
    assert told.result.status is OK, told.log()
    assert told.output(3).startswith("two")
    assert PASSWORD not in told.log()
    assert "****" in told.output(4)


class Hosts:
    """What steps ask of the server, answered one after another; and what they hide."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.hidden = []
        self.storage = self
        self.hide = self.hidden.append

    async def checkout_password(self):
        return self.answers.pop(0)


SILENT = CheckoutPassword(away="the host does not answer within 15 s")


async def test_a_host_that_is_silent_for_a_moment_is_asked_again(by_http):
    later = replace(by_http, username="", password=None, password_on_request=True)
    given = CheckoutPassword(username="ada", password=Secret(PASSWORD))
    hosts = Hosts(SILENT, SILENT, given)
    assert await with_password(later, hosts, pauses=(0, 0)) == replace(
        later, username="ada", password=Secret(PASSWORD)
    )
    assert hosts.hidden == [PASSWORD]
    assert await with_password(later, Hosts(CheckoutPassword()), pauses=()) == later
    assert await with_password(by_http, Hosts(), pauses=()) == by_http


async def test_a_host_that_stays_silent_is_no_fault_of_the_job(by_http):
    later = replace(by_http, password=None, password_on_request=True)

    async def prepare(_index):
        await with_password(later, Hosts(SILENT, SILENT), pauses=(0,))

    process = Process(script="exit 0", argv=None, prepare=prepare)
    outcome = await Trial(0, process, None).run(None, from_offset=0)
    assert outcome.status is StepStatus.INFRASTRUCTURE_FAIL
    assert "the host does not answer within 15 s" in outcome.said


async def test_the_runner_clones_with_the_password(by_http, tmp_path):
    await clone(by_http, tmp_path / "seed", shallow=1)
    assert (tmp_path / "seed/file").read_text() == "two"
    with pytest.raises(StepFailed, match="git fetch failed"):
        wrong = replace(by_http, password=Secret("another"))
        await clone(wrong, tmp_path / "other", shallow=None)


LOOK = """
    git rev-list --count --all
    git rev-list --objects --all --missing=print | grep -c '^?' || true
    git branch --show-current
"""


@pytest.mark.parametrize(
    ("method", "commits", "without_blobs"),
    [({"method": "full"}, 2, False), ({}, 2, True), ({"method": "shallow"}, 1, False)],
)
async def test_each_method_brings_as_much_as_it_says(
    run_job, by_http, method, commits, without_blobs
):
    told = await run_job(an_order(checkout(**method), LOOK, checkout=by_http))
    assert told.result.status is OK, told.log()
    count, missing, branch = told.output(3).split()
    assert (int(count), int(missing) > 0, branch) == (commits, without_blobs, "main")


async def test_blobless_is_full_where_the_server_refuses_filters(run_job, repository, by_http):
    with http_host(repository.parent, filters=False) as url:
        order = replace(by_http, repository_url=f"{url}/web/.git")
        told = await run_job(an_order(checkout(), LOOK, checkout=order))
    assert told.result.status is OK, told.log()
    assert told.output(3).split() == ["2", "0", "main"]


async def test_depth_is_how_many_commits_come(run_job, by_http):
    for depth, commits in ((1, "1"), (2, "2")):
        step = checkout(method="shallow", depth=depth)
        told = await run_job(an_order(step, "git rev-list --count HEAD", checkout=by_http))
        assert told.output(3).strip() == commits


async def test_the_head_of_a_pull_request_that_no_branch_has(run_job, repository, by_http):
    git(repository, "checkout", "-q", "--detach")
    (repository / "file").write_text("proposed")
    git(repository, "commit", "-q", "-a", "-m", "propose")
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "update-ref", "refs/pull/5/head", head)
    git(repository, "checkout", "-q", "main")
    for branch in ("pull/5", "pull/5/head"):
        for method in ("full", "blobless", "shallow"):
            order = replace(by_http, revision=head, branch=branch)
            told = await run_job(an_order(checkout(method=method), "cat file", checkout=order))
            assert told.output(3) == "proposed", told.log()


async def test_a_checkout_leaves_submodules_and_collection_alone(
    run_job, repository, by_http, tmp_path
):
    part = make_repository(tmp_path / "part")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(part), "part")
    git(repository, "commit", "-q", "-m", "part")
    order = replace(by_http, revision=git(repository, "rev-parse", "main"))
    told = await run_job(
        an_order(checkout(), "ls -A part | wc -l; git config gc.auto", checkout=order)
    )
    assert told.output(3).split() == ["0", "0"]


@pytest.mark.parametrize("there", ["nothing", "folder", "file", "link"])
async def test_a_clone_is_made_out_of_the_jobs_reach_and_handed_over_whole(
    by_http, tmp_path, there
):
    job = tmp_path / "job"
    job.mkdir()
    place, precious = job / "seed", tmp_path / "precious"
    precious.mkdir()
    (precious / "kept").touch()
    if there == "folder":
        (place / ".git").mkdir(parents=True)
        (place / ".git/config").write_text("[core]\n\tfsmonitor = touch /tmp/taken\n")
    elif there == "file":
        place.touch()
    elif there == "link":
        place.symlink_to(precious)
    await hand_over(by_http, place, shallow=None)
    assert (place / "file").read_text() == "two"
    assert "fsmonitor" not in (place / ".git/config").read_text()
    assert not place.is_symlink()
    assert (precious / "kept").exists()
    # What the job does with it afterwards is its own affair, and nothing of it is read again.
    (place / "file").write_text("changed")
    await hand_over(by_http, place, shallow=None)
    assert (place / "file").read_text() == "changed"
