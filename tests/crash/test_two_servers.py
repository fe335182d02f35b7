"""Two servers on one PostgreSQL, and kills all the time: no job is lost or doubled."""

import base64
import contextlib
import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import Client
from tests.e2e.server import ROOT, Server, program_environment
from tests.e2e.site import Site
from tests.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.postgresql, pytest.mark.timeout(3600)]

JOBS = 10_000 if os.environ.get("ROUNDEL_SOAK") else 1_000
PER_PIPELINE = 100
RUNNERS = 4
SLOTS = 8
KILL_EVERY_SECONDS = 2.0
WITHIN_SECONDS = 120 + JOBS * 0.15

CONFIG = json.dumps(
    {
        "version": 2.1,
        "jobs": {
            "work": {
                "machine": True,
                "resource_class": "acme/linux",
                "parameters": {"n": {"type": "integer"}},
                "environment": {"FAKE_OUTPUT": "done\n", "FAKE_SLEEP": "0.05"},
                "steps": [{"run": "true"}],
            }
        },
        "workflows": {
            "w": {"jobs": [{"work": {"name": f"work-{n}", "n": n}} for n in range(PER_PIPELINE)]}
        },
    }
)


class RunnerProcess:
    """A runner that may be killed, and started again on its folder."""

    def __init__(self, url: str, token: str, folder: Path) -> None:
        folder.mkdir()
        self._words = [url, token, str(folder), str(SLOTS)]
        self._log = folder.with_suffix(".log")
        self.start()

    def start(self) -> None:
        program = str(Path(__file__).with_name("fake_runner.py"))
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, program, *self._words],
                env=program_environment(),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    url = postgres.fresh()
    yield url
    postgres.drop(url)


@pytest.fixture
def servers(tmp_path: Path, url: str) -> Iterator[list[Server]]:
    options = ("--no-runner", "--database-url", url, "--blob-url", str(tmp_path / "blobs"))
    (tmp_path / "blobs").mkdir()
    key = {"ROUNDEL_MASTER_KEY": base64.b64encode(b"k" * 32).decode()}
    made = [Server(tmp_path / name, *options, environment=key).start() for name in ("one", "two")]
    yield made
    for server in made:
        if server.alive:
            server.stop()


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def trigger(servers: list[Server], token: str, slug: str, chance: random.Random) -> str:
    """Trigger at either server until one answers; return the pipeline's id."""
    while True:
        server = chance.choice([server for server in servers if server.alive])
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            Client(server.url, token) as client,
        ):
            answer = client.request("POST", f"/api/v2/project/{slug}/pipeline", body={})
            if answer.status == 201:
                return str(answer.json()["id"])


def test_no_job_is_lost_or_doubled_under_random_kills(
    servers: list[Server], url: str, tmp_path: Path
) -> None:
    chance = random.Random(5)
    one = servers[0]
    token = one.token  # the first server made it; the other knows it from the database
    assert not (tmp_path / "two" / "admin-token").exists()
    with servers[1].client(token) as client:
        slug = Site("fake", one, one.client(), tmp_path).project(CONFIG).slug
        made = {"resource_class": "acme/linux"}
        assert client.request("POST", "/api/v3/runner/resource", body=made).status == 200
        answer = client.request("POST", "/api/v3/runner/token", body={**made, "nickname": "n"})
        runner_token = answer.json()["token"]
    runners = [
        RunnerProcess(servers[n % 2].url, runner_token, tmp_path / f"runner-{n}")
        for n in range(RUNNERS)
    ]
    kills = {"server": 0, "runner": 0}
    began = time.monotonic()
    accepted: list[str] = []
    try:
        while not ended(url, accepted):
            assert time.monotonic() - began < WITHIN_SECONDS, statuses(url)
            for _ in range(4):
                if len(accepted) < JOBS // PER_PIPELINE:
                    accepted.append(trigger(servers, token, slug, chance))
            time.sleep(KILL_EVERY_SECONDS * chance.random())
            if chance.random() < 0.5:
                kills["server"] += 1
                victim = chance.choice(servers)
                victim.kill()
                victim.start()
            else:
                kills["runner"] += 1
                runner = chance.choice(runners)
                runner.kill()
                runner.start()
    finally:
        for runner in runners:
            runner.kill()
    took = time.monotonic() - began
    print(f"{JOBS} jobs in {took:.1f} s, killed {kills}, ended {statuses(url)}")

    assert sum(statuses(url).values()) == JOBS
    doubled = rows(
        url,
        "SELECT job_id FROM execution WHERE status = 'success' GROUP BY job_id HAVING count(*) > 1",
    )
    assert doubled == []
    numbers = rows(url, "SELECT count(*), max(number) FROM pipeline WHERE state = 'created'")
    assert numbers[0][0] == len(accepted)
    # Every job that succeeded said its line once; the others were cut down with their runner.
    output = (
        "SELECT count(*) FROM execution e JOIN step s ON s.execution_id = e.id"
        " WHERE e.status = 'success' AND s.kind = 'run' AND s.size <> 5"
    )
    assert rows(url, output) == [(0,)]
    assert statuses(url).get("success", 0) > JOBS * 0.8


def statuses(url: str) -> dict[str, int]:
    return dict(rows(url, "SELECT status, count(*) FROM job GROUP BY status"))


def ended(url: str, accepted: list[str]) -> bool:
    if len(accepted) < JOBS // PER_PIPELINE:
        return False
    counted = rows(url, "SELECT count(*) FROM workflow WHERE stopped_at IS NOT NULL")
    return counted == [(len(accepted),)]
