"""Images of Google's registries, pulled with what `gcp_auth` of a job brings."""

import json
from collections.abc import Iterator

import pytest

from roundel.backends.docker import DockerBackend, parse_image_rule
from roundel.backends.docker.gar import gar_login
from roundel.backends.docker.logins import login_for
from roundel.backends.protocol import CannotOpen
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ImagePlan
from tests.engine import Engine
from tests.fake_aws import LOGIN as AMAZON_LOGIN
from tests.fake_aws import fake_aws
from tests.fake_google import LOGIN, POOLED, FakeGoogle, fake_google
from tests.fake_server import FakeServer, Told, an_order
from tests.registry import registry
from tests.unit.runner.conftest import a_runner

IMAGE = "europe-west3-docker.pkg.dev/acme/images/app:1"
POOL = "projects/123456/locations/global/workloadIdentityPools/circleci"
AUTH = {
    "oidc_service_account": "puller@acme.iam.gserviceaccount.com",
    "workload_identity_pool": POOL,
    "workload_identity_provider": "circleci-oidc",
}
TOKEN = {"CIRCLE_OIDC_TOKEN_V2": "e.y.J"}
PULLED = "it has no /bin/sh"  # the registry's image was there, and this is all that is in it
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ASKED = [
    ("token", f"//iam.googleapis.com/{POOL}/providers/circleci-oidc", "e.y.J"),
    (
        "/v1/projects/-/serviceAccounts/puller@acme.iam.gserviceaccount.com:generateAccessToken",
        f"Bearer {POOLED}",
        SCOPE,
    ),
]


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGoogle]:
    with fake_google() as fake:
        for service in ("STS", "IAMCREDENTIALS"):
            monkeypatch.setenv(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service}", fake.url + "/")
        yield fake


async def pulled(
    engine: Engine, folder, login: str, auth: dict[str, str] | None, environment: dict[str, str]
) -> Told:
    """Return what became of a job in the registry's image."""
    server = FakeServer()
    with registry(login=login) as name:
        backend = DockerBackend(url=engine.url, image_map=[parse_image_rule(f"{IMAGE}={name}")])
        async with a_runner(server, folder, backend=backend):
            plan = ImagePlan(image=IMAGE, environment={}, auth=auth)
            told = server.submit(an_order("true", images=[plan], environment=environment))
            await told.ended.wait()
    return told


@pytest.mark.e2e
@pytest.mark.docker
async def test_the_jobs_identity_opens_the_registry_through_the_service_account(
    engine, google, tmp_path
):
    auth = {**AUTH, "workload_identity_pool": "$POOL"}
    told = await pulled(engine, tmp_path, LOGIN, auth, {**TOKEN, "POOL": POOL})
    assert PULLED in told.output(0), told.log()
    assert google.asked == ASKED


@pytest.mark.e2e
@pytest.mark.docker
async def test_the_key_of_a_service_account_opens_it_as_a_password(engine, tmp_path):
    key = json.dumps({"type": "service_account", "private_key": "-----BEGIN\n$X"}, indent=2)
    auth = {"username": "_json_key", "password": "$GCLOUD_SERVICE_KEY"}
    variables = {"GCLOUD_SERVICE_KEY": key}
    told = await pulled(engine, tmp_path, f"_json_key:{key}", auth, variables)
    assert PULLED in told.output(0), told.log()


@pytest.mark.e2e
@pytest.mark.docker
async def test_an_identity_that_google_refuses_is_the_users_affair(engine, google, tmp_path):
    told = await pulled(engine, tmp_path, LOGIN, AUTH, {"CIRCLE_OIDC_TOKEN_V2": "e.y.Other"})
    assert told.result.status is ExecutionStatus.FAILED
    assert "Google says 400: The given credential is rejected by the" in told.output(0)
    assert told.output(0).count("\n") == 1


@pytest.mark.parametrize(
    ("name", "auth", "token", "why"),
    [
        (IMAGE, {**AUTH, "oidc_service_account": ""}, TOKEN, "oidc_service_account of gcp_auth is"),
        (IMAGE, AUTH, {}, "needs CIRCLE_OIDC_TOKEN_V2"),
        (IMAGE, {**AUTH, "workload_identity_pool": "circleci"}, TOKEN, "the pool's whole name"),
        (IMAGE, {**AUTH, "workload_identity_provider": "a/b"}, TOKEN, "provider's ID alone"),
        ("registry.example.org/app:1", AUTH, TOKEN, "gcp_auth is for images named"),
        ("evil.example/eu-docker.pkg.dev/app", AUTH, TOKEN, "gcp_auth is for images named"),
    ],
)
async def test_what_brings_no_login_is_told_and_nobody_is_asked(google, name, auth, token, why):
    with pytest.raises(CannotOpen, match=why) as told:
        await gar_login(name, auth, token)
    assert not told.value.infrastructure
    assert google.asked == []


async def test_an_account_that_the_identity_may_not_be_is_told(google):
    auth = {**AUTH, "oidc_service_account": "stranger@acme.iam.gserviceaccount.com"}
    with pytest.raises(CannotOpen, match="Google says 403: Permission 'iam") as told:
        await gar_login(IMAGE, auth, TOKEN)
    assert not told.value.infrastructure


async def test_google_in_trouble_is_asked_again_and_is_no_fault_of_the_job(google, monkeypatch):
    google.failing = [503, 429]
    found = await gar_login(IMAGE, AUTH, TOKEN)
    assert f"{found['username']}:{found['password']}" == LOGIN
    google.failing = [500] * 3
    with pytest.raises(CannotOpen, match="it answers 500") as told:
        await gar_login(IMAGE, AUTH, TOKEN)
    assert told.value.infrastructure
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", "http://127.0.0.1:1")
    with pytest.raises(CannotOpen, match="Can the runner reach Google") as told:
        await gar_login(IMAGE, AUTH, TOKEN)
    assert told.value.infrastructure


async def test_variables_stand_for_credentials_that_the_config_leaves_out(google, monkeypatch):
    variables = {**TOKEN, **{f"GCP_{key.upper()}": value for key, value in AUTH.items()}}
    bare = ImagePlan(image=IMAGE, environment={})
    found = await login_for(IMAGE, bare, variables)
    assert found is not None
    assert f"{found['username']}:{found['password']}" == LOGIN
    assert google.asked == ASKED
    # Not for a mirror that an image map leads to, nor where one of them is missing.
    assert await login_for("mirror.local/app:1", bare, variables) is None
    assert await login_for(IMAGE, bare, {**variables, "GCP_WORKLOAD_IDENTITY_POOL": ""}) is None
    with fake_aws() as aws:
        aws.keys.add("AKIAMINE")
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        name = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app:1"
        keys = {"AWS_ACCESS_KEY_ID": "AKIAMINE", "AWS_SECRET_ACCESS_KEY": "hunter2"}
        found = await login_for(name, ImagePlan(image=name, environment={}), keys)
        assert found is not None
        assert f"{found['username']}:{found['password']}" == AMAZON_LOGIN
        assert await login_for("amazonlinux:2", ImagePlan(image="", environment={}), keys) is None
