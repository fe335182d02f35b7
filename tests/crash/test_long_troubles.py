"""R4 and R6 with real programs and real time: `make soak` takes the lengths of the promise."""

import asyncio
import contextlib
import hashlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from roundel.backends.ahead import Kind, names_ahead
from roundel.backends.folder import AHEAD
from roundel.backends.processes import executions_of
from roundel.domain.runners import LEASE_SECONDS, RENEW_SECONDS
from tests.e2e.client import Client
from tests.e2e.server import ROOT, Server, end_processes_of, program_environment
from tests.e2e.site import Site, runnerless
from tests.postgres import Cluster
from tests.proxy import Proxy
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SOAK = bool(os.environ.get("ROUNDEL_SOAK"))
CUTS = (10.0, 35.0) if SOAK else (3.0,)  # what a lease outlasts, whenever the cut begins
LONG_CUTS = (300.0,) if SOAK else (LEASE_SECONDS + 2.0,)
AWAY = 30.0 if SOAK else 3.0
TICK = 0.1

CONFIG = """
version: 2.1
jobs:
  build:
    machine: true
    {where}
    steps:
      - run: i=0; while [ $i -lt {ticks} ]; do i=$((i+1)); echo tick $i; sleep {tick}; done
workflows:
  w: {{jobs: [build]}}
"""


def config(seconds: float, where: str = "resource_class: acme/linux") -> str:
    return CONFIG.format(ticks=int(seconds / TICK), tick=TICK, where=where)


def whole(seconds: float) -> str:
    text = "".join(f"tick {n}\n" for n in range(1, int(seconds / TICK) + 1))
    return hashlib.sha256(text.encode()).hexdigest()


def ticks_of(client: Client, slug: str, number: int = 1) -> str:
    """Return what the ticking step has said so far."""
    return next((said for said in client.output(slug, number).values() if "tick" in said), "")


def sha_of(client: Client, slug: str, number: int = 1) -> str:
    return hashlib.sha256(ticks_of(client, slug, number).encode()).hexdigest()


# -- R6: the network between a runner and its server --


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with runnerless(tmp_path) as site:
        yield site


@pytest.fixture
async def network(site: Site) -> AsyncIterator[Proxy]:
    """A runner in a process of its own, behind a network that can be cut."""
    request = site.client.request
    made = {"resource_class": "acme/linux"}
    request("POST", "/api/v3/runner/resource", body=made)
    token = request("POST", "/api/v3/runner/token", body={**made, "nickname": "n"}).json()["token"]
    async with Proxy(site.server.url) as proxy:
        words = ["runner", "--server", proxy.url, "--token", token, "--slots", "1"]
        words += ["--backend", "process", "--data", str(site.folder / "runner")]
        runner = started(words)
        try:
            yield proxy
        finally:
            proxy.mend()
            runner.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(runner.wait, 30) == 0
            end_processes_of(site.folder)


def started(words: list[str]) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-m", "roundel"]
    return subprocess.Popen([*program, *words], env=program_environment(), cwd=ROOT)


async def ticking(site: Site, slug: str, number: int = 1) -> None:
    """Return once the job has begun to tick."""

    async def begun() -> bool:
        with contextlib.suppress(AssertionError, KeyError):
            return bool(await asyncio.to_thread(ticks_of, site.client, slug, number))
        return False

    await until(begun)


async def cut_for(proxy: Proxy, seconds: float) -> None:
    proxy.cut()
    await asyncio.sleep(seconds)  # the length is what is tried
    proxy.mend()


@pytest.mark.parametrize("seconds", CUTS)
async def test_r6_a_cut_that_the_lease_outlasts_costs_nothing(
    site: Site, network: Proxy, seconds: float
) -> None:
    lasts = seconds + 3
    slug = site.project(config(lasts)).slug
    accepted = site.client.trigger(slug, branch="main")
    await ticking(site, slug)
    await cut_for(network, seconds)
    (workflow,) = (
        await asyncio.to_thread(site.client.finished, accepted["id"], within=120)
    ).values()
    assert workflow["status"] == "success"
    assert sha_of(site.client, slug) == whole(lasts)
    print(f"R6: cut for {seconds:.0f} s, job of {lasts:.0f} s succeeded, its log whole")


