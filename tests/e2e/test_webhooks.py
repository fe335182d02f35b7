"""Webhooks of a real run: a receiver of our own looks at every field of both events."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roundel.wire.hooks import signature
from tests.e2e.client import until
from tests.e2e.server import Server, end_processes_of
from tests.e2e.site import Site
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo built}]
workflows: {main: {jobs: [build]}}
"""
SECRET = "hunter123"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    options = ("--backend", "process", "--slots", "1", "--allow-private-addresses")
    server = Server(tmp_path / "data", *options).start()
    try:
        with server.client() as client:
            yield Site("process", server, client, tmp_path)
    finally:
        if server.alive:
            server.stop()
        end_processes_of(tmp_path)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def a_time(value: Any) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value) is not None


def test_every_field_of_both_events_is_that_of_the_run(site: Site, receiver: Receiver) -> None:
    client = site.client
    sample = site.project(CONFIG)
    project = client.get(f"/api/v2/project/{sample.slug}")
    made = client.request(
        "POST",
        "/api/v2/webhook",
        body={
            "name": "ours",
            "events": ["workflow-completed", "job-completed"],
            "url": receiver.url,
            "verify-tls": True,
            "signing-secret": SECRET,
            "scope": {"id": project["id"], "type": "project"},
        },
    )
    assert made.status == 201, made
    hook = made.json()
    pipeline_id = client.trigger(sample.slug, branch="main")["id"]
    workflow = client.finished(pipeline_id)["main"]
    job = client.jobs(workflow["id"])["build"]
    pipeline = client.get(f"/api/v2/pipeline/{pipeline_id}")
    first, second = receiver.wait_for(2)

    person = {"name": "Ada", "email": "ada@example.com"}
    commit = {
        "subject": pipeline["vcs"]["commit"]["subject"],
        "body": pipeline["vcs"]["commit"]["body"],
        "author": person,
        "committer": person,
    }
    told_first, told_second = first.body, second.body
    for received, body in ((first, told_first), (second, told_second)):
        assert received.headers["content-type"] == "application/json"
        assert received.headers["user-agent"] == "CircleCI-Webhook/1.0"
        assert received.headers["circleci-event-type"] == body["type"]
        assert received.headers["circleci-signature"] == signature(SECRET, received.raw)
        assert a_time(body["happened_at"])
        assert body["webhook"] == {"id": hook["id"], "name": "ours"}
        assert body["project"] == {
            "id": project["id"],
            "name": project["name"],
            "slug": sample.slug.replace("gh/", "github/"),
        }
        assert body["organization"] == {"id": project["organization_id"], "name": "acme"}
        told = body["pipeline"]
        told_commit = told["vcs"].pop("commit")
        assert a_time(told_commit.pop("authored_at"))
        assert a_time(told_commit.pop("committed_at"))
        assert told_commit == commit
        assert told == {
            "id": pipeline_id,
            "number": pipeline["number"],
            "created_at": pipeline["created_at"],
            "trigger": {"type": "api"},
            "vcs": {
                "provider_name": "github",
                "origin_repository_url": str(sample.repository.path),
                "target_repository_url": str(sample.repository.path),
                "revision": pipeline["vcs"]["revision"],
                "branch": "main",
            },
        }
        url = body["workflow"].pop("url")
        assert url == (
            f"{site.server.url}/pipelines/{sample.slug.replace('gh/', 'github/')}"
            f"/{pipeline['number']}/workflows/{workflow['id']}"
        )
        assert a_time(body["workflow"].pop("created_at"))

    assert told_first["id"] != told_second["id"]
    assert told_first["type"] == "job-completed"
    told_job = told_first["job"]
    assert a_time(told_job.pop("started_at"))
    assert a_time(told_job.pop("stopped_at"))
    assert told_job == {
        "id": job["id"],
        "name": "build",
        "number": job["job_number"],
        "status": "success",
    }
    assert "status" not in told_first["workflow"]

    assert told_second["type"] == "workflow-completed"
    assert "job" not in told_second
    assert a_time(told_second["workflow"].pop("stopped_at"))
    assert told_second["workflow"] == {"id": workflow["id"], "name": "main", "status": "success"}

    log = until(
        lambda: client.get(f"/api/roundel/webhook/{hook['id']}/deliveries")["items"],
        lambda items: all(it["status"] == "delivered" for it in items),
    )
    assert {it["payload"]["id"] for it in log} == {told_second["id"], told_first["id"]}
