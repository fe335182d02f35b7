"""What opens a private repository: to the server and to jobs, and to a fork's job nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from roundel.domain.checkout_keys import KeyType
from roundel.domain.repositories import Access
from roundel.domain.runners import CheckoutOrder, CheckoutPassword, JobOrder, Secret
from roundel.services.access import at_host
from roundel.services.checkout_keys import add_checkout_key
from tests import git_messages as sent
from tests.git_messages import Sent
from tests.recording_host import RecordingHost, recording_host
from tests.scenarios.conftest import House
from tests.scenarios.hosted import Hosted, hosted

TOKEN = "ghs_for-an-hour"
OPENS = Access(username="x-access-token", password=Secret(TOKEN))


@pytest.fixture
def api() -> Iterator[RecordingHost]:
    with recording_host() as started:
        started.answers = {"/installation": {"id": 41}, "/access_tokens": {"token": TOKEN}}
        yield started


@pytest.fixture
async def private(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "data", allow_private_addresses=True)
    await house.open()
    yield house
    await house.engine.stop()


async def connected(house: House, api: RecordingHost, **secrets: str) -> Hosted:
    address = api.url.replace("http://", "https://")
    return await hosted(house, repository=f"{address}/acme/web.git", api_url=api.url, **secrets)


def an_app() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return {"app_id": "12345", "private_key": pem.decode()}


async def order_of(host: Hosted, event: str, body: object) -> JobOrder:
    """Have the host tell of something; the order of the job of it."""
    answer = await host.send(sent.github(event, body, id_=event))
    assert answer.status == 202, answer
    order = await host.house.runner.claim()
    assert order is not None and order.checkout is not None
    return order


async def checkout_of(host: Hosted, event: str, body: object) -> CheckoutOrder:
    """Have the host tell of something; what the job of it is given for its checkout."""
    order = await order_of(host, event, body)
    assert order.checkout is not None
    given = await host.house.engine.runners.checkout_password(order.lease)
    assert (given.password, given.away) == (None, "")
    return order.checkout


async def test_an_app_opens_the_repository_to_the_server_and_to_its_jobs(
    private: House, api: RecordingHost
) -> None:
    host = await connected(private, api, **an_app())
    body = sent.github_push(repository={**sent.GITHUB_REPOSITORY, "clone_url": _url(host)})
    order = await order_of(host, "push", body)
    assert set(private.repositories.opened) == {OPENS}
    checkout = order.checkout
    assert checkout is not None and checkout.password is None and checkout.password_on_request
    assert checkout.repository_url == _url(host)
    given = await private.engine.runners.checkout_password(order.lease)
    assert given == CheckoutPassword(username="x-access-token", password=Secret(TOKEN))
    assert TOKEN not in await private.dump()


async def test_a_token_that_does_more_than_to_read_stays_with_the_server(
    private: House, api: RecordingHost
) -> None:
    host = await connected(private, api, token="ghp_may-do-everything")
    body = sent.github_push(repository={**sent.GITHUB_REPOSITORY, "clone_url": _url(host)})
    checkout = await checkout_of(host, "push", body)
    opened = {it.password for it in private.repositories.opened if it}
    assert opened == {"ghp_may-do-everything"}
    assert (checkout.password, checkout.ssh_key) == (None, None)


async def test_s3_a_forks_job_gets_nothing_that_opens_the_repository(
    private: House, api: RecordingHost
) -> None:
    host = await connected(private, api, **an_app())
    await private.use.add_checkout_key(host.project, KeyType.DEPLOY)
    await host.settings(build_fork_prs=True)
    body = sent.github_pull(fork=True)
    body["repository"] = {**body["repository"], "clone_url": _url(host)}
    checkout = await checkout_of(host, "pull_request", body)
    assert set(private.repositories.opened) == {OPENS}  # the config is read all the same
    assert (checkout.password, checkout.ssh_key) == (None, None)


async def test_a_repository_elsewhere_is_not_opened_with_the_connections_token(
    private: House, api: RecordingHost
) -> None:
    host = await hosted(
        private, repository="https://elsewhere.example/acme/web.git", api_url=api.url, token="t"
    )
    place = "https://elsewhere.example/acme/web.git"
    body = sent.github_push(repository={**sent.GITHUB_REPOSITORY, "clone_url": place})
    checkout = await checkout_of(host, "push", body)
    assert set(private.repositories.opened) == {None}
    assert checkout.password is None


async def test_a_host_that_refuses_a_password_leaves_the_job_to_try_without(
    private: House, api: RecordingHost
) -> None:
    api.refusals = [(403, {})] * 20
    host = await connected(private, api, **an_app())
    body = sent.github_push(repository={**sent.GITHUB_REPOSITORY, "clone_url": _url(host)})
    await checkout_of(host, "push", body)


async def test_a_host_in_trouble_is_told_to_the_job_that_may_ask_again(
    private: House, api: RecordingHost
) -> None:
    api.refusals = [(502, {})] * 20
    host = await connected(private, api, **an_app())
    body = sent.github_push(repository={**sent.GITHUB_REPOSITORY, "clone_url": _url(host)})
    order = await order_of(host, "push", body)
    assert {it.problem for it in private.repositories.opened if it} == {
        f"GET {api.url}/repos/acme/web/installation answers with status 502"
    }
    given = await private.engine.runners.checkout_password(order.lease)
    assert given.password is None
    assert given.away.endswith("/repos/acme/web/installation answers with status 502")


async def test_a_host_that_never_answers_keeps_no_claim_and_no_other_job_waiting(
    private: House,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:  # nobody accepts
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        address = url.replace("http:", "https:")
        host = await hosted(
            private, repository=f"{address}/acme/web.git", api_url=f"{url}/api/v3", **an_app()
        )
        body = sent.github_push(repository={**sent.GITHUB_REPOSITORY, "clone_url": _url(host)})
        # What reads the config asks the host as well, so there is one that was read before.
        private.repositories.local = True
        order = await order_of(host, "push", body)
        asking = asyncio.create_task(private.engine.runners.checkout_password(order.lease))
        await private.trigger()
        second = await private.runner.claim()
        assert second is not None and second.job_id != order.job_id
        assert not asking.done()
        asking.cancel()
        place = await private.engine.database.write(
            lambda tx: at_host(tx, host.project, private.engine)
        )
        assert place is not None
        given = await place.password_of_job(seconds=0.01)
        assert given.away == "the host does not answer within 0.01 s"


GITEA_PUSH = sent.github_push(
    repository={**sent.GITHUB_REPOSITORY, "clone_url": "https://git.example/acme/web.git"}
)


@pytest.mark.parametrize(
    ("provider", "name", "message"),
    [
        ("github", "github.com:acme/web", sent.github("push", sent.github_push())),
        ("gitlab", "gitlab.com:acme/tools/web", sent.gitlab(sent.gitlab_push())),
        (
            "bitbucket",
            "bitbucket.org:acme/web",
            sent.bitbucket("repo:push", sent.bitbucket_push(sent.bitbucket_change())),
        ),
        ("gitea", "git.example:acme/web", sent.gitea("push", GITEA_PUSH)),
    ],
)
async def test_with_a_key_a_job_clones_over_ssh_where_its_host_has_the_usual_port(
    private: House, provider: str, name: str, message: Sent
) -> None:
    repository = f"https://{name.replace(':', '/')}.git"
    host = await hosted(private, provider, repository=repository, token="may-do-everything")
    # Made as long as there was no connection that could have put it at the host.
    await add_checkout_key(host.project, KeyType.DEPLOY, private.engine)
    await host.send(message)
    order = await private.runner.claim()
    assert order is not None and order.checkout is not None
    assert order.checkout.repository_url == f"git@{name}.git"
    assert "PRIVATE KEY" in str(order.checkout.ssh_key)
    assert order.checkout.password is None


async def test_an_apps_token_goes_before_a_checkout_key(private: House, api: RecordingHost) -> None:
    host = await connected(private, api, **an_app())
    await private.use.add_checkout_key(host.project, KeyType.DEPLOY)
    body = sent.github_push(repository={**sent.GITHUB_REPOSITORY, "clone_url": _url(host)})
    order = await order_of(host, "push", body)
    assert order.checkout is not None
    assert order.checkout.repository_url == _url(host)
    given = await private.engine.runners.checkout_password(order.lease)
    assert given.password == TOKEN


# What each host documents: where a deploy key (an access key) is added, and how it only reads.
DEPLOY_KEYS = [
    (
        *("gitlab", "acme/tools/web.git", "/api/v4/projects/acme%2Ftools%2Fweb/deploy_keys"),
        ("private-token", "may-do-all"),
        lambda title, key: {"title": title, "key": key, "can_push": False},
    ),
    (
        *("gitea", "acme/web.git", "/api/v1/repos/acme/web/keys"),
        ("authorization", "token may-do-all"),
        lambda title, key: {"title": title, "key": key, "read_only": True},
    ),
    (
        *("bitbucket", "acme/web.git", "/2.0/repositories/acme/web/deploy-keys"),
        ("authorization", "Bearer may-do-all"),
        lambda title, key: {"label": title, "key": key},
    ),
    (
        *("bitbucket-dc", "scm/acme/web.git", "/rest/keys/latest/projects/acme/repos/web/ssh"),
        ("authorization", "Bearer may-do-all"),
        lambda title, key: {"key": {"text": key, "label": title}, "permission": "REPO_READ"},
    ),
]


@pytest.mark.parametrize(("provider", "repository", "path", "proof", "body"), DEPLOY_KEYS)
async def test_a_checkout_key_is_put_at_each_kind_of_host_and_only_reads(
    private: House,
    api: RecordingHost,
    caplog: pytest.LogCaptureFixture,
    provider: str,
    repository: str,
    path: str,
    proof: tuple[str, str],
    body: Callable[[str, str], object],
) -> None:
    url = f"{api.url.replace('http:', 'https:')}/{repository}"
    host = await hosted(private, provider, repository=url, api_url=api.url, token="may-do-all")
    where = "/api/v2/project/gh/acme/hosted/checkout-key"
    key = await host.own.post(where, {"type": "deploy-key"})
    assert key.status == 201, key
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", path)
    assert asked.headers[proof[0]] == proof[1]
    public = key.json()["public-key"].strip()
    assert asked.body == body("roundel gh/acme/hosted", public)
    assert "PRIVATE" not in str(asked)
    for refusal in (400, 403, 404, 409, 422, 503):
        api.refusals = [(refusal, {})]
        again = await host.own.post(where, {"type": "deploy-key"})
        assert again.status == 201  # somebody can put it there by hand
        assert f"status {refusal}" in caplog.text
    assert "may-do-all" not in caplog.text


def _url(host: Hosted) -> str:
    return host.project.repository_url
