"""Reads on a server that has run a million jobs, and whether the last pages cost more."""

import asyncio
import hashlib
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from tests.cache import CACHE
from tests.e2e.client import Client
from tests.e2e.server import Server
from tests.e2e.site import Site

from bench import figures
from bench.copies import Original, multiply
from bench.lists import BareServer, requests_a_second
from bench.paints import measure_paints

PROJECTS = 4
JOBS = int(os.environ.get("ROUNDEL_BENCH_JOBS", "1000000"))
JOBS_A_PIPELINE = 4
SAMPLES = 300  # single requests, one after another
OPTIONS = ("--backend", "process", "--slots", "2", "--rate-limit", "read=0")

CONFIG = """
version: 2.1
parameters: {broken: {type: boolean, default: false}}
jobs:
  build: {docker: [{image: "cimg/base:stable"}], steps: [{run: "echo built"}]}
  lint: {docker: [{image: "cimg/base:stable"}], steps: [{run: "echo clean"}]}
  test:
    docker: [{image: "cimg/base:stable"}]
    steps:
      - run: |
          mkdir -p results
          failure='<failure message="wrong"/>'
          << pipeline.parameters.broken >> || failure=
          printf '<testsuite>' > results/junit.xml
          for n in 1 2 3 4; do
            printf '<testcase name="t%s" classname="c" time="0.%s"/>' $n $n >> results/junit.xml
          done
          printf '<testcase name="t5" classname="c" time="1">%s</testcase></testsuite>' \\
            "$failure" >> results/junit.xml
      - store_test_results: {path: results}
      - store_artifacts: {path: results}
      - run: "! << pipeline.parameters.broken >>"
  deploy: {docker: [{image: "cimg/base:stable"}], steps: [{run: "echo out"}]}
workflows:
  main:
    jobs: [build, lint, {test: {requires: [build]}}, {deploy: {requires: [test, lint]}}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Big:
    """A server's data with very many jobs, and what to ask about them."""

    slug: str
    pipeline: str
    number: int
    workflow: str
    job: int  # the number of one with tests and artifacts
    jobs: int


def measure_million() -> None:
    folder, big = _made()
    server = Server(folder / "data", *OPTIONS).start()
    try:
        with server.client() as client:
            figures.tally("million: jobs in the database", big.jobs, unit="jobs")
            for name, path in _reads(big):
                _measure(name, path, server, client, folder)
            _last_pages(big, client)
        pages = dict(_pages(big))
        asyncio.run(measure_paints(server.url, server.token, pages, "million: page"))
    finally:
        server.stop()


def _pages(big: Big) -> Iterator[tuple[str, str]]:
    """Return what people look at, by name and path."""
    project = f"/pipelines/{big.slug}"
    pipeline = f"{project}/{big.number}"
    workflow = f"{pipeline}/workflows/{big.workflow}"
    settings = f"/settings/project/{big.slug}"
    yield "all pipelines", "/pipelines"
    yield "pipelines of a project", project
    yield "pipelines of a branch", f"{project}?branch=feature-3"
    yield "failed pipelines", f"{project}?status=failed"
    yield "pipeline", pipeline
    yield "workflow", workflow
    yield "job", f"{workflow}/jobs/{big.job}"
    yield "config", f"{pipeline}/config"
    yield "insights", f"/insights/{big.slug}"
    yield "insights of a workflow", f"/insights/{big.slug}/workflow?name=main"
    yield "search", "/search?q=feature-3"
    yield "search for the largest branch", "/search?q=main"
    yield "search for a line of a log", "/search?q=clean"
    yield "settings", settings
    yield "schedules", f"{settings}/schedules"
    yield "usage", "/settings/organization/gh/acme/usage"
    yield "audit log", "/settings/organization/gh/acme/audit"


def _reads(big: Big) -> Iterator[tuple[str, str]]:
    project, insights = f"/api/v2/project/{big.slug}", f"/api/v2/insights/{big.slug}"
    main = f"{insights}/workflows/main"
    yield "pipelines of a project", f"{project}/pipeline"
    yield "pipelines of a branch", f"{project}/pipeline?branch=feature-3"
    yield "pipelines of an organization", "/api/v2/pipeline?org-slug=gh/acme"
    yield "a pipeline's workflows", f"/api/v2/pipeline/{big.pipeline}/workflow"
    yield "a workflow's jobs", f"/api/v2/workflow/{big.workflow}/job"
    yield "job details", f"{project}/job/{big.job}"
    yield "a job's artifacts", f"{project}/{big.job}/artifacts"
    yield "a job's tests", f"{project}/{big.job}/tests"
    yield "insights: workflows", f"{insights}/workflows?all-branches=true"
    yield "insights: runs", f"{main}?all-branches=true"
    yield "insights: jobs", f"{main}/jobs?all-branches=true"
    yield "insights: summary", f"{main}/summary?all-branches=true"
    yield "insights: test metrics", f"{main}/test-metrics?all-branches=true"
    yield "insights: flaky tests", f"{insights}/flaky-tests"
    yield "insights: branches", f"{insights}/branches"
    yield "insights: series", f"/api/v2/insights/time-series/{big.slug}/workflows/main/jobs"
    yield "insights: pages of a project", f"/api/v2/insights/pages/{big.slug}/summary"
    yield "insights: organization", "/api/v2/insights/gh/acme/summary"


