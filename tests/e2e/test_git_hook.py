"""A bare repository with our hook: real pushes by real git make pipelines, each once."""

import contextlib
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import git_messages as sent
from tests.e2e.client import until
from tests.e2e.repository import Repository
from tests.e2e.server import Server, end_processes_of
from tests.e2e.site import Site
from tests.git_hosts import PASSWORD, http_host, ssh_host
from tests.git_messages import SECRET

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [checkout, {run: "echo at $CIRCLE_BRANCH$CIRCLE_TAG by $CIRCLE_USERNAME"}]
workflows:
  main:
    jobs: [{build: {filters: {tags: {only: /.*/}}}}]
"""


ASKING = """\
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps:
      - checkout
      - run:
          name: ask
          command: |
            circleci run oidc get --claims '{"aud": "sts.example"}' 2>&1 && exit 1
            echo "as it should be, and none is here: $CIRCLE_OIDC_TOKEN$CIRCLE_OIDC_TOKEN_V2"
workflows: {main: {jobs: [build]}}
"""
FORKS_ARE_BUILT = {"advanced": {"build_fork_prs": True}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("hook")
    server = Server(folder / "data", "--backend", "process", "--slots", "2").start()
    try:
        with server.client() as client:
            yield Site("process", server, client, folder)
    finally:
        if server.alive:
            server.stop()
        end_processes_of(folder)


class Pushed:
    """A working copy, the bare repository that it is pushed to, and the project of that."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.slug = f"gh/acme/{name}"
        self.copy = Repository(site.folder / f"{name}-copy", CONFIG)
        self.bare = site.folder / f"{name}.git"
        self.copy.git("clone", "--quiet", "--bare", str(self.copy.path), str(self.bare))
        self.copy.git("remote", "add", "origin", str(self.bare))

    def install(self) -> None:
        done = self.site.command("hook", "install", str(self.bare), "--project", self.slug)
        assert done.returncode == 0, done.stderr

    def push(self, *arguments: str) -> None:
        self.copy.git("push", "--quiet", "origin", *arguments)

    def pipelines(self) -> list[Any]:
        """All pipelines, oldest first."""
        found = self.site.client.items(f"/api/v2/project/{self.slug}/pipeline")
        return sorted(found, key=lambda it: it["number"])

    def wait_for(self, count: int) -> list[Any]:
        """The pipelines once there are that many and all are created."""
        return until(
            self.pipelines,
            lambda them: len(them) == count and all(it["state"] == "created" for it in them),
        )

    def messages(self) -> list[Any]:
        organization = self.slug.rpartition("/")[0]
        client = self.site.client
        (project,) = [
            client.get(f"/api/v2/project/{self.slug}")["id"],
        ]
        (connection,) = [
            it["id"]
            for it in client.get(f"/api/roundel/organization/{organization}/connection")
            if it["project_id"] == project
        ]
        found: list[Any] = client.get(f"/api/roundel/git/{connection}/messages")["items"]
        return found

    def outcomes(self, count: int) -> list[str]:
        """What became of each message, oldest first, once that many have been dealt with."""
        them = until(
            self.messages,
            lambda them: len(them) == count and all(it["state"] != "waiting" for it in them),
        )
        return [it["outcome"] for it in reversed(them)]


@pytest.fixture
def pushed(site: Site, request: pytest.FixtureRequest) -> Pushed:
    name = request.node.name.removeprefix("test_")[:40].replace("_", "-")
    made = Pushed(site, name)
    made.install()
    return made


