"""Images of Amazon's registry, pulled with what `aws_auth` of a job brings."""

import sys
from collections.abc import Iterator

import pytest

from roundel.backends.docker import DockerBackend, parse_image_rule
from roundel.backends.docker.ecr import ecr_login
from roundel.backends.protocol import CannotOpen
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ImagePlan
from tests.engine import Engine
from tests.fake_aws import LOGIN, ROLE_KEY, FakeAws, fake_aws
from tests.fake_server import FakeServer, Told, an_order
from tests.registry import registry
from tests.unit.runner.conftest import a_runner

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app:1"
KEYS = {"aws_access_key_id": "AKIAMINE", "aws_secret_access_key": "hunter2hunter2"}
PULLED = "it has no /bin/sh"  # the registry's image was there, and this is all that is in it


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """Amazon for the runner, which has keys of its own that no job is to use."""
    with fake_aws() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHERUNNER")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-runner")
        fake.keys |= {"AKIAMINE", "AKIAOFTHERUNNER"}
        yield fake


async def pulled(engine: Engine, folder, auth: dict[str, str], environment: dict[str, str]) -> Told:
    """Return what became of a job in the registry's image."""
    server = FakeServer()
    with registry(login=LOGIN) as name:
        backend = DockerBackend(url=engine.url, image_map=[parse_image_rule(f"{IMAGE}={name}")])
        async with a_runner(server, folder, backend=backend):
            plan = ImagePlan(image=IMAGE, environment={}, auth=auth)
            order = an_order("true", images=[plan], environment=environment)
            told = server.submit(order)
            await told.ended.wait()
    return told


@pytest.mark.e2e
@pytest.mark.docker
async def test_keys_of_the_project_open_the_registry_of_the_images_region(engine, aws, tmp_path):
    auth = {"aws_access_key_id": "AKIAMINE", "aws_secret_access_key": "$SECRET"}
    told = await pulled(engine, tmp_path, auth, {"SECRET": "hunter2"})
    assert PULLED in told.output(0), told.log()
    assert aws.asked == [("GetAuthorizationToken", "AKIAMINE", "eu-central-1", "ecr")]


@pytest.mark.e2e
@pytest.mark.docker
async def test_keys_that_amazon_does_not_know_are_the_users_affair(engine, aws, tmp_path):
    aws.keys.clear()
    told = await pulled(engine, tmp_path, KEYS, {})
    assert told.result.status is ExecutionStatus.FAILED
    assert "UnrecognizedClientException: The security token included" in told.output(0)
    assert "hunter2" not in told.log()
    assert told.output(0).count("\n") == 1


async def test_a_role_is_opened_by_the_jobs_identity_token(aws):
    role = "arn:aws:iam::123456789012:role/pull"
    found = await ecr_login(IMAGE, {"oidc_role_arn": role}, {"CIRCLE_OIDC_TOKEN_V2": "e.y.J"})
    assert f"{found['username']}:{found['password']}" == LOGIN
    assert aws.asked == [
        ("AssumeRoleWithWebIdentity", role, "e.y.J"),
        ("GetAuthorizationToken", ROLE_KEY, "eu-central-1", "ecr"),
    ]


@pytest.mark.parametrize(
    ("name", "auth", "why"),
    [
        (
            IMAGE,
            {**KEYS, "aws_secret_access_key": ""},
            "aws_secret_access_key of aws_auth is empty",
        ),
        (IMAGE, {"oidc_role_arn": "arn:x"}, "needs CIRCLE_OIDC_TOKEN_V2"),
        ("registry.example.org/app:1", KEYS, "aws_auth is for images named"),
        ("123456789012.dkr.ecr.evil.example/amazonaws.com/app", KEYS, "is for images named"),
        ("123456789012.dkr.ecr.a.b-c-1.amazonaws.com/app", KEYS, "is for images named"),
    ],
)
async def test_what_brings_no_login_is_told_and_the_runners_own_keys_are_not_used(
    aws, name, auth, why
):
    with pytest.raises(CannotOpen, match=why) as told:
        await ecr_login(name, auth, {})
    assert not told.value.infrastructure
    assert aws.asked == []


async def test_a_runner_without_the_library_says_what_to_install(aws, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.delitem(sys.modules, "botocore.session", raising=False)
    with pytest.raises(CannotOpen, match=r"pip install 'roundel\[aws\]'"):
        await ecr_login(IMAGE, KEYS, {})


async def test_amazon_out_of_reach_is_no_fault_of_the_job(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(CannotOpen, match="Can the runner reach AWS") as told:
        await ecr_login(IMAGE, KEYS, {})
    assert told.value.infrastructure
