"""What a step finds around it: variables, directories, shells, and the names of steps."""

import pytest

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

DOCKER = "docker: [{image: 'cimg/base:stable'}]"

BUILT_IN = f"""
version: 2.1
jobs:
  show:
    {DOCKER}
    working_directory: ~/some/where
    steps: [run: {{name: show, command: 'env; pwd; test -d "$CIRCLE_INTERNAL_TASK_DATA"'}}]
workflows:
  w: {{jobs: [show: {{filters: {{tags: {{only: /.*/}}}}}}]}}
"""


def test_the_built_in_variables_tell_of_the_job(site: Site) -> None:
    project = site.project(BUILT_IN)
    project.repository.git("tag", "v1")
    client = site.client
    for number, ref in ((1, {"branch": "main"}), (2, {"branch": "main"}), (3, {"tag": "v1"})):
        pipeline = client.trigger(project.slug, **ref)
        (workflow,) = client.finished(pipeline["id"]).values()
        (job,) = client.jobs(workflow["id"]).values()
        lines = client.output(project.slug, number)["show"].splitlines()
        found = dict(line.split("=", 1) for line in lines if "=" in line)
        wanted = {
            "CI": "true",
            "CIRCLECI": "true",
            "CIRCLE_BUILD_NUM": str(number),
            "CIRCLE_BUILD_URL": f"{site.server.url}/pipelines/github/acme/"
            f"{project.slug.split('/')[2]}/{number}/workflows/{workflow['id']}/jobs/{number}",
            "CIRCLE_JOB": "show",
            "CIRCLE_NODE_INDEX": "0",
            "CIRCLE_NODE_TOTAL": "1",
            "CIRCLE_PIPELINE_ID": pipeline["id"],
            "CIRCLE_PROJECT_REPONAME": project.slug.split("/")[2],
            "CIRCLE_PROJECT_USERNAME": "acme",
            "CIRCLE_REPOSITORY_URL": str(project.repository.path),
            "CIRCLE_SHA1": project.repository.git("rev-parse", "HEAD"),
            "CIRCLE_WORKFLOW_ID": workflow["id"],
            "CIRCLE_WORKFLOW_JOB_ID": job["id"],
            "CIRCLE_WORKFLOW_WORKSPACE_ID": workflow["id"],
            "CIRCLE_WORKING_DIRECTORY": "~/some/where",
        }
        optional = {"CIRCLE_BRANCH": ref.get("branch"), "CIRCLE_TAG": ref.get("tag")}
        optional["CIRCLE_PREVIOUS_BUILD_NUM"] = "1" if number == 2 else None
        for name, value in (wanted | optional).items():
            assert found.get(name) == value, name
        assert {"CIRCLE_ORGANIZATION_ID", "CIRCLE_PROJECT_ID", "CIRCLE_USERNAME"} <= set(found)
        assert lines[-1] == found["HOME"] + "/some/where"


PRECEDENCE = """
version: 2.1
executors:
  here:
    docker:
      - image: cimg/base:stable
        environment: {A: image, B: image, C: image, D: image, E: image}
    environment: {B: executor, C: executor, D: executor, E: executor, CIRCLE_JOB: mine}
jobs:
  show:
    executor: here
    environment: {C: job, D: job, E: job, LITERAL: '$HOME and ${A}', WHOLE: 7, YES: true}
    steps:
      - run:
          name: show
          environment: {D: step, E: step}
          command: |
            E=shell
            echo "$A $B $C $D $E $CIRCLE_JOB"
            echo "$LITERAL $WHOLE $YES"
      - run: {name: pass, command: 'echo "export D=handed" >> "$BASH_ENV"; export LOST=1'}
      - run: {name: later, command: 'echo "$D ${LOST-gone}"'}
      - run: {name: plain sh, shell: /bin/sh, command: 'echo "$D"'}
      - run: {name: in a dollar folder, working_directory: '$HOME', command: pwd}
workflows:
  w: {jobs: [show]}
"""


def test_what_is_set_closer_to_the_command_wins(site: Site) -> None:
    project = site.project(PRECEDENCE)
    site.client.finished(site.client.trigger(project.slug, branch="main")["id"])
    output = site.client.output(project.slug, 1)
    assert output["show"] == "image executor job step shell mine\n$HOME and ${A} 7 true\n"
    assert output["later"] == "handed gone\n"
    assert output["plain sh"] == "job\n"
    assert '"$HOME" of this step does not exist' in output["in a dollar folder"]


NAMES = """
version: 2.1
jobs:
  named:
    docker: [{image: 'cimg/base:stable'}]
    steps:
      - checkout
      - run: |
          echo first line
          echo second line
      - run: {name: a name, command: echo hi}
      - checkout: {name: once more}
workflows:
  w: {jobs: [named]}
"""


def test_steps_have_the_names_that_users_know(site: Site) -> None:
    project = site.project(NAMES)
    site.client.finished(site.client.trigger(project.slug, branch="main")["id"])
    build = site.client.build(project.slug, 1)
    assert [step["name"] for step in build["steps"]] == [
        "Spin up environment",
        "Preparing environment variables",
        "Checkout code",
        "echo first line",
        "a name",
        "once more",
    ]
    assert build["steps"][3]["actions"][0]["bash_command"].startswith(
        "#!/bin/bash -eo pipefail\necho first line\necho second line"
    )
    assert (
        "CIRCLE_JOB=named" in site.client.output(project.slug, 1)["Preparing environment variables"]
    )
