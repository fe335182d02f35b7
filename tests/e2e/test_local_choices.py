"""`roundel run` of a part: a member of a matrix, one job, a dry run."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.local import Checkout

pytestmark = pytest.mark.e2e

MATRIX = """
version: 2.1
jobs:
  build:
    parameters: {version: {type: string}}
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo "version << parameters.version >>"}]
workflows:
  main:
    jobs:
      - build: {matrix: {parameters: {version: ["3.11", "3.12"]}}}
      - build: {name: deploy, version: none, requires: [build-3.11, build-3.12]}
      - build: {name: publish, version: none, filters: {branches: {only: stable}}}
"""


def test_one_member_of_a_matrix_runs_alone(tmp_path: Path) -> None:
    done = Checkout(tmp_path, MATRIX).run("build-3.12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "version 3.12" in done.stdout
    assert "version 3.11" not in done.stdout


def test_one_job_takes_parameters_of_the_callers_own(tmp_path: Path) -> None:
    done = Checkout(tmp_path, MATRIX).run("build", "-p", "job.version=3.13")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "version 3.13" in done.stdout


TYPED = """
version: 2.1
parameters:
  version: {type: string, default: "1"}
  count: {type: integer, default: 1}
  loud: {type: boolean, default: false}
jobs:
  build:
    parameters: {of: {type: string, default: x}, often: {type: integer, default: 1}}
    docker: [{image: "cimg/base:current"}]
    steps:
      - run: echo "v<< pipeline.parameters.version >> c<< pipeline.parameters.count >>"
      - when: {condition: << pipeline.parameters.loud >>, steps: [{run: echo LOUD}]}
      - run: echo "<< parameters.of >> << parameters.often >> << pipeline.git.tag >>"
workflows: {main: {jobs: [build]}}
"""


def test_what_is_typed_becomes_what_the_config_declares(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, TYPED)
    done = checkout.run("-p", "version=3.10", "-p", "count=3", "-p", "loud=yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ v3.10 c3" in done.stdout
    assert "│ LOUD" in done.stdout
    done = checkout.run("build", "-p", "job.of=007", "-p", "job.often=7", "--tag", "1.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ 007 7 1.0" in done.stdout
    nothing = checkout.run("--tag", "v1")
    assert nothing.returncode == 0
    assert "Nothing runs: no workflow's conditions hold; --dry-run tells why." in nothing.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-p", "count=many"), 'argument count: expected type: integer, actual value: "many"'),
        (("-p", "cuont=1"), "Unexpected argument(s): cuont"),
        (("-p", "job.of=1"), "need exactly one job's name"),
        (("build", "-p", "job.fo=1"), "job 'build' has no parameter 'fo': it has of, often"),
        (("build", "-p", "job.often=x"), 'often: expected type: integer, actual value: "x"'),
        (("--value", "git.brnch=x"), "'pipeline.git.brnch'; did you mean `pipeline.git.branch`?"),
    ],
)
def test_what_nothing_can_be_made_of_is_refused_in_one_message(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    refused = Checkout(tmp_path, TYPED).run(*words)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr


def test_a_dry_run_tells_the_order_and_why_the_rest_would_not_run(tmp_path: Path) -> None:
    done = Checkout(tmp_path, MATRIX).run("--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1. build-3.11" in done.stdout
    assert "2. deploy  after build-3.11, build-3.12" in done.stdout
    assert "publish: branch 'main' does not pass its branch filter" in done.stdout
    assert "echo" not in done.stdout


def test_a_wrong_name_is_refused_and_the_next_run_is_none_the_worse(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, MATRIX)
    refused = checkout.run("bulid")
    assert refused.returncode == 1
    assert "there is no workflow or job 'bulid'" in refused.stderr
    assert list(checkout.cache.rglob("runs/*")) == []
    done = checkout.run("--stub")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.count("✓ success") == 3


SCHEDULED = """
version: 2.1
jobs:
  build:
    parameters: {of: {type: string}}
    docker: [{image: "cimg/base:current"}]
    steps: [{run: "echo this is << parameters.of >>"}]
workflows:
  main: {jobs: [build: {of: today}]}
  nightly:
    triggers: [{schedule: {cron: "0 0 * * *", filters: {branches: {only: main}}}}]
    jobs: [build: {of: tonight}]
"""


def test_a_workflow_with_a_schedule_runs_only_when_it_is_named(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, SCHEDULED)
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this is today" in done.stdout
    assert "this is tonight" not in done.stdout
    assert "nightly: does not run: it runs on schedule only" in checkout.run("--dry-run").stdout
    named = checkout.run("nightly")
    assert named.returncode == 0, named.stdout + named.stderr
    assert "this is tonight" in named.stdout
    assert "this is today" not in named.stdout


EVENTS = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps:
      - run: echo "<< pipeline.event.name >> << pipeline.event.github.pull_request.number >>"
      - run: echo "base << pipeline.event.github.pull_request.base.ref >>"
workflows:
  pulls: {when: pipeline.event.name == "pull_request", jobs: [build]}
  tagged: {when: pipeline.git.repo_owner == "acme", jobs: [build: {name: owned}]}
  pushes: {when: pipeline.event.name == "push", jobs: [build: {name: pushed}]}
"""


@pytest.mark.parametrize(
    ("words", "workflow"),
    [
        (("--pull-request", "7"), "pulls"),
        (("--event", "push"), "pushes"),
        (("--value", "git.repo_owner=acme"), "tagged"),
        (("--value", "pipeline.git.repo_owner=acme"), "tagged"),
    ],
)
def test_a_run_pretends_what_started_it(
    tmp_path: Path, words: tuple[str, ...], workflow: str
) -> None:
    done = Checkout(tmp_path, EVENTS).run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{workflow}: success" in done.stdout
    assert done.stdout.count(": success") == 1
    assert ("pull_request 7" in done.stdout) == (workflow == "pulls")
    assert ("base main" in done.stdout) == (workflow == "pulls")


def test_as_many_jobs_run_at_once_as_there_are_cores(tmp_path: Path) -> None:
    """Before the first one ends, so many have begun, and no more."""
    cores = os.cpu_count() or 1
    config = f"""
version: 2.1
jobs:
  long:
    docker: [{{image: "cimg/base:current"}}]
    parallelism: {2 * cores}
    steps: [{{run: sleep 1}}]
workflows: {{main: {{jobs: [long]}}}}
"""
    done = Checkout(tmp_path, config).run("--json")
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events[: events.index("job-ended")].count("job-began") == cores
    assert events.count("job-began") == 2 * cores


OTHER_MACHINES = """
version: 2.1
jobs:
  own: {machine: true, resource_class: acme/gpu, steps: [{run: echo on a runner of ours}]}
  mac: {macos: {xcode: 15.3.0}, resource_class: m4pro.medium, steps: [{run: echo on a mac}]}
  windows:
    machine: {image: "windows-server-2022-gui:current"}
    resource_class: windows.medium
    parallelism: 2
    steps: [{run: echo on windows}]
workflows: {main: {jobs: [own, mac, windows]}}
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac is what the job asks for")
def test_a_job_for_a_machine_that_is_not_here_runs_or_says_why_not(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, OTHER_MACHINES)
    done = checkout.run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "│ on a runner of ours" in done.stdout
    assert "asks for macOS (m4pro.medium), which this machine is not" in done.stdout
    assert "asks for Windows (windows.medium), which this machine is not" in done.stdout
    assert "│ on a mac" not in done.stdout
    assert "│ on windows" not in done.stdout
    assert checkout.run("--stub").returncode == 0
