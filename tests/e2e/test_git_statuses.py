"""How jobs and workflows end is shown at the host, in requests that its published API takes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import git_messages as sent
from tests import published_github
from tests.e2e.server import Server, end_processes_of
from tests.e2e.site import Project, Site
from tests.git_messages import SECRET, ZERO
from tests.recording_host import Asked, RecordingHost, recording_host

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 2.1
jobs:
  good:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: "true"}]
  bad:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: "false"}]
workflows:
  main: {jobs: [good, bad]}
"""
TOKEN = "ghp_only-for-the-host"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("statuses")
    options = ("--backend", "process", "--slots", "2", "--allow-private-addresses")
    server = Server(folder / "data", *options).start()
    try:
        with server.client() as client:
            yield Site("process", server, client, folder)
    finally:
        if server.alive:
            server.stop()
        end_processes_of(folder)


@pytest.fixture
def host() -> Iterator[RecordingHost]:
    with recording_host() as started:
        yield started


def pushed(site: Site, host: RecordingHost, provider: str, **secrets: str) -> tuple[Project, str]:
    """Connect a new project to the host and have that tell of a push; return its commit."""
    project = site.project(CONFIG)
    body = {"provider": provider, "api_url": host.url, "webhook_secret": SECRET, **secrets}
    path = f"/api/roundel/project/{project.slug}/connection"
    made = site.client.request("POST", path, body=body)
    assert made.status == 201, made
    revision = project.repository.git("rev-parse", "HEAD")
    message = {
        "github": lambda: sent.github("push", sent.github_push(before=ZERO, after=revision)),
        "gitea": lambda: sent.gitea("push", sent.github_push(before=ZERO, after=revision)),
        "gitlab": lambda: sent.gitlab(sent.gitlab_push(before=ZERO, after=revision)),
        "bitbucket": lambda: sent.bitbucket(
            "repo:push", sent.bitbucket_push(sent.bitbucket_change("main", None, revision))
        ),
        "bitbucket-dc": lambda: sent.bitbucket_dc(
            "repo:refs_changed", sent.dc_push(old=ZERO, new=revision)
        ),
    }[provider]
    headers, raw = message()
    url = f"/api/roundel/git/{made.json()['id']}"
    answer = site.client.request("POST", url, raw=raw, headers=headers, auth="none")
    assert answer.status == 202, answer
    return project, revision


def last_of(asked: list[Asked], name: str, state: str) -> dict[str, str]:
    """The last state that was sent of each context."""
    return {it.body[name]: it.body[state] for it in asked if it.body and name in it.body}


CASES = [
    ("github", "context", "state", ("success", "failure"), r"/repos/acme/web/statuses/{}"),
    ("gitea", "context", "state", ("success", "failure"), r"/api/v1/repos/acme/web/statuses/{}"),
    (
        "gitlab",
        "name",
        "state",
        ("success", "failed"),
        r"/api/v4/projects/acme%2Ftools%2Fweb/statuses/{}",
    ),
    (
        "bitbucket",
        "name",
        "state",
        ("SUCCESSFUL", "FAILED"),
        r"/2.0/repositories/acme/web/commit/{}/statuses/build",
    ),
    (
        "bitbucket-dc",
        "name",
        "state",
        ("SUCCESSFUL", "FAILED"),
        r"/rest/api/latest/projects/ACME/repos/web/commits/{}/builds",
    ),
]


@pytest.mark.parametrize(("provider", "name", "state", "words", "path"), CASES)
def test_jobs_and_workflows_are_shown_beside_the_commit(
    site: Site,
    host: RecordingHost,
    provider: str,
    name: str,
    state: str,
    words: tuple[str, str],
    path: str,
) -> None:
    project, revision = pushed(site, host, provider, token=TOKEN)
    good, bad = words
    wanted = {"ci/circleci: good": good, "ci/circleci: bad": bad, "main": bad}
    asked = host.wait_until(lambda them: last_of(them, name, state) == wanted)
    assert {it.path for it in asked} == {path.format(revision)}
    assert all(TOKEN in "".join(it.headers.values()) for it in asked)
    links = {it.body.get("target_url") or it.body.get("url") for it in asked}
    slug = project.slug.replace("gh/", "github/")
    assert all(link.startswith(f"{site.server.url}/pipelines/{slug}/1/") for link in links)
    assert TOKEN not in site.server.log


@pytest.mark.npm
def test_what_an_app_asks_of_github_is_what_its_published_description_takes(
    site: Site, host: RecordingHost, tmp_path: Path
) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
    host.answers = {
        "/installation": {"id": 41},
        "/access_tokens": {"token": "ghs_of-the-installation"},
        "/check-runs": {"id": 5, "total_count": 0, "check_runs": []},
    }
    pushed(site, host, "github", app_id="12345", private_key=pem)
    asked = host.wait_until(
        lambda them: any(it.body and it.body.get("conclusion") == "failure" for it in them)
    )
    first, second = asked[:2]
    assert (first.method, first.path) == ("GET", "/repos/acme/web/installation")
    assert (second.method, second.path) == ("POST", "/app/installations/41/access_tokens")
    published_github.is_taken(second)
    written = [it for it in asked[2:] if it.method in ("POST", "PATCH")]
    assert written
    for it in written:
        assert it.headers["authorization"] == "Bearer ghs_of-the-installation"
        published_github.is_taken(it)
    names = {it.body.get("name") or it.body["context"] for it in written}
    assert names == {"main", "ci/circleci: good", "ci/circleci: bad"}
