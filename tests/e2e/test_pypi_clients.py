"""Clients from PyPI that need an environment of their own, unmodified."""

import json
import subprocess
from pathlib import Path

import pytest
from jsonschema_rs import validator_for

from tests.e2e.site import Site
from tests.e2e.tried import Bench, Tried, private_key
from tests.pypi import HERE, programs

pytestmark = [pytest.mark.e2e, pytest.mark.clients]


@pytest.fixture
def bench(process_site: Site, tmp_path: Path) -> Bench:
    return Bench(process_site, tmp_path)


def test_pycircleci_async_does_all_that_it_offers(bench: Bench):
    done = subprocess.run(
        [str(programs("pycircleci-async") / "python"), str(HERE / "try_pycircleci_async.py")],
        env={**bench.environment(), "PRIVATE_KEY": private_key()},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    tried = Tried(done.stdout)
    tried.holds("add_ssh_user", "continue_pipeline")
    assert "400 Bad Request" in tried.failed["add_ssh_user"]  # there is no SSH into jobs yet
    assert "401 Unauthorized" in tried.failed["continue_pipeline"]  # the key is none
    gave = tried.gave
    assert len(gave) == 62
    assert gave["get_pipeline"]["id"] == bench.pipeline
    assert gave["update_project_settings"]["feature_flags"]["autocancel-builds"] is True
    assert gave["get_envvar"]["value"] == "xxxxalue"
    assert [it["path"] for it in gave["get_artifacts"]] == ["hello.txt"]
    assert gave["get_schedule"]["name"] == "nightly"
    assert gave["get_project_workflow_metrics"][0]["id"] == bench.ended


def test_the_tap_reads_pipelines_workflows_jobs_and_contexts(bench: Bench):
    """meltano-tap-circle-ci, as a pipeline of data calls it: a config, a catalog, messages."""
    context = {"name": "tapped", "owner": {"slug": "gh/acme", "type": "organization"}}
    assert bench.site.client.request("POST", "/api/v2/context", body=context).status == 200
    config = bench.folder / "tap.json"
    config.write_text(
        json.dumps(
            {
                "token": bench.site.server.token,
                "org_slug": "gh/acme",
                "base_url": f"{bench.site.server.url}/api/v2",
            }
        )
    )
    done = subprocess.run(
        [str(programs("meltano-tap-circle-ci") / "tap-circle-ci"), "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    schemas = {it["stream"]: it["schema"] for it in messages if it["type"] == "SCHEMA"}
    # The tap asks for a key that CircleCI's published document does not have.
    schemas["pipelines"]["required"].remove("warnings")
    records = [it for it in messages if it["type"] == "RECORD"]
    for record in records:
        validator_for(schemas[record["stream"]]).validate(record["record"])
    ids = {name: {it["record"]["id"] for it in records if it["stream"] == name} for name in schemas}
    assert bench.pipeline in ids["pipelines"]
    assert {bench.ended, bench.held} <= ids["workflows"]
    assert "tapped" in {it["record"]["name"] for it in records if it["stream"] == "contexts"}
    assert ids["jobs"]
