"""A private repository of a connected host, by real git over https: read, cloned, and shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import git_messages as sent
from tests import published_github
from tests.e2e.private_host import CONFIG, site_trusting
from tests.e2e.repository import Repository
from tests.e2e.site import Site
from tests.git_hosts import http_host
from tests.git_messages import ZERO
from tests.recording_host import RecordingHost
from tests.tls import tls_front

pytestmark = [pytest.mark.e2e, pytest.mark.npm]

TOKEN = "ghs_opens-acme-web-for-an-hour"


@dataclass(frozen=True, slots=True)
class Private:
    """A server, and a host with one private repository that only `TOKEN` opens."""

    site: Site
    api: RecordingHost
    address: str
    repository: Repository


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Private]:
    api = RecordingHost()
    api.answers = {
        "/installation": {"id": 41},
        "/access_tokens": {"token": TOKEN},
        "/check-runs": {"id": 5, "total_count": 0, "check_runs": []},
    }
    opens: dict[str, Any] = {"login": "x-access-token", "password": TOKEN, "api": api}
    with (
        http_host(tmp_path / "host", **opens) as url,
        tls_front(int(url.rpartition(":")[2]), tmp_path / "tls") as front,
    ):
        copy = Repository(tmp_path / "copy", CONFIG)
        copy.git("clone", "--quiet", "--bare", ".", str(tmp_path / "host" / "acme" / "web.git"))
        with site_trusting(front, tmp_path) as site:
            yield Private(site, api, f"https://{front.domain}", copy)


def a_private_key(folder: Path) -> Path:
    file = folder / "app.pem"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return file


def files_with(text: str, folder: Path) -> list[Path]:
    return [it for it in folder.rglob("*") if it.is_file() and text.encode() in it.read_bytes()]


def test_an_apps_token_opens_a_private_repository_and_is_seen_nowhere(private: Private) -> None:
    site, slug = private.site, "gh/acme/web"
    added = site.command("project", "add", slug, "--repo", f"{private.address}/acme/web.git")
    assert added.returncode == 0, added.stderr
    key = a_private_key(site.folder)
    connected = site.command(
        *("connect", "github", slug, "--api-url", f"{private.address}/api/v3"),
        *("--app-id", "12345", "--private-key", str(key)),
    )
    assert connected.returncode == 0, connected.stderr
    said = dict(line.rsplit(maxsplit=1) for line in connected.stdout.splitlines())
    assert sorted(said) == ["webhook address", "webhook secret"]
    assert "cannot reach this address" in connected.stderr  # it is this machine's own
    revision = private.repository.git("rev-parse", "HEAD")
    repository = {**sent.GITHUB_REPOSITORY, "clone_url": f"{private.address}/acme/web.git"}
    body = sent.github_push(before=ZERO, after=revision, repository=repository)
    headers, raw = sent.github("push", body, secret=said["webhook secret"])
    path = said["webhook address"].removeprefix(site.server.url)
    answer = site.client.request("POST", path, raw=raw, headers=headers, auth="none")
    assert answer.status == 202, answer

    asked = private.api.wait_until(
        lambda them: any(it.body and it.body.get("conclusion") for it in them)
    )
    tokens = [it for it in asked if it.path.endswith("/access_tokens")]
    for it in tokens:
        published_github.is_taken(it)
    made = [it.body for it in tokens]
    only = {"repositories": ["web"], "permissions": {"contents": "read"}}
    assert only in made
    (pipeline,) = site.client.items(f"/api/v2/project/{slug}/pipeline")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    shown = site.client.output(slug, site.client.jobs(workflow["id"])["build"]["job_number"])
    assert workflow["status"] == "success", "".join(shown.values())
    assert "# sample" in shown["look"]
    assert TOKEN not in "".join(shown.values())
    assert "credential" not in shown["look"]

    assert TOKEN not in site.server.log
    assert files_with(TOKEN, site.server.data) == []


def test_a_checkout_key_is_put_at_the_host(private: Private) -> None:
    site, slug = private.site, "gh/acme/keyed"
    site.command("project", "add", slug, "--repo", f"{private.address}/acme/web.git")
    token = site.folder / "token"
    token.write_text(TOKEN)
    connected = site.command(
        *("connect", "github", slug, "--api-url", f"{private.address}/api/v3"),
        *("--host-token", str(token)),
    )
    assert connected.returncode == 0, connected.stderr
    path = f"/api/v2/project/{slug}/checkout-key"
    key = site.client.request("POST", path, body={"type": "deploy-key"})
    assert key.status == 201, key
    (asked,) = [it for it in private.api.asked if it.path.endswith("/keys")]
    assert (asked.method, asked.path) == ("POST", "/api/v3/repos/acme/web/keys")
    published_github.is_taken(asked)
    assert asked.body == {
        "title": f"roundel {slug}",
        "key": key.json()["public-key"].strip(),
        "read_only": True,
    }
    private.api.refusals = [(403, {})]
    refused = site.client.request("POST", path, body={"type": "deploy-key"})
    assert refused.status == 201  # somebody can put it there by hand
    assert "has not taken the checkout key" in site.server.log
