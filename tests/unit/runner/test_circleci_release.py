"""`circleci run release` inside a job, in each of the shells that images have."""

import pytest

from roundel.domain.deploys import Release, ReleaseDeed
from tests.unit.runner.circleci_script import Circleci


async def test_a_job_logs_what_it_has_deployed(circleci: Circleci):
    words = ("--component-name=web app", "--environment-name", "prod", "--target-version=1.2")
    code, out, err = await circleci("run", "release", "log", *words, "--namespace=eu")
    assert (code, err) == (0, "")
    assert out == "Logged web app 1.2 in prod.\n"
    assert circleci.released == [
        Release(component="web app", environment="prod", version="1.2", namespace="eu")
    ]


async def test_a_job_plans_a_release_and_tells_how_it_goes(circleci: Circleci):
    words = ("--environment-name=prod", "--component-name", "web", "--target-version=1.2")
    for given in (("up", *words), (*words, "up")):
        assert await circleci("run", "release", "plan", *given) == (
            *(0, "Planned up: web 1.2 in prod.\n"),
            "",
        )
    reason = "--failure-reason=two\nlines"
    code, out, _ = await circleci("run", "release", "update", "up", "--status=failed", reason)
    assert (code, out) == (0, "Updated up: FAILED.\n")
    planned = Release(
        deed=ReleaseDeed.PLAN, plan="up", component="web", environment="prod", version="1.2"
    )
    updated = Release(deed=ReleaseDeed.UPDATE, plan="up", status="failed", reason="two lines")
    assert circleci.released == [planned, planned, updated]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("plan", "--component-name=web"), 1, "the name of the release"),
        (("plan", "up", "down"), 2, "unknown argument down"),
        (("plan", "up", "--status=RUNNING"), 2, "unknown flag --status"),
        (("update", "up"), 1, "--status"),
        (("update", "up", "--status=sleeping"), 1, "PENDING, RUNNING, SUCCESS, FAILED, CANCELED"),
        (("update", "up", "--plan=down"), 2, "unknown flag --plan"),
        (("undo", "up"), 2, "run release update"),
    ],
)
async def test_a_mistake_about_a_release_is_told(
    circleci: Circleci, words: tuple[str, ...], code: int, told: str
):
    ended, out, err = await circleci("run", "release", *words)
    assert (ended, out) == (code, "")
    assert told in err
    assert circleci.released == []


async def test_a_release_without_a_version_is_refused_with_what_is_missing(circleci: Circleci):
    words = ("--component-name=web", "--environment-name=prod")
    code, out, err = await circleci("run", "release", "log", *words)
    assert (code, out) == (1, "")
    assert "--target-version" in err
    assert circleci.released == []