def _measure(name: str, path: str, server: Server, client: Client, folder: Path) -> None:
    answer = client.request("GET", path)
    assert answer.status == 200, f"{path}: {answer!r}"
    waits = sorted(_wait(client, path) for _ in range(SAMPLES))
    with BareServer(answer.body, folder) as bare, Client(bare.url, None) as floor:
        floors = sorted(_wait(floor, path) for _ in range(SAMPLES))
        enough = max(40, min(2000, round(2 / statistics.median(waits))))
        values, bare_values = figures.in_turns(
            2,
            lambda: requests_a_second(server.url, path, server.token, enough),
            lambda: requests_a_second(bare.url, path, server.token, 2000),
        )
        ours = _processor(server.pid, server.url, path, server.token, enough)
        theirs = _processor(bare.process.pid, bare.url, path, server.token, 2000)
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        at = int(share * (SAMPLES - 1))
        figures.cost(f"million: {name}, {label}", [waits[at]], [floors[at]])
    figures.rate(f"million: {name}", values[1:], bare_values[1:], unit="requests/s")
    figures.cost(f"million: {name}, processor", [ours], [theirs])


def _wait(client: Client, path: str) -> float:
    began = time.perf_counter()
    client.request("GET", path)
    return time.perf_counter() - began


def _processor(pid: int, url: str, path: str, token: str, requests: int) -> float:
    """Return the processor seconds that one request costs a server."""
    before = _ticks(pid)
    requests_a_second(url, path, token, requests)
    return (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / requests


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _last_pages(big: Big, client: Client) -> None:
    """The last page must cost what the first does; the first is its floor."""
    main = f"/api/v2/insights/{big.slug}/workflows/main"
    for name, path in (
        ("pipelines of a project", f"/api/v2/project/{big.slug}/pipeline"),
        ("pipelines of a branch", f"/api/v2/project/{big.slug}/pipeline?branch=feature-3"),
        ("pipelines of an organization", "/api/v2/pipeline?org-slug=gh/acme"),
        ("insights: runs", f"{main}?all-branches=true"),
    ):
        last = _last_full_page(client, path)
        firsts, lasts = [], []
        for _ in range(SAMPLES):  # in turns: a slow moment hits both
            firsts.append(_wait(client, path))
            lasts.append(_wait(client, last))
        figures.cost(f"million: {name}, last page", lasts, firsts)


def _last_full_page(client: Client, path: str) -> str:
    before = here = path
    mark = "&" if "?" in path else "?"
    while (token := client.get(here)["next_page_token"]) is not None:
        before, here = here, f"{path}{mark}page-token={token}"
    return before


def _made() -> tuple[Path, Big]:
    """Return a folder with the data, made at the first call for this schema and kept."""
    snapshot = (resources.files("roundel.store") / "snapshot.sql").read_bytes()
    facts_of = ",".join(Big.__annotations__)  # what is kept beside the data
    recipe = Path(__file__).with_name("copies.py").read_bytes() + (CONFIG + facts_of).encode()
    digest = hashlib.sha256(snapshot + recipe + str(JOBS).encode()).hexdigest()[:16]
    folder = CACHE / "million" / str(JOBS) / digest
    facts = folder / "facts.json"
    if not facts.exists():
        shutil.rmtree(folder.parent, ignore_errors=True)  # those of older schemas
        folder.mkdir(parents=True)
        sys.stderr.write(f"making {JOBS:,} jobs in {folder}\n")
        facts.write_text(json.dumps(asdict(_make(folder))))
    return folder, Big(**json.loads(facts.read_text()))


def _make(folder: Path) -> Big:
    server = Server(folder / "data", *OPTIONS).start()
    try:
        with server.client() as client:
            site = Site("process", server, client, folder)
            ran = [_run(site, site.project(CONFIG).slug) for _ in range(PROJECTS)]
    finally:
        server.stop()
    copies = JOBS // JOBS_A_PIPELINE // PROJECTS
    originals = [original for _, made in ran for original in made]
    jobs = multiply(folder / "data" / "roundel.sqlite3", originals, copies)
    server.start()
    try:
        with server.client() as client:
            return _facts(client, ran[0][0], jobs)
    finally:
        server.stop()


def _run(site: Site, slug: str) -> tuple[str, Sequence[Original]]:
    project = site.client.get(f"/api/v2/project/{slug}")["id"]
    made = []
    for broken in (False, True):
        sent = site.client.trigger(slug, branch="main", parameters={"broken": broken})
        workflows = site.client.finished(sent["id"])
        assert workflows["main"]["status"] == ("failed" if broken else "success"), workflows
        made.append(Original(pipeline=sent["id"], project=project))
    return slug, made


def _facts(client: Client, slug: str, jobs: int) -> Big:
    for pipeline in client.items(f"/api/v2/project/{slug}/pipeline"):
        workflow = client.workflows(pipeline["id"])["main"]
        if workflow["status"] == "success":
            test = client.jobs(workflow["id"])["test"]
            return Big(
                slug=slug,
                pipeline=pipeline["id"],
                number=pipeline["number"],
                workflow=workflow["id"],
                job=test["job_number"],
                jobs=jobs,
            )
    raise AssertionError("no pipeline succeeded")
