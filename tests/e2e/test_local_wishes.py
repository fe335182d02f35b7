"""What people asked circleci-cli's `local execute` and `config` for; the numbers are its issues."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine import Engine
from tests.images import DEBIAN, have
from tests.local import RUN_SECONDS, Checkout, folder_of

pytestmark = pytest.mark.e2e


def one_job(*steps: str, parameters: str = "{}") -> str:
    written = "".join(f"      - {step}\n" for step in steps)
    return (
        f"version: 2.1\njobs:\n  build:\n    parameters: {parameters}\n"
        f'    docker: [{{image: "cimg/base:current"}}]\n    steps:\n{written}'
        "workflows:\n  main:\n    jobs: [build]\n"
    )


def without_a_route(checkout: Checkout, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `roundel` where there is no network at all, and no token of anybody."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    environment = checkout.environment()
    environment.pop("ROUNDEL_TOKEN", None)
    return subprocess.run(
        ["unshare", "--net", *as_root, sys.executable, "-m", "roundel", *words],
        cwd=checkout.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


INNER = """
version: 2.1
commands:
  greet:
    parameters: {whom: {type: string}}
    steps: [{run: "echo greetings to << parameters.whom >>"}]
"""
OUTER = """
version: 2.1
orbs: {inner: secret/inner@1.0.0}
jobs:
  greet:
    docker: [{image: "cimg/base:current"}]
    steps: [inner/greet: {whom: everybody}]
"""
USES_OUTER = """
version: 2.1
orbs: {outer: secret/outer@1.0}
workflows: {main: {jobs: [outer/greet]}}
"""


def vendored(folder: Path) -> Checkout:
    """Return a checkout beside whose config both private orbs were put by `orb vendor`."""
    shelf = folder / "shelf" / "secret"
    for name, text in (("inner/1.0.0.yml", INNER), ("outer/1.0.4.yml", OUTER)):
        (shelf / name).parent.mkdir(parents=True)
        (shelf / name).write_text(text)
    checkout = Checkout(folder, USES_OUTER)
    done = without_a_route(
        checkout, "orb", "vendor", ".circleci/config.yml", "--orbs", str(folder / "shelf")
    )
    assert done.returncode == 0, done.stderr
    return checkout


def test_without_any_route_vendored_orbs_validate_process_and_run(tmp_path: Path) -> None:
    checkout = vendored(tmp_path)
    valid = without_a_route(checkout, "config", "validate", ".circleci/config.yml")
    assert valid.returncode == 0, valid.stderr
    processed = without_a_route(checkout, "config", "process", ".circleci/config.yml")
    assert "echo greetings to everybody" in processed.stdout
    run = without_a_route(checkout, "run", "--backend", "process")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "│ greetings to everybody" in run.stdout


def test_wish_92_a_config_is_validated_and_processed_without_a_network(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, one_job("checkout", "run: make"))
    first = without_a_route(checkout, "config", "process", ".circleci/config.yml")
    again = without_a_route(checkout, "config", "process", ".circleci/config.yml")
    assert first.returncode == 0, first.stderr
    assert "command: make" in first.stdout
    assert first.stdout == again.stdout
    checkout.write(".circleci/config.yml", one_job("checkout", "rnu: make"))
    wrong = without_a_route(checkout, "config", "validate", ".circleci/config.yml")
    assert wrong.returncode == 1
    assert "Cannot find a definition for command named rnu" in wrong.stderr


def test_wish_1694_validating_asks_for_no_login(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, one_job("checkout"))
    done = without_a_route(checkout, "config", "validate", ".circleci/config.yml")
    assert done.returncode == 0
    assert done.stderr == ".circleci/config.yml is valid\n"


def test_wish_751_a_private_orb_that_uses_another_is_validated(tmp_path: Path) -> None:
    checkout = vendored(tmp_path)
    (checkout.root / ".circleci/orbs/secret/inner/1.0.0.yml").write_text(
        INNER.replace("whom: {type", "who: {type")
    )
    done = without_a_route(checkout, "config", "validate", ".circleci/config.yml")
    assert done.returncode == 1
    assert "Unexpected argument(s): whom" in done.stderr
    assert "secret/outer@1.0.4" in done.stderr  # where the wrong call stands


def test_wish_325_in_place_a_job_changes_the_checkout_and_otherwise_not(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, one_job("checkout", "run: echo made > made.txt"))
    assert checkout.run().returncode == 0
    assert not (checkout.root / "made.txt").exists()
    assert checkout.run("--in-place").returncode == 0
    assert (checkout.root / "made.txt").read_text() == "made\n"


def test_wish_387_variables_of_the_project_and_the_workflow_are_set(tmp_path: Path) -> None:
    names = (
        "CIRCLE_PROJECT_USERNAME CIRCLE_PROJECT_REPONAME CIRCLE_BRANCH CIRCLE_SHA1 CIRCLE_JOB"
        " CIRCLE_WORKFLOW_ID CIRCLE_BUILD_NUM CIRCLE_REPOSITORY_URL"
    )
    shown = f'run: for name in {names}; do echo "$name=<$(printenv $name)>"; done'
    checkout = Checkout(tmp_path, one_job(shown))
    checkout.git("remote", "add", "origin", "git@github.com:acme/web.git")
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CIRCLE_PROJECT_USERNAME=<acme>" in done.stdout
    assert "CIRCLE_PROJECT_REPONAME=<web>" in done.stdout
    assert "CIRCLE_JOB=<build>" in done.stdout
    assert "CIRCLE_REPOSITORY_URL=<git@github.com:acme/web.git>" in done.stdout
    assert "=<>" not in done.stdout
    page = one_job("run: echo $CIRCLE_PULL_REQUEST")
    checkout.write(".circleci/config.yml", page)
    pulled = checkout.run("--pull-request", "7")
    assert "https://github.com/acme/web/pull/7" in pulled.stdout
    checkout.git("remote", "set-url", "origin", "https://ann:sesame@github.com/acme/web.git")
    checkout.write(".circleci/config.yml", one_job("run: env; echo << pipeline.git.repo_url >>"))
    told = checkout.run("--json").stdout
    assert "CIRCLE_REPOSITORY_URL=https://github.com/acme/web.git" in told
    assert "sesame" not in told


WORKSPACE = """
version: 2.1
jobs:
  make:
    docker: [{image: "cimg/base:current"}]
    steps:
      - restore_cache: {keys: [kept-v1]}
      - run: mkdir -p out kept; echo handed over > out/text; cat kept/text || true
      - run: echo kept from the last run > kept/text
      - save_cache: {key: kept-v1, paths: [kept]}
      - persist_to_workspace: {root: out, paths: [text]}
  take:
    docker: [{image: "cimg/base:current"}]
    steps:
      - attach_workspace: {at: here}
      - run: cat here/text
