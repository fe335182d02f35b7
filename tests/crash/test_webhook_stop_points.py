"""A server killed at each phase of a git host's message makes one pipeline of it, once started."""

import http.client
import sys
from typing import Any

import pytest

from tests import git_messages as sent
from tests.crash.test_stop_points import VICTIM
from tests.e2e.client import Answer, until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

CONFIG = """
version: 2.1
jobs:
  build: {machine: true, steps: [{run: "true"}]}
workflows:
  w: {jobs: [build]}
"""
RECEIVED = "services.ingest.receive"
MATCHED = "services.ingest.act_on.<locals>.plan"
ACTED_UPON = "services.ingest.act_on.<locals>.transaction"
# Before a transaction and inside it nothing differs but what died with the server.
PHASES = {
    "unheard": (RECEIVED, "inside"),
    "kept": (RECEIVED, "after"),
    "matched": (MATCHED, "after"),
    "not-made": (ACTED_UPON, "inside"),
    "made": (ACTED_UPON, "after"),
}


class Host:
    """A git host that has one message to tell."""

    def __init__(self, site: Site) -> None:
        project = site.project(CONFIG)
        path = f"/api/roundel/project/{project.slug}/connection"
        connection = {"provider": "github", "webhook_secret": sent.SECRET}
        made = site.client.request("POST", path, body=connection)
        assert made.status == 201, made
        revision = project.repository.git("rev-parse", "HEAD")
        self.slug, self._connection = project.slug, made.json()["id"]
        self._headers, self._raw = sent.github(
            "push", sent.github_push(before=sent.ZERO, after=revision)
        )
        self._site = site

    def tell(self) -> Answer | None:
        """Return what the server says, or None where it died over the message."""
        url = f"/api/roundel/git/{self._connection}"
        try:
            return self._site.client.request(
                "POST", url, raw=self._raw, headers=self._headers, auth="none"
            )
        except (http.client.HTTPException, OSError):
            return None

    def messages(self) -> list[Any]:
        path = f"/api/roundel/git/{self._connection}/messages"
        return list(self._site.client.get(path)["items"])

    def pipelines(self) -> list[Any]:
        return list(self._site.client.items(f"/api/v2/project/{self.slug}/pipeline"))


@pytest.mark.parametrize("phase", PHASES)
def test_a_server_killed_over_a_message_makes_one_pipeline_of_it(site: Site, phase: str) -> None:
    server, host = site.server, Host(site)
    server.stop()
    server.program = (sys.executable, VICTIM, *PHASES[phase])
    server.start()
    answer = host.tell()
    assert answer is None or answer.status == 202, answer
    until(lambda: server.alive, lambda alive: not alive)
    until(lambda: server.log, lambda log: "stopped at " in log)

    server.program = (sys.executable, "-m", "roundel")
    server.start()
    if answer is None:  # whoever hears nothing says it again; what was accepted is enough
        answer = host.tell()
        assert answer is not None
        assert answer.status == 202, answer
    (message,) = until(
        host.messages, lambda them: bool(them) and all(it["state"] != "waiting" for it in them)
    )
    assert message["outcome"] == f"{host.slug} #1"
    (pipeline,) = until(host.pipelines, lambda them: all(it["state"] == "created" for it in them))
    workflow = site.client.finished(pipeline["id"])["w"]
    assert workflow["status"] == "success"
    assert len(host.pipelines()) == 1