@pytest.mark.parametrize("seconds", LONG_CUTS)
async def test_r6_a_cut_past_the_lease_loses_the_job_once_and_says_so(
    site: Site, network: Proxy, seconds: float
) -> None:
    project = site.project(config(seconds + 600))
    accepted = site.client.trigger(project.slug, branch="main")
    await ticking(site, project.slug)
    cut = asyncio.create_task(cut_for(network, seconds))
    began = time.monotonic()
    (workflow,) = (
        await asyncio.to_thread(site.client.finished, accepted["id"], within=120)
    ).values()
    noticed = time.monotonic() - began
    assert workflow["status"] == "failed"
    assert LEASE_SECONDS - RENEW_SECONDS - 5 < noticed < LEASE_SECONDS + 5
    job = site.client.get(f"/api/v2/project/{project.slug}/job/1")
    assert job["status"] == "infrastructure_fail"
    said = ticks_of(site.client, project.slug)
    assert said == "".join(f"tick {n + 1}\n" for n in range(said.count("\n")))
    await cut

    home = site.folder / "runner" / "jobs"

    async def nothing_left() -> bool:
        folders = {each.name for each in home.iterdir()} - {AHEAD}
        return not folders and executions_of(str(home)) <= names_ahead(home, Kind.WORLD)

    await until(nothing_left)  # the runner heard that the job is not its own any more
    assert ticks_of(site.client, project.slug) == said
    project.repository.write_config(config(1))
    project.repository.commit("Tick for a second")
    again = site.client.trigger(project.slug, branch="main")
    (workflow,) = (await asyncio.to_thread(site.client.finished, again["id"], within=60)).values()
    assert workflow["status"] == "success"
    assert sha_of(site.client, project.slug, 2) == whole(1)
    print(f"R6: cut for {seconds:.0f} s, lost job told after {noticed:.1f} s, runner went on")


# -- R4: the database of a server at work --


@pytest.fixture
def on_postgres(tmp_path: Path, postgres: Cluster) -> Iterator[Site]:
    url = postgres.fresh()
    server = Server(
        tmp_path / "data", "--backend", "process", "--machine", "process", "--database-url", url
    ).start()
    try:
        with server.client() as client:
            yield Site("process", server, client, tmp_path)
    finally:
        server.stop()
        end_processes_of(tmp_path)
        postgres.drop(url)


@contextlib.contextmanager
def restarting(postgres: Cluster) -> Iterator[None]:
    postgres.stop(signal.SIGQUIT)
    try:
        yield
    finally:
        postgres.start()


@pytest.mark.postgresql
@pytest.mark.parametrize("trouble", ["pauses", "is away"])
async def test_r4_jobs_go_on_over_a_database_that(
    on_postgres: Site, postgres: Cluster, trouble: str
) -> None:
    site = on_postgres
    slug = site.project(config(AWAY + 5, "resource_class: medium")).slug
    accepted = site.client.trigger(slug, branch="main")
    await ticking(site, slug)
    answers: list[tuple[str, float]] = []
    with postgres.paused() if trouble == "pauses" else restarting(postgres):
        asking = [asyncio.create_task(asyncio.to_thread(ask, site, slug)) for _ in range(5)]
        await asyncio.sleep(AWAY)  # the length is what is tried
    answers = await asyncio.gather(*asking)
    (workflow,) = (
        await asyncio.to_thread(site.client.finished, accepted["id"], within=120)
    ).values()
    assert workflow["status"] == "success"
    assert sha_of(site.client, slug) == whole(AWAY + 5)
    assert {answer for answer, _ in answers} <= {"201", "503", "no answer"}
    pipelines = list(site.client.items(f"/api/v2/project/{slug}/pipeline"))
    made = [it["number"] for it in pipelines]
    assert sorted(made) == [*range(1, len(made) + 1)]  # none twice, no number without one
    taken = sum(answer == "201" for answer, _ in answers)
    unheard = sum(answer == "no answer" for answer, _ in answers)
    assert 1 + taken <= len(made) <= 1 + taken + unheard
    print(f"R4: database {trouble} for {AWAY:.0f} s, log whole; requests meanwhile: {answers}")


def ask(site: Site, slug: str) -> tuple[str, float]:
    """Trigger once; return the answer and after how many seconds it came."""
    began = time.monotonic()
    with (
        contextlib.suppress(OSError, http.client.HTTPException),
        Client(site.server.url, site.server.token) as client,
    ):
        answer = client.request("POST", f"/api/v2/project/{slug}/pipeline", body={})
        return str(answer.status), round(time.monotonic() - began, 1)
    return "no answer", round(time.monotonic() - began, 1)