@contextlib.contextmanager
def reached_by(transport: str, folder: Path, bare: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a bare repository; yield the address to push to, and what git needs for it."""
    if transport == "ssh":
        with ssh_host(folder / "ssh") as host:
            key, known = folder / "key", folder / "known_hosts"
            key.touch(mode=0o600)
            key.write_text(host.key)
            known.write_text(host.host_key_line + "\n")
            words = ("ssh", "-F", os.devnull, "-i", str(key), "-o", f"UserKnownHostsFile={known}")
            yield f"{host.prefix}{bare}", {"GIT_SSH_COMMAND": shlex.join(words)}
    elif transport == "http":
        with http_host(bare.parent) as url:
            yield f"{url.replace('://', f'://ada:{PASSWORD}@')}/{bare.name}", {}
    else:
        yield str(bare), {}


@pytest.mark.parametrize(
    "transport", ["folder", pytest.param("ssh", marks=pytest.mark.sshd), "http"]
)
def test_branch_tag_force_push_and_deletion(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    pushed = Pushed(site, f"pushed-by-{transport}")
    pushed.install()
    with reached_by(transport, tmp_path, pushed.bare) as (address, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        pushed.copy.git("remote", "set-url", "origin", address)
        pushes_of_every_kind(pushed)


def pushes_of_every_kind(pushed: Pushed) -> None:
    first = pushed.copy.commit("One")
    pushed.push("main")
    second = pushed.copy.commit("Two")
    pushed.push("HEAD:refs/heads/träger/ü")
    pushed.copy.git("tag", "-a", "v1.0", "-m", "One point oh")
    pushed.push("v1.0")
    pushed.copy.git("reset", "--quiet", "--hard", first)
    forced = pushed.copy.commit("Two, otherwise")
    pushed.push("--force", "HEAD:refs/heads/träger/ü")
    pushed.push("--delete", "träger/ü")
    pushed.push("--delete", "v1.0")
    outcomes = pushed.outcomes(6)
    one, two, three, four = pushed.wait_for(4)
    assert (one["vcs"]["branch"], one["vcs"]["revision"]) == ("main", first)
    assert (two["vcs"]["branch"], two["vcs"]["revision"]) == ("träger/ü", second)
    assert (three["vcs"]["tag"], three["vcs"]["revision"]) == ("v1.0", second)
    assert "branch" not in three["vcs"]
    assert (four["vcs"]["branch"], four["vcs"]["revision"]) == ("träger/ü", forced)
    assert {it["trigger"]["type"] for it in (one, two, three, four)} == {"webhook"}
    assert outcomes == [
        *(f"{pushed.slug} #{number}" for number in (1, 2, 3, 4)),
        "ignored: the branch träger/ü is deleted",
        "ignored: the tag v1.0 is deleted",
    ]


def test_the_job_of_a_push_runs_its_commit_and_knows_who_pushed(pushed: Pushed) -> None:
    pushed.copy.commit("Run me")
    pushed.push("main")
    (pipeline,) = pushed.wait_for(1)
    client = pushed.site.client
    workflow = client.finished(pipeline["id"])["main"]
    assert workflow["status"] == "success"
    number = client.jobs(workflow["id"])["build"]["job_number"]
    who = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    said = "".join(client.output(pushed.slug, number).values())
    assert f"at main by {who}" in said
    assert pipeline["trigger"]["actor"]["login"] == who


def test_a_commit_that_asks_for_none_has_no_pipeline(pushed: Pushed) -> None:
    pushed.copy.commit("Words only [skip ci]")
    pushed.push("main")
    assert pushed.outcomes(1) == ["ignored: the commit or the pull request asks for no pipeline"]
    assert pushed.pipelines() == []


def test_several_refs_of_one_push_have_a_pipeline_each(pushed: Pushed) -> None:
    pushed.copy.commit("All")
    pushed.push("HEAD:refs/heads/one", "HEAD:refs/heads/two", "HEAD:refs/tags/three")
    them = pushed.wait_for(3)
    names = {it["vcs"].get("branch") or it["vcs"].get("tag") for it in them}
    assert names == {"one", "two", "three"}


def test_a_hook_that_was_there_before_is_still_called_and_comes_back(site: Site) -> None:
    pushed = Pushed(site, "chained")
    before = pushed.bare / "hooks" / "post-receive"
    before.write_text(f"#!/bin/sh\ncat >>{pushed.bare}/seen\n")
    before.chmod(0o755)
    pushed.install()
    pushed.install()  # a second time replaces the first
    pushed.copy.commit("One")
    pushed.push("main")
    pushed.wait_for(1)
    assert "refs/heads/main" in (pushed.bare / "seen").read_text()
    done = site.command("hook", "remove", str(pushed.bare))
    assert done.returncode == 0, done.stderr
    assert before.read_text().startswith("#!/bin/sh\ncat >>")
    pushed.copy.commit("Two")
    pushed.push("main")
    assert len((pushed.bare / "seen").read_text().splitlines()) == 2
    assert len(pushed.pipelines()) == 1


def test_a_push_succeeds_while_the_server_is_away_and_is_found_later(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--backend", "process", "--slots", "1").start()
    try:
        with server.client() as client:
            site = Site("process", server, client, tmp_path)
            pushed = Pushed(site, "away")
            pushed.install()
            poll = site.command("project", "poll", pushed.slug)
            assert poll.returncode == 0, poll.stderr
            until(
                lambda: "looked" if pushed.pipelines() == [] else "",
                lambda it: it == "looked",
            )
            pushed.copy.commit("Told")
            pushed.push("main")
            pushed.wait_for(1)
            server.kill()
            lost = pushed.copy.commit("Lost")
            pushed.push("main")
            server.start()
            _, second = pushed.wait_for(2)
            assert second["vcs"]["revision"] == lost
    finally:
        if server.alive:
            server.stop()
        end_processes_of(tmp_path)


def test_the_token_of_a_hook_opens_nothing_but_its_door(pushed: Pushed) -> None:
    file = pushed.bare / "roundel" / "authorization"
    assert file.stat().st_mode & 0o077 == 0
    token = file.read_text().split()[-1]
    client = pushed.site.server.client(token)
    with client:
        assert client.request("GET", "/api/v2/me").status == 401
        assert client.request("GET", f"/api/v2/project/{pushed.slug}").status == 401
    url = (pushed.bare / "roundel" / "url").read_text().strip()
    other = token[:-1] + ("1" if token.endswith("0") else "0")
    wrong = pushed.site.client.request(
        "POST", url, raw=b"roundel-push 1 x\n", headers={"Authorization": f"Bearer {other}"}
    )
    assert wrong.status == 401
    assert token[:-1] not in wrong.body.decode()


def test_a_trigger_takes_tags_alone_and_its_definition_names_another_config(
    pushed: Pushed,
) -> None:
    client = pushed.site.client
    project = client.get(f"/api/v2/project/{pushed.slug}")["id"]
    definitions = f"/api/v2/projects/{project}/pipeline-definitions"
    own = {"provider": "git", "repo": {"external_id": project}}
    made = client.request(
        "POST",
        definitions,
        body={
            "name": "release",
            "description": "",
            "config_source": {**own, "file_path": "ci/release.yml"},
            "checkout_source": own,
        },
    )
    assert made.status == 200, made
    trigger = {"event_source": own, "event_preset": "only-tags"}
    listens = client.request("POST", f"{definitions}/{made.json()['id']}/triggers", body=trigger)
    assert listens.status == 200, listens
    release = pushed.copy.path / "ci" / "release.yml"
    release.parent.mkdir()
    release.write_text(CONFIG.replace("main:", "release:"))
    revision = pushed.copy.commit("Release me")
    pushed.push("main")
    pushed.push("HEAD:refs/tags/v2")
    assert pushed.outcomes(2) == ["ignored: no trigger wants it", f"{pushed.slug} #1"]
    (pipeline,) = pushed.wait_for(1)
    assert (pipeline["vcs"]["tag"], pipeline["vcs"]["revision"]) == ("v2", revision)
    assert list(client.finished(pipeline["id"])) == ["release"]


def test_a_forks_job_is_refused_the_identity_token_that_it_asks_for(site: Site) -> None:
    project = site.project(ASKING)
    path = f"/api/roundel/project/{project.slug}"
    connection = {"provider": "github", "webhook_secret": SECRET}
    made = site.client.request("POST", f"{path}/connection", body=connection)
    changed = site.client.request(
        "PATCH", f"/api/v2/project/{project.slug}/settings", body=FORKS_ARE_BUILT
    )
    assert (made.status, changed.status) == (201, 200), changed
    revision = project.repository.git("rev-parse", "HEAD")
    project.repository.git("update-ref", "refs/pull/7/head", revision)
    headers, raw = sent.github("pull_request", sent.github_pull(fork=True, after=revision))
    site.client.request(
        "POST", f"/api/roundel/git/{made.json()['id']}", raw=raw, headers=headers, auth="none"
    )
    (pipeline,) = until(
        lambda: list(site.client.items(f"/api/v2/project/{project.slug}/pipeline")),
        lambda them: len(them) == 1 and them[0]["state"] == "created",
    )
    workflow = site.client.finished(pipeline["id"])["main"]
    number = site.client.jobs(workflow["id"])["build"]["job_number"]
    shown = site.client.output(project.slug, number)
    assert workflow["status"] == "success", "".join(shown.values())
    assert "A fork's pull request gets no identity token" in shown["ask"]
    assert shown["ask"].endswith("as it should be, and none is here: \n")
