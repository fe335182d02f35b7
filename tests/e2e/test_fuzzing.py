"""schemathesis runs the published document against a running server with data in it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import Server, end_processes_of, program_environment
from tests.e2e.site import Site
from tests.spec import SPEC

pytestmark = [pytest.mark.e2e, pytest.mark.clients, pytest.mark.spec]

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo built}]
workflows: {main: {jobs: [build, {hold: {type: approval, requires: [build]}}]}}
"""
METHODS = {"get", "post", "put", "patch", "delete"}
CHECKS = (
    "not_a_server_error,response_schema_conformance,content_type_conformance,"
    "status_code_conformance,use_after_free,ignored_auth"
)
SECONDS = 280  # about 60 on a machine with nothing else to do
SEQUENCES_SECONDS = 30
# They name parameters that their operations do not have, and schemathesis refuses all links then.
BROKEN_LINKS = {"ProjectFromPipeline", "ProjectFromGetWorkflow", "NextWorkflowJobPage"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    server = Server(tmp_path / "data", "--backend", "process", "--slots", "2").start()
    try:
        with server.client() as client:
            yield Site("process", server, client, tmp_path)
    finally:
        if server.alive:
            server.stop()
        end_processes_of(tmp_path)


def published_and_served(site: Site) -> Any:
    """Return the published document with the operations that are served.

    `x-nullable` is the word that the document has for what OpenAPI 3.0 calls `nullable`; and
    `started_at` of a job that has not started is null in captured answers.
    """
    text = (SPEC / "openapi-official-2025-02.json").read_text().replace("x-nullable", "nullable")
    document = json.loads(text)
    served = site.client.get("/api/v2/openapi.json")["paths"]
    for path, entry in document["paths"].items():
        for method in METHODS & entry.keys() - served.get(path, {}).keys():
            del entry[method]
    kept = {path: entry for path, entry in document["paths"].items() if METHODS & entry.keys()}
    document["paths"] = kept
    answer = kept["/workflow/{id}/job"]["get"]["responses"]["200"]["content"]["application/json"]
    answer["schema"]["properties"]["items"]["items"]["properties"]["started_at"]["nullable"] = True
    return document


def without_broken_links(document: Any) -> Any:
    for entry in document["paths"].values():
        for method in METHODS & entry.keys():
            for answer in entry[method]["responses"].values():
                for name in BROKEN_LINKS & answer.get("links", {}).keys():
                    del answer["links"][name]
    return document


def counted(what: str, told: str) -> int:
    """Return a number of schemathesis' summary; one that is not there is nothing to rely on."""
    found = re.search(what.replace("N", r"(\d+)"), told)
    assert found is not None, f"no {what!r} in:\n{told[-6000:]}"
    return int(found.group(1))


def assert_really_run(told: str, operations: int, *, sequences: bool) -> None:
    """A run that tried nothing finds nothing wrong either."""
    assert counted(r"Selected: N/", told) == operations
    if sequences:  # as many as the time allows
        assert counted(r"Scenarios: +N", told) > 0, told
        assert counted(r"API Links: +N covered", told) > 0, told
        assert counted(r"Tested: N", told) > 1, told
    else:
        assert counted(r"Tested: N", told) == operations, told
    assert counted(r"N generated", told) >= counted(r"Tested: N", told), told


@pytest.mark.timeout(SECONDS + 20)
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(
            ("--phases", "examples,coverage,fuzzing", "-n", "8"), id="each operation by itself"
        ),
        pytest.param(
            ("--phases", "stateful", "--max-time", str(SEQUENCES_SECONDS)), id="sequences of calls"
        ),
    ],
)
def test_every_answer_conforms_and_nothing_fails(
    site: Site, tmp_path: Path, options: tuple[str, ...]
):
    project = site.project(CONFIG)
    pipeline = site.client.trigger(project.slug, branch="main")
    site.client.compiled(pipeline["id"])
    document = without_broken_links(published_and_served(site))
    (tmp_path / "published.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\n"project-slug" = "{project.slug}"\n"org-slug" = "gh/acme"\n'
        '"workflow-name" = "main"\n'
    )
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "published.json"),
        *("--url", f"{site.server.url}/api/v2", "-H", f"Circle-Token: {site.server.token}"),
        *("-c", CHECKS, "--continue-on-failure", "--no-color", *options),
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**program_environment(), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    operations = sum(len(METHODS & entry.keys()) for entry in document["paths"].values())
    assert_really_run(done.stdout, operations, sequences="stateful" in options)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
