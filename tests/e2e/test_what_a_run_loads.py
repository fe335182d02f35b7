"""What `roundel run` and `roundel config` load: their whole time is little more than that."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.local import Checkout

pytestmark = pytest.mark.e2e

JOB = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo done}]
workflows:
  main:
    jobs: [build]
"""
_PROGRAM = """
import sys
from roundel.cli.main import cli
try:
    cli(sys.argv[1:], prog_name="roundel")
finally:
    print("LOADED", *sorted(sys.modules), file=sys.stderr)
"""

# What the server, other commands and other back ends need, or jobs with secrets.
SERVERS = {
    "aiodocker",
    "aiohttp",
    "argon2",
    "cryptography",
    "joserfc",
    "html",
    "obstore",
    "prometheus_client",
    "psycopg",
    "re2",
    "regopy",
    "rich",
    "roundel.api",
    "roundel.services.compile_pool",
    "roundel.services.identity",
    "roundel.services.ingest",
    "roundel.services.policies",
    "roundel.services.sweeping",
    "roundel.services.telling",
    "roundel.services.usage",
    "roundel.store.postgres",
    "roundel.store.queries.insights",
    "roundel.store.queries.pages",
    "roundel.vcs.hosts",
    "roundel.web",
    "starlette",
    "uvicorn",
    "yoyo",
}
# What only jobs need that have such a step.
STEPS = {"cronsim", "roundel.runner.steps.caches", "xml.parsers.expat", "zstandard"}
# What compiling needs none of.
RUNS = {
    "asyncio",
    "msgspec",
    "roundel.app",
    "roundel.backends",
    "roundel.runner",
    "roundel.services",
    "roundel.store",
    "roundel.vcs",
    "sqlite3",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, JOB)


def loaded(checkout: Checkout, *words: str) -> tuple[str, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words],
        cwd=checkout.root,
        env=checkout.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    last = done.stderr.splitlines()[-1].split()
    assert last[0] == "LOADED"
    return done.stdout, set(last)


def test_a_run_of_one_job_loads_neither_the_servers_doors_nor_what_its_steps_do_not_need(
    checkout: Checkout,
) -> None:
    for _ in range(2):  # the first makes the state, the second finds it
        shown, modules = loaded(checkout, "run", "--backend", "process", "--plain")
        assert "main: success" in shown
        assert modules & (SERVERS | STEPS) == set()


@pytest.mark.parametrize("command", ["process", "validate"])
def test_compiling_loads_nothing_that_runs_jobs_or_serves(checkout: Checkout, command: str) -> None:
    _, modules = loaded(checkout, "config", command, ".circleci/config.yml")
    assert "roundel.compiler.passes" in modules
    assert modules & (SERVERS | STEPS | RUNS) == set()
