"""`checkout` on the process back end; /tmp is hidden there, so both ways of cloning are shown."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import Json, StepPlan
from roundel.domain.runners import CheckoutOrder
from tests.cache import CACHE
from tests.fake_server import an_order
from tests.repositories import git, make_repository


@pytest.fixture(params=["seen from inside", "cloned by the runner"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if request.param == "cloned by the runner":
        yield make_repository(tmp_path / "repository")
        return
    place = CACHE / f"repository-{os.getpid()}"
    try:
        yield make_repository(place)
    finally:
        shutil.rmtree(place)


def checkout(**args: Json) -> StepPlan:
    return StepPlan(kind="checkout", name="Checkout code", args=args)


def of(repository: Path | str, revision: str, **refs: str) -> CheckoutOrder:
    return CheckoutOrder(repository_url=str(repository), revision=revision, **refs)


LOOK = "cat file; echo; git rev-parse HEAD; git status -sb | head -1; git remote get-url origin"


async def test_a_branch_is_checked_out_at_its_commit(run_job, repository):
    head = git(repository, "rev-parse", "main")
    told = await run_job(an_order(checkout(), LOOK, checkout=of(repository, head, branch="main")))
    assert told.result.status is ExecutionStatus.SUCCESS, told.log()
    assert told.output(3) == f"two\n{head}\n## main\n{repository}\n"


async def test_a_tag_is_checked_out_without_a_branch(run_job, repository):
    first = git(repository, "rev-parse", "v1")
    order = of(f"file://{repository}", first, tag="v1")
    told = await run_job(an_order(checkout(), LOOK + "; git describe --tags", checkout=order))
    assert told.output(3) == f"one\n{first}\n## HEAD (no branch)\n{repository}\nv1\n"


async def test_a_second_checkout_brings_the_repository_up_to_date(run_job, repository):
    head = git(repository, "rev-parse", "main")
    told = await run_job(
        an_order(
            checkout(),
            "git checkout -q v1; echo dirty > file; echo kept > other",
            checkout(),
            "cat file other",
            checkout=of(repository, head, branch="main"),
        )
    )
    assert told.result.status is ExecutionStatus.SUCCESS, told.log()
    assert told.output(5) == "twokept\n"


async def test_a_folder_with_other_things_in_it_is_refused(run_job, repository):
    head = git(repository, "rev-parse", "main")
    told = await run_job(
        an_order("echo x > mine", checkout(), checkout=of(repository, head, branch="main"))
    )
    assert told.result.status is ExecutionStatus.FAILED
    assert "is not empty and is not a git repository" in told.output(3)


async def test_checkout_goes_where_path_says(run_job, repository):
    head = git(repository, "rev-parse", "feature/x")
    told = await run_job(
        an_order(
            checkout(path="sub/dir"),
            checkout(path="~/elsewhere"),
            "cat sub/dir/file ~/elsewhere/file",
            checkout=of(repository, head, branch="feature/x"),
        )
    )
    assert told.output(4) == "oneone", told.log()


async def test_a_commit_that_is_not_there_is_told(run_job, repository):
    told = await run_job(an_order(checkout(), checkout=of(repository, "1" * 40, branch="main")))
    assert told.result.status is ExecutionStatus.FAILED
    assert "failed" in told.output(2) or "Cannot find commit" in told.output(2)


async def test_names_cannot_smuggle_commands(run_job, repository, tmp_path):
    head = git(repository, "rev-parse", "main")
    branch = "x';touch${IFS}" + str(tmp_path / "hacked") + ";'"
    told = await run_job(an_order(checkout(), checkout=of(repository, head, branch=branch)))
    assert not (tmp_path / "hacked").exists()
    assert told.result is not None


@pytest.mark.parametrize("method", ["full", "blobless", "shallow"])
async def test_each_method_brings_the_commit(run_job, repository, method):
    head = git(repository, "rev-parse", "main")
    order = of(repository, head, branch="main")
    told = await run_job(an_order(checkout(method=method), "cat file", checkout=order))
    assert told.output(3) == "two", told.log()


async def test_without_a_repository_checkout_says_so(run_job):
    told = await run_job(an_order(checkout()))
    assert "nothing to check out" in told.output(2)


async def test_a_repository_that_git_cannot_read_is_told(run_job, repository):
    head = git(repository, "rev-parse", "main")
    told = await run_job(
        an_order("mkdir .git", checkout(), checkout=of(repository, head, branch="main"))
    )
    assert told.result.status is ExecutionStatus.FAILED
    assert "Git cannot use the repository" in told.output(3)


async def test_a_file_in_the_place_of_the_folder_is_told(run_job, repository):
    head = git(repository, "rev-parse", "main")
    order = of(repository, head, branch="main")
    told = await run_job(an_order("touch there", checkout(path="there"), checkout=order))
    assert 'Cannot make the folder "there"' in told.output(3)
