"""A server under measurement, and how long its pipelines take as a client sees it."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.client import ENDED, Client
from tests.e2e.server import Server, end_processes_of
from tests.e2e.site import Site

POLL_SECONDS = 0.001  # well below what is measured
GIVE_UP_SECONDS = 300.0


@contextmanager
def serving(
    backend: str, options: Sequence[str] = (), environment: dict[str, str] | None = None
) -> Iterator[Site]:
    """Run a server with two slots on fresh data for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="roundel-bench-") as folder:
        server = Server(
            Path(folder) / "data",
            *("--backend", backend, "--slots", "2", *options),
            environment=environment,
        ).start()
        try:
            with server.client() as client:
                yield Site(backend, server, client, Path(folder))
        finally:
            server.stop()
            end_processes_of(Path(folder))


def pipeline_seconds(client: Client, slug: str) -> float:
    """From the trigger call to the end of the only workflow."""
    began = time.perf_counter()
    pipeline = client.trigger(slug, branch="main")
    deadline = began + GIVE_UP_SECONDS
    while True:
        statuses = [w["status"] for w in client.workflows(pipeline["id"]).values()]
        if statuses and ENDED.issuperset(statuses):
            break
        assert time.perf_counter() < deadline, statuses
        time.sleep(POLL_SECONDS)
    took = time.perf_counter() - began
    assert statuses == ["success"], statuses
    return took


def first_line_seconds(client: Client, slug: str, number: int) -> float:
    """From the trigger call until a client can read the first line that job `number` wrote."""
    began = time.perf_counter()
    pipeline = client.trigger(slug, branch="main")
    deadline = began + GIVE_UP_SECONDS
    while "hi" not in first_output(client, slug, number):
        assert time.perf_counter() < deadline, "no output"
        time.sleep(POLL_SECONDS)
    took = time.perf_counter() - began
    client.finished(pipeline["id"])
    return took


def first_output(client: Client, slug: str, number: int) -> str:
    """What the job's own step has written so far; empty while there is none."""
    answer = client.request("GET", f"/api/v1.1/project/{slug}/{number}")
    if answer.status != 200:
        return ""
    actions: list[Any] = [a for step in answer.json()["steps"][1:] for a in step["actions"]]
    for action in actions:
        if action["name"] == "echo hi" and action.get("output_url"):
            return "".join(line["message"] for line in client.get(action["output_url"]))
    return ""
