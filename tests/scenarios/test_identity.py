"""Identity tokens (OpenID Connect): checked as a verifier would, with nothing but the issuer."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import KeySet

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import SECOND
from roundel.domain.errors import Invalid, NotAllowed
from roundel.domain.ids import OrganizationId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.oidc import KEY_LIFETIME, KEY_NOTICE
from roundel.domain.pipelines import Ref
from roundel.domain.plan import Plan
from roundel.domain.runners import JobOrder, Result
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.builders import a_job_plan, a_plan
from tests.scenarios.conftest import House
from tests.scenarios.test_contexts import plan_with
from tests.waiting import until

NAMES = ("CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2")


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


def path_of(house: House, url: str) -> str:
    own = house.engine.addresses.public_url
    assert url.startswith(own)
    return url.removeprefix(own)


async def document(house: House, client: Client, issuer: str) -> Any:
    anybody = Client(client.api)
    path = path_of(house, issuer) + "/.well-known/openid-configuration"
    answer = await anybody.get(path)
    assert answer.status == 200, answer
    return answer.json()


async def keys_of(house: House, client: Client, issuer: str) -> Answer:
    found = await document(house, client, issuer)
    assert found["issuer"] == issuer
    return await Client(client.api).get(path_of(house, found["jwks_uri"]))


async def checked(house: House, client: Client, token: str) -> dict[str, Any]:
    """Return a token's claims as a verifier sees them that knows its issuer alone."""
    payload = token.split(".")[1]

    unverified = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    keys = (await keys_of(house, client, unverified["iss"])).json()
    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"])
    return decoded.claims


async def ordered(house: House, plan: Plan | None = None, ref: Ref | None = None) -> JobOrder:
    await house.trigger(plan or a_plan("build"), ref=ref)
    order = await house.runner.claim()
    assert order is not None
    return order


async def test_both_tokens_tell_who_the_job_is(house: House, client: Client) -> None:
    order = await ordered(house)
    first, second = (order.environment[name] for name in NAMES)
    old, new = await checked(house, client, first), await checked(house, client, second)
    organization, project = house.project.organization.id, house.project.id
    subject = f"org/{organization}/project/{project}/user/{house.admin.id}"
    assert old["sub"] == subject
    assert new["sub"] == f"{subject}/vcs-origin/gh/acme/web/vcs-ref/refs/heads/main"
    assert old["iss"] == f"{house.engine.addresses.public_url}/oidc/org/{organization}"
    assert old["aud"] == organization
    now = house.clock.now() // SECOND
    assert (old["iat"], old["nbf"], old["exp"]) == (now, now, now + 3600)
    assert old["jti"] != new["jti"]
    mine = {name.partition("/")[2]: value for name, value in new.items() if "/" in name}
    assert mine == {
        "project-id": project,
        "context-ids": [],
        "vcs-origin": "gh/acme/web",
        "vcs-ref": "refs/heads/main",
        "ssh-rerun": False,
        "job-id": order.job_id,
        "pipeline-id": order.environment["CIRCLE_PIPELINE_ID"],
        "workflow-id": order.environment["CIRCLE_WORKFLOW_ID"],
    }


async def test_a_token_names_the_contexts_of_its_job(house: House, client: Client) -> None:
    made = await client.post("/api/v2/context", {"name": "prod", "owner": {"slug": "gh/acme"}})
    order = await ordered(house, plan_with("prod"))
    claims = await checked(house, client, order.environment[NAMES[1]])
    assert claims["oidc.circleci.com/context-ids"] == [made.json()["id"]]


async def test_no_job_waits_for_the_first_key(house: House) -> None:
    async def made() -> bool:
        return len(await house.rows("SELECT id FROM signing_key")) == 1

    await until(made)
    keys = await house.rows("SELECT id FROM signing_key")
    await house.trigger()
    await house.runner.run_all()
    assert await house.rows("SELECT id FROM signing_key") == keys


async def test_local_runs_have_no_tokens(tmp_path: Path) -> None:
    house = House(tmp_path / "local", identity_tokens=False)
    await house.open()
    order = await ordered(house)
    assert not set(NAMES) & set(order.environment)
    with pytest.raises(NotAllowed, match="local runs"):
        await house.engine.runners.identity_token(order.lease, {}, False)
    await house.engine.stop()


async def test_tokens_are_hidden_in_output(house: House) -> None:
    order = await ordered(house)
    assert {order.environment[name] for name in NAMES} <= set(order.masks)
    assert all(order.environment[name] not in repr(order.masks) for name in NAMES)