workflows: {main: {jobs: [make, take: {requires: [make]}]}}
"""


def test_wish_490_workspaces_and_caches_work_in_full(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, WORKSPACE)
    first = checkout.run()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "│ handed over" in first.stdout
    assert "│ kept from the last run" not in first.stdout
    assert "│ kept from the last run" in checkout.run().stdout


def test_wish_518_a_machine_job_runs_here_instead_of_failing_obscurely(tmp_path: Path) -> None:
    config = one_job('run: echo "on a machine"').replace(
        'docker: [{image: "cimg/base:current"}]', "machine: {image: ubuntu-2004:202010-01}"
    )
    done = Checkout(tmp_path, config).run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ on a machine" in done.stdout


def test_wish_549_a_job_takes_parameters_from_the_command_line(tmp_path: Path) -> None:
    config = one_job('run: echo "BAR << parameters.bar >>"', parameters="{bar: {type: string}}")
    config = config.replace("jobs: [build]", "jobs: [build: {bar: of the workflow}]")
    done = Checkout(tmp_path, config).run("build", "-p", "job.bar=baz")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ BAR baz" in done.stdout


def test_arguments_of_a_job_in_a_config_that_cannot_be_read_tell_why_not(tmp_path: Path) -> None:
    done = Checkout(tmp_path, "version: 2.1\njobs: a: b: c\n").run("build", "-p", "job.bar=baz")
    assert done.returncode == 1
    assert "Unable to parse YAML" in done.stderr
    assert "there is no job" not in done.stderr


JUNIT = '<testsuite><testcase classname="sums" name="one" time="0.1"/></testsuite>'


def test_wish_684_storing_test_results_does_not_fail_the_job(tmp_path: Path) -> None:
    config = one_job("checkout", "store_test_results: {path: reports}")
    done = Checkout(tmp_path, config, {"reports/junit.xml": JUNIT}).run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tests: 1 run" in done.stdout
    assert len(list((folder_of(done.stdout) / "tests").iterdir())) == 1


@pytest.mark.docker
def test_wish_789_every_job_of_a_config_gets_its_container(tmp_path: Path, engine: Engine) -> None:
    config = """
version: 2.1
jobs:
  one: {docker: [{image: "cimg/base:current"}], steps: [{run: echo one is in a container}]}
  two: {docker: [{image: "cimg/base:current"}], steps: [{run: echo two is in a container}]}
workflows: {main: {jobs: [one, two]}}
"""
    checkout = Checkout(tmp_path, config)
    images = ("--image-map", f"cimg/*={have(engine, DEBIAN)}")
    done = checkout.run("--backend", "docker", *images, DOCKER_HOST=engine.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one is in a container" in done.stdout
    assert "two is in a container" in done.stdout
