"""A rerun of failed tests only, from real reports over the API to `circleci tests run`."""

import pytest

from tests.e2e.client import ENDED, until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 2.1
jobs:
  test:
    docker: [{image: cimg/base:current}]
    parallelism: 2
    steps:
      - checkout
      - run:
          name: tests
          command: |
            mkdir results
            circleci tests glob "tests/*.py" | circleci tests run --command="xargs python3 run.py"
      - store_test_results: {path: results}
workflows: {main: {jobs: [test]}}
"""

# Runs each file given as a program, and writes of it what test tools write.
RUN = """\
import subprocess, sys
import xml.etree.ElementTree as tree

suite, bad = tree.Element("testsuite", name="all"), 0
for file in sys.argv[1:]:
    print("ran", file, flush=True)
    case = tree.SubElement(suite, "testcase", name="it", file=file, time="0.1",
                           classname=file.removesuffix(".py").replace("/", "."))
    done = subprocess.run([sys.executable, file], capture_output=True, text=True)
    if done.returncode:
        bad = 1
        tree.SubElement(case, "failure", message="failed").text = done.stderr
tree.ElementTree(suite).write("results/junit.xml")
sys.exit(bad)
"""
# Succeeds in reruns only: there the workspace is that of the workflow before.
FLAKY = """\
import os
assert os.environ["CIRCLE_WORKFLOW_ID"] != os.environ["CIRCLE_WORKFLOW_WORKSPACE_ID"]
"""


def ran(site: Site, slug: str, number: int) -> list[str]:
    lines = site.client.output(slug, number)["tests"].splitlines()
    return sorted(line.removeprefix("ran ") for line in lines if line.startswith("ran "))


def test_only_the_tests_that_failed_run_again(site: Site):
    project = site.project(CONFIG)
    files = {f"tests/test_{name}.py": "pass\n" for name in "abcde"}
    files["tests/test_c.py"] = FLAKY
    for name, text in {"run.py": RUN, **files}.items():
        path = project.repository.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    project.repository.commit("Test")
    client = site.client
    pipeline = client.trigger(project.slug, branch="main")
    [first] = client.finished(pipeline["id"]).values()
    assert first["status"] == "failed"
    assert ran(site, project.slug, 1) == sorted(files)

    rerun = f"/api/v2/workflow/{first['id']}/rerun"
    answer = client.request("POST", rerun, body={"rerun_failed_tests": True})
    assert answer.status == 202, answer
    again = until(
        lambda: client.get(f"/api/v2/workflow/{answer.json()['workflow_id']}"),
        lambda workflow: workflow["status"] in ENDED,
    )
    shown = client.output(project.slug, 2)["tests"]
    assert again["status"] == "success", shown
    assert ran(site, project.slug, 2) == ["tests/test_c.py"]
    assert "Rerun of failed tests: 1 of 5 names." in shown
    assert "No tests for this node." in shown
    results = client.get(f"/api/v2/project/{project.slug}/2/tests")["items"]
    assert [(it["file"], it["result"]) for it in results] == [("tests/test_c.py", "success")]
