"""Dynamic config through the API, as a job does it: with curl and the key from its environment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import until
from tests.e2e.conftest import BACKENDS
from tests.e2e.server import Server, end_processes_of
from tests.e2e.site import Site
from tests.engine import Engine
from tests.images import DEBIAN, have
from tests.spec import SPEC

pytestmark = [pytest.mark.spec, pytest.mark.e2e]

CONFIG = SPEC / "corpus" / "runnable" / "24-setup-continuation.yml"


@pytest.fixture(params=BACKENDS)
def reachable_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A server that jobs reach, also those in containers."""
    options, environment = ["--backend", request.param], {}
    server = Server(tmp_path / "data")
    if request.param == "docker":
        engine: Engine = request.getfixturevalue("engine")
        environment["DOCKER_HOST"] = engine.url
        gateway = engine.docker(
            "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}"
        )
        options += ["--image-map", f"cimg/*={have(engine, DEBIAN)}"]
        options += ["--host", "0.0.0.0"]  # noqa: S104  # containers come over the bridge
        options += ["--job-url", f"http://{gateway}:{server.port}"]
    server.options, server.environment = options, environment
    server.start()
    try:
        with server.client() as client:
            yield Site(request.param, server, client, tmp_path)
    finally:
        if server.alive:
            server.stop()
        end_processes_of(tmp_path)


def test_a_setup_workflow_hands_over_the_config_that_runs(reachable_site: Site) -> None:
    site = reachable_site
    client = site.client
    project = site.project(CONFIG.read_bytes())
    pipeline = client.trigger(project.slug, branch="main")
    until(lambda: client.pipeline(pipeline["id"]), lambda it: it["state"] in {"created", "errored"})
    workflows = client.finished(pipeline["id"])
    assert {name: it["status"] for name, it in workflows.items()} == {
        "setup": "success",
        "continued": "success",
    }
    assert (workflows["setup"]["tag"], "tag" in workflows["continued"]) == ("setup", False)
    assert set(client.jobs(workflows["continued"]["id"])) == {"generated"}
    config = client.get(f"/api/v2/pipeline/{pipeline['id']}/config")
    assert config["setup-config"] == CONFIG.read_text()
    assert "continued:" in config["source"]