async def test_a_value_that_the_job_sets_itself_stays(house: House) -> None:
    own = a_job_plan(environment={NAMES[0]: "mine"})
    order = await ordered(house, a_plan("build", build=own))
    assert order.environment[NAMES[0]] == "mine"
    assert order.environment[NAMES[1]].count(".") == 2


async def test_forks_get_no_token_unless_the_project_passes_secrets(house: House) -> None:
    house.repositories.branches.add("pull/7/head")
    fork = Ref(branch="pull/7/head")
    order = await ordered(house, ref=fork)
    assert not set(NAMES) & set(order.environment)
    with pytest.raises(NotAllowed, match="fork"):
        await house.engine.runners.identity_token(order.lease, {}, False)
    settings = {"forks_receive_secret_env_vars": True}
    await house.use.change_project_settings(house.project, settings, house.admin)
    assert set(NAMES) <= set((await ordered(house, ref=fork)).environment)


async def test_a_runner_that_comes_back_gets_the_same_tokens(house: House) -> None:
    order = await ordered(house)
    house.clock.forward(20 * SECOND)
    await house.use.oidc.rotate_signing_key()
    resumed = await house.engine.runners.resume(order.lease)
    assert resumed is not None
    assert resumed.order == order


async def test_a_job_asks_for_a_token_with_an_audience_of_its_own(
    house: House, client: Client
) -> None:
    order = await ordered(house)
    server = house.engine.runners
    async with house.unwatched():
        house.clock.forward(1800 * SECOND)
        token = await server.identity_token(order.lease, {"aud": "sts.example"}, False)
        several = await server.identity_token(order.lease, {"aud": ["a", "b"]}, True)
    claims = await checked(house, client, token)
    assert claims["aud"] == "sts.example"
    assert claims["iat"] == house.clock.now() // SECOND
    assert claims["sub"].endswith("/vcs-ref/refs/heads/main")
    claims = await checked(house, client, several)
    assert claims["aud"] == ["a", "b"]
    assert claims["iss"] == f"{house.engine.addresses.public_url}/oidc"


@pytest.mark.parametrize(
    "claims",
    [{"sub": "somebody"}, {"aud": 7}, {"aud": [""]}, {"aud": []}, {"iss": "x", "aud": "a"}],
)
async def test_no_other_claim_can_be_chosen(house: House, claims: dict[str, object]) -> None:
    order = await ordered(house)
    with pytest.raises(Invalid):
        await house.engine.runners.identity_token(order.lease, claims, False)


async def test_another_key_and_another_algorithm_do_not_pass(house: House, client: Client) -> None:
    from joserfc.jwk import OctKey, RSAKey

    order = await ordered(house)
    token = order.environment[NAMES[0]]
    claims = await checked(house, client, token)
    issuer = claims["iss"]
    published = (await keys_of(house, client, issuer)).json()
    keys = KeySet.import_key_set(published)
    kid = published["keys"][0]["kid"]
    forged = jwt.encode({"alg": "RS256", "kid": kid}, claims, RSAKey.generate_key(2048))
    with pytest.raises(BadSignatureError):
        jwt.decode(forged, keys, algorithms=["RS256"])
    weak = jwt.encode({"alg": "HS256", "kid": kid}, claims, OctKey.generate_key(256))
    with pytest.raises(JoseError):
        jwt.decode(weak, keys, algorithms=["RS256"])


async def test_a_fresh_key_signs_and_tokens_of_the_one_before_stay_good(
    house: House, client: Client
) -> None:
    before = (await ordered(house)).environment[NAMES[0]]
    answer = await client.post("/api/roundel/signing-key/rotate")
    assert answer.status == 200, answer
    house.clock.forward(1 * SECOND)
    after = (await ordered(house)).environment[NAMES[0]]
    assert header_of(before)["kid"] != header_of(after)["kid"]
    assert header_of(after)["kid"] in answer.json()["message"]
    for token in (before, after):
        await checked(house, client, token)


def header_of(token: str) -> Any:

    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))


async def test_keys_change_by_themselves_with_an_overlap(house: House, client: Client) -> None:
    issuer = f"{house.engine.addresses.public_url}/oidc"
    order = await ordered(house)
    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))
    [first] = (await keys_of(house, client, issuer)).json()["keys"]
    house.clock.forward(KEY_LIFETIME - KEY_NOTICE)
    published = (await keys_of(house, client, issuer)).json()["keys"]
    assert len(published) == 2
    assert header_of((await ordered(house)).environment[NAMES[0]])["kid"] == first["kid"]
    house.clock.forward(KEY_NOTICE)
    assert header_of((await ordered(house)).environment[NAMES[0]])["kid"] != first["kid"]
    house.clock.forward(KEY_LIFETIME)
    left = (await keys_of(house, client, issuer)).json()["keys"]
    assert first["kid"] not in {key["kid"] for key in left}


