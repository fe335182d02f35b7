"""The public orbs for dynamic config, unmodified: they speak https to the domain they are given."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import until
from tests.e2e.server import Server, end_processes_of
from tests.e2e.site import Project, Site
from tests.spec import SPEC
from tests.tls import Front, tls_front

pytestmark = [pytest.mark.spec, pytest.mark.e2e]

ORBS = SPEC / "corpus" / "orbs" / "circleci"

AUTHORITY = ".circleci/authority.pem"  # in the repository, whose jobs trust it
TOOLS = ".circleci/tools"
# In place of the `yq` that 2.1.0 gets from the internet where its image has none.  It is asked for
# one thing, to merge configs; here there is one, which is itself when merged.
YQ = """\
#!/bin/sh
[ "$1" = eval-all ] && exec cat "$3"
exit 2
"""
CONTINUATION = """\
version: 2.1
setup: true
orbs: {{continuation: circleci/continuation@{version}}}
workflows:
  setup:
    jobs:
      - continuation/continue:
          configuration_path: .circleci/next.yml
          parameters: '{{"code": true}}'
          circleci_domain: {domain}
"""
PATH_FILTERING = """\
version: 2.1
setup: true
orbs: {{path-filtering: circleci/path-filtering@{version}}}
workflows:
  setup:
    jobs:
      - path-filtering/filter:
          base-revision: main
          config-path: .circleci/next.yml
          circleci_domain: {domain}
          mapping: |
            src/.* code true
            doc/.* docs true
"""
NEXT = """\
version: 2.1
parameters:
  code: {type: boolean, default: false}
  docs: {type: boolean, default: false}
jobs:
  code: {docker: [{image: cimg/base:stable}], steps: [{run: echo code}]}
  docs: {docker: [{image: cimg/base:stable}], steps: [{run: echo docs}]}
workflows:
  code: {when: << pipeline.parameters.code >>, jobs: [code]}
  docs: {when: << pipeline.parameters.docs >>, jobs: [docs]}
"""


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    server = Server(tmp_path / "data", "--backend", "process")
    for name in ("continuation", "jq", "path-filtering"):
        shutil.copytree(ORBS / name, server.data / "orbs" / "circleci" / name)
    server.start()
    try:
        with server.client() as client:
            yield Site("process", server, client, tmp_path)
    finally:
        if server.alive:
            server.stop()
        end_processes_of(tmp_path)


@pytest.fixture
def front(own_site: Site, tmp_path: Path) -> Iterator[Front]:
    with tls_front(own_site.server.port, tmp_path / "tls") as front:
        yield front


def continued(site: Site, front: Front, config: str, **environment: str) -> dict[str, str]:
    """Run the setup of a commit that touches `src`; return the workflows and how they ended."""
    project = a_project(site, config, front.authority)
    path = f"/api/v2/project/{project.slug}/envvar"
    for name, value in {"CURL_CA_BUNDLE": AUTHORITY, **environment}.items():
        made = site.client.request("POST", path, body={"name": name, "value": value})
        assert made.status == 201, made
    pipeline = site.client.trigger(project.slug, branch="main")
    states = {"created", "errored"}
    ended = until(
        lambda: site.client.pipeline(pipeline["id"]),
        lambda it: it["state"] in states or failed(site, it["id"]),
    )
    assert ended["errors"] == []
    assert ended["state"] == "created", "".join(site.client.output(project.slug, 1).values())
    workflows = site.client.finished(pipeline["id"])
    return {name: it["status"] for name, it in workflows.items()}


def failed(site: Site, pipeline: str) -> bool:
    return any(it["status"] == "failed" for it in site.client.workflows(pipeline).values())


def a_project(site: Site, config: str, authority: Path) -> Project:
    project = site.project(config)
    repository = project.repository
    (repository.path / ".circleci" / "next.yml").write_text(NEXT)
    shutil.copy(authority, repository.path / AUTHORITY)
    (repository.path / TOOLS).mkdir()
    (repository.path / TOOLS / "yq").write_text(YQ)
    (repository.path / TOOLS / "yq").chmod(0o755)
    repository.git("add", ".")
    repository.git("commit", "--quiet", "--message", "Continue")
    (repository.path / "src").mkdir()
    (repository.path / "src" / "main.py").write_text("print()\n")
    repository.git("add", ".")
    repository.git("commit", "--quiet", "--message", "Write code")
    return project


@pytest.mark.parametrize("version", ["0.1.2", "0.2.0", "2.0.1"])
def test_the_continuation_orb_continues(own_site: Site, front: Front, version: str) -> None:
    config = CONTINUATION.format(version=version, domain=front.domain)
    assert continued(own_site, front, config) == {"setup": "success", "code": "success"}


# 1.0.0 fetches pip from the internet, and 3.0.0 needs an orb that the corpus does not have.
@pytest.mark.parametrize("version", ["0.1.3", "2.1.0"])
def test_the_path_filtering_orb_continues(own_site: Site, front: Front, version: str) -> None:
    config = PATH_FILTERING.format(version=version, domain=front.domain)
    ended = continued(own_site, front, config, PATH=f"{TOOLS}:/usr/local/bin:/usr/bin:/bin")
    assert ended == {"setup": "success", "code": "success"}
