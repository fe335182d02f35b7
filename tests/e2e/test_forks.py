"""A pull request from a fork at Bitbucket's cloud, by real git: only the fork has its commits."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import git_messages as sent
from tests.e2e.client import Client, until
from tests.e2e.private_host import CONFIG, site_trusting
from tests.e2e.repository import Repository
from tests.e2e.site import Site
from tests.git_hosts import PASSWORD, http_host
from tests.git_messages import SECRET
from tests.tls import tls_front

pytestmark = pytest.mark.e2e

SLUG = "bb/acme/web"
PIPELINES = f"/api/v2/project/{SLUG}/pipeline"


@dataclass(frozen=True, slots=True)
class Forked:
    """A server, a host with a private repository and an open fork of it, and the fork's copy."""

    site: Site
    address: str
    fork: Repository
    hook: str  # where the host posts to

    def pull(self, event: str, revision: str) -> None:
        """Tell of the pull request as the host does."""
        body = sent.bitbucket_pull(fork=True, revision=revision, site=self.address)
        headers, raw = sent.bitbucket(event, body, id_=f"{event}-{revision}")
        answer = self.site.client.request("POST", self.hook, raw=raw, headers=headers, auth="none")
        assert answer.status == 202, answer


@pytest.fixture
def forked(tmp_path: Path) -> Iterator[Forked]:
    host = tmp_path / "host"
    with (
        http_host(host, login="x-token-auth", public="/mallory/") as url,
        tls_front(int(url.rpartition(":")[2]), tmp_path / "tls") as front,
    ):
        fork = Repository(tmp_path / "copy", CONFIG)
        for owner in ("acme", "mallory"):
            fork.git("clone", "--quiet", "--bare", ".", str(host / owner / "web.git"))
        # Its page is where git finds it, as at Bitbucket.
        (host / "mallory" / "web").symlink_to("web.git")
        fork.git("remote", "add", "fork", str(host / "mallory" / "web.git"))
        address = f"https://{front.domain}"
        with site_trusting(front, tmp_path) as site:
            yield Forked(site, address, fork, _connected(site, address))


def _connected(site: Site, address: str) -> str:
    added = site.command("project", "add", SLUG, "--repo", f"{address}/acme/web.git")
    assert added.returncode == 0, added.stderr
    body = {
        "provider": "bitbucket",
        "api_url": address,
        "webhook_secret": SECRET,
        "token": PASSWORD,
    }
    made = site.client.request("POST", f"/api/roundel/project/{SLUG}/connection", body=body)
    assert made.status == 201, made
    settings = f"/api/v2/project/{SLUG}/settings"
    done = site.client.request("PATCH", settings, body={"advanced": {"build_fork_prs": True}})
    assert done.status == 200, done
    return f"/api/roundel/git/{made.json()['id']}"


def made_of(client: Client, hook: str) -> Any:
    """The pipeline that came of the newest message."""
    messages = until(
        lambda: list(client.items(f"{hook}/messages")), lambda them: bool(them[0]["outcome"])
    )
    newest = next(client.items(PIPELINES), None)
    assert newest is not None, messages[0]["outcome"]
    assert messages[0]["outcome"] == f"{SLUG} #{newest['number']}"
    return newest


def test_each_commit_that_is_told_of_is_built_from_the_fork(forked: Forked) -> None:
    client, fork = forked.site.client, forked.fork
    for number, event in enumerate(("pullrequest:created", "pullrequest:updated"), 1):
        fork.git("checkout", "--quiet", "-B", "try")
        (fork.path / "change").write_text(f"{number}\n")
        revision = fork.commit(f"Change {number}")
        fork.git("push", "--quiet", "fork", "try")
        forked.pull(event, revision)
        newest = made_of(client, forked.hook)
        (workflow,) = client.finished(newest["id"]).values()
        job = client.jobs(workflow["id"])["build"]["job_number"]
        shown = "".join(client.output(SLUG, job).values())
        assert workflow["status"] == "success", shown
        assert newest["vcs"]["revision"] == revision
        assert f"\n{revision}\n" in f"\n{shown}"
        assert f"url = {forked.address}/mallory/web" in shown
        assert "CIRCLE_BRANCH=pull/7" in shown
        assert "CIRCLE_PR_USERNAME=mallory" in shown
        assert PASSWORD not in shown