async def test_keys_may_be_kept_for_an_hour_and_show_no_private_half(
    house: House, client: Client
) -> None:
    issuer = f"{house.engine.addresses.public_url}/oidc/org/{house.project.organization.id}"
    answer = await keys_of(house, client, issuer)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "n", "e", "use", "alg", "kid"}
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert "PRIVATE KEY" not in str(await house.rows("SELECT * FROM signing_key"))


async def test_an_issuer_that_is_none_is_not_found(client: Client) -> None:
    for name in ("018e2d5f-0000-7000-8000-00000000ffff", "acme"):
        answer = await Client(client.api).get(f"/oidc/org/{name}/.well-known/jwks-pub.json")
        assert answer.status == 404


# -- claims that people choose --


def claims_of(house: House, *, project: bool = False) -> str:
    organization = f"/api/v2/org/{house.project.organization.id}"
    return f"{organization}{f'/project/{house.project.id}' if project else ''}/oidc-custom-claims"


async def patch(client: Client, path: str, body: object) -> Answer:
    raw = json.dumps(body).encode()
    return await client.send("PATCH", path, raw, {"content_type": "application/json"})


async def test_chosen_claims_are_in_tokens_and_the_projects_go_first(
    house: House, client: Client
) -> None:
    of_org, of_project = claims_of(house), claims_of(house, project=True)
    answer = await patch(client, of_org, {"audience": ["a", "b"], "ttl": "2h"})
    assert answer.status == 200, answer
    assert (await patch(client, of_project, {"audience": ["mine"]})).status == 200
    claims = await checked(house, client, (await ordered(house)).environment[NAMES[0]])
    assert (claims["aud"], claims["exp"] - claims["iat"]) == ("mine", 7200)
    cleared = await client.send("DELETE", of_project + "?claims=audience,ttl")
    assert cleared.json() == {
        "org_id": house.project.organization.id,
        "project_id": house.project.id,
    }
    claims = await checked(house, client, (await ordered(house)).environment[NAMES[0]])
    assert claims["aud"] == ["a", "b"]


async def test_claims_are_shown_with_the_time_of_their_change(house: House, client: Client) -> None:
    path = claims_of(house)
    assert (await client.get(path)).json() == {"org_id": house.project.organization.id}
    await patch(client, path, {"ttl": "30m"})
    shown = (await client.get(path)).json()
    assert shown["ttl"] == "30m"
    assert shown["ttl_updated_at"].endswith("Z")
    assert "audience" not in shown


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"ttl": "1y"}, "ttl"),
        ({"ttl": "1s"}, "ttl"),
        ({"audience": []}, "audience"),
        ({"audience": [""]}, "audience"),
        ({"audience": "a"}, "audience"),
    ],
)
async def test_claims_that_make_no_sense_are_refused_under_error(
    house: House, client: Client, body: object, why: str
) -> None:
    answer = await patch(client, claims_of(house), body)
    assert answer.status == 400
    assert set(answer.json()) == {"error"}
    assert why in answer.json()["error"]


async def test_mistakes_in_the_path_and_the_query_are_told_under_error(
    house: House, client: Client
) -> None:
    answer = await client.get("/api/v2/org/acme/oidc-custom-claims")
    assert (answer.status, answer.json()) == (400, {"error": "OrgID: must be a valid UUID."})
    for query in ("", "?claims=", "?claims=sub"):
        answer = await client.send("DELETE", claims_of(house) + query)
        assert (answer.status, set(answer.json())) == (400, {"error"})


async def test_tokens_outlive_a_new_master_key(tmp_path: Path) -> None:
    alone = House(tmp_path / "alone")
    await alone.open()
    order = await ordered(alone)
    await alone.engine.rotate_master_key()
    await alone.restart()
    resumed = await alone.engine.runners.resume(order.lease)
    assert resumed is not None
    assert resumed.order == order
    await alone.engine.stop()


async def test_an_organization_that_is_not_there_has_no_claims(client: Client) -> None:
    nobody = OrganizationId("018e2d5f-0000-7000-8000-00000000ffff")
    answer = await client.get(f"/api/v2/org/{nobody}/oidc-custom-claims")
    assert (answer.status, set(answer.json())) == (403, {"error"})
