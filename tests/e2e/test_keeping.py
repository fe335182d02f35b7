"""What jobs leave behind and take up again, through the API, on real back ends."""

import contextlib
import http.client
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.e2e.client import DEADLINE_SECONDS, ENDED, Answer, until
from tests.e2e.site import Project, Site
from tests.engine import Engine
from tests.images import BUSYBOX, DEBIAN, Recipe, derived, have
from tests.spec import SPEC

pytestmark = [pytest.mark.e2e]

RUNNABLE = SPEC / "corpus" / "runnable"
DOCKER = "docker: [{image: 'cimg/base:stable'}]"


def run(
    site: Site, project: Project, *, status: str = "success", within: float = DEADLINE_SECONDS
) -> dict[str, int]:
    """Run the project's only workflow; return the numbers of its jobs."""
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"], within=within).values()
    jobs = site.client.jobs(workflow["id"])
    outputs = [
        site.client.output(project.slug, job["job_number"])
        for job in jobs.values()
        if "job_number" in job
    ]
    assert workflow["status"] == status, outputs
    return {name: job["job_number"] for name, job in jobs.items() if "job_number" in job}


def published(site: Site, name: str) -> Project:
    return site.project((RUNNABLE / f"{name}.yml").read_bytes())


def text_of(site: Site, project: Project, number: int) -> str:
    return "".join(site.client.output(project.slug, number).values())


@contextlib.contextmanager
def opened(site: Site, url: str, *, token: str | None = None) -> Iterator[http.client.HTTPResponse]:
    """Open an address as a browser would, without the client's token."""
    where = urlsplit(site.server.url)
    assert where.hostname is not None
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    try:
        headers = {"Circle-Token": token} if token else {}
        connection.request("GET", url.removeprefix(site.server.url), headers=headers)
        yield connection.getresponse()
    finally:
        connection.close()


def fetch(site: Site, url: str, *, token: str | None = None) -> Answer:
    """Fetch an address as a browser would, without the client's token."""
    with opened(site, url, token=token) as response:
        return Answer(response.status, response.headers, response.read())


@pytest.mark.spec
def test_05_a_workspace_is_carried_to_the_next_job(site: Site) -> None:
    project = published(site, "05-workspace-echo")
    jobs = run(site, project)
    assert "It worked!" in text_of(site, project, jobs["downstream"])


@pytest.mark.spec
def test_15_artifacts_and_tests_are_listed_and_served(site: Site) -> None:
    project = published(site, "15-artifacts-tests")
    number = run(site, project)["build"]
    base = f"/api/v2/project/{project.slug}/{number}"
    artifacts = list(site.client.items(f"{base}/artifacts"))
    assert [(a["path"], a["node_index"]) for a in artifacts] == [
        ("files/a.txt", 0),
        ("files/out/b.txt", 0),
    ]
    tests = list(site.client.items(f"{base}/tests"))
    assert [(t["name"], t["result"], t["file"], t["run_time"]) for t in tests] == [
        ("one", "success", "a.py", 0.1),
        ("two", "skipped", "a.py", 0.2),
    ]
    v1 = f"/api/v1.1/project/{project.slug}"
    assert [a["path"] for a in site.client.get(f"{v1}/{number}/artifacts")] == [
        "files/a.txt",
        "files/out/b.txt",
    ]
    assert len(site.client.get(f"{v1}/latest/artifacts?branch=main&filter=successful")) == 2
    assert [t["classname"] for t in site.client.get(f"{v1}/{number}/tests")["tests"]] == [
        "a.b",
        "a.b",
    ]
    answer = fetch(site, artifacts[0]["url"])
    assert (answer.status, answer.body) == (200, b"a\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert fetch(site, artifacts[1]["url"]).body == bytes(4096)
    assert artifacts[0]["url"].endswith("/files/a.txt")
    bare = re.sub(r"/[0-9]+\.[^/]*/", "/-/", artifacts[0]["url"])
    assert fetch(site, bare).status == 403
    assert fetch(site, bare, token=site.client.token).body == b"a\n"
    assert fetch(site, artifacts[0]["url"].replace("a.txt", "out/b.txt")).status == 403


@pytest.mark.spec
def test_16_a_cache_is_missed_saved_and_hit(site: Site) -> None:
    project = published(site, "16-cache-roundtrip")
    first = text_of(site, project, run(site, project)["build"])
    assert "MISS" in first
    assert "No cache is found for key: v1-deps-arch1-linux-" in first
    assert "Stored Cache to v1-deps-arch1-linux-" in first
    second = text_of(site, project, run(site, project)["build"])
    assert "HIT" in second
    assert "Found a cache at v1-deps-arch1-linux-" in second
    assert "Skipping cache generation, cache already exists for key" in second


@pytest.mark.spec
def test_19_an_old_config_shares_its_folder_between_jobs(site: Site) -> None:
    project = published(site, "19-anchors-merge-2.0")
    assert set(run(site, project)) == {"install", "lint", "unit"}


@pytest.mark.spec
def test_20_tests_are_dealt_over_the_nodes(site: Site) -> None:
    project = published(site, "20-tests-split")
    number = run(site, project)["test"]
    output = site.client.output(project.slug, number)
    (listed,) = [text for name, text in output.items() if "circleci tests" in name]
    assert sorted(listed.split()) == [
        "foo/t1.py",
        "foo/t2.py",
        "foo/x/t3.py",
        "foo/x/t4.py",
        "foo/x/t5.py",
    ]


TIMED = f"""
version: 2.1
jobs:
  test:
    {DOCKER}
    parallelism: 2
    steps:
      - run: mkdir -p r; touch slow.py b.py c.py
      - run:
          name: split
          command: |
            circleci tests glob '*.py' |
              circleci tests split --split-by=timings --timings-type=file | tee mine
      - run: |
          for name in $(cat mine); do
            time=1; [ $name != slow.py ] || time=60
            case="<testcase name='t' file='$name' time='$time'/>"
            echo "<testsuite>$case</testsuite>" >r/$name.xml
          done
      - store_test_results: {{path: r}}
      - store_artifacts: {{path: mine}}
workflows:
  w: {{jobs: [test]}}
"""


def test_the_times_of_one_run_weigh_in_the_next_and_nodes_keep_their_own(site: Site) -> None:
    project = site.project(TIMED)
    number = run(site, project)["test"]
    split = site.client.output(project.slug, number)["split"]
    assert "Falling back to weighting by name" in split
    tests = list(site.client.items(f"/api/v2/project/{project.slug}/{number}/tests"))
    assert sorted(test["file"] for test in tests) == ["b.py", "c.py", "slow.py"]
    number = run(site, project)["test"]
    artifacts = list(site.client.items(f"/api/v2/project/{project.slug}/{number}/artifacts"))
    assert [(a["path"], a["node_index"]) for a in artifacts] == [("mine", 0), ("mine", 1)]
    shares = [fetch(site, a["url"]).body.decode().split() for a in artifacts]
    assert shares == [["slow.py"], ["b.py", "c.py"]]


CONFLICT = f"""
version: 2.1
jobs:
  a: &persist
    {DOCKER}
    steps:
      - run: mkdir ws; echo $CIRCLE_JOB >ws/same; echo $CIRCLE_JOB >ws/$CIRCLE_JOB
      - persist_to_workspace: {{root: ws, paths: ['*']}}
  b: *persist
  join:
    {DOCKER}
    steps: [{{attach_workspace: {{at: .}}}}]
  after:
    {DOCKER}
    steps: [{{attach_workspace: {{at: .}}}}, {{run: 'cat same a; ls'}}]
workflows:
  w: {{jobs: [a, b, join: {{requires: [a, b]}}, after: {{requires: [a]}}]}}
"""


def test_concurrent_jobs_that_persist_one_file_are_a_conflict(site: Site) -> None:
    project = site.project(CONFLICT)
    jobs = run(site, project, status="failed")
    joined = text_of(site, project, jobs["join"])
    assert "Concurrent upstream jobs persisted the same file(s)" in joined
    after = text_of(site, project, jobs["after"])
    assert "a\na\na\nsame\n" in after


BROKEN = f"""
version: 2.1
jobs:
  build:
    {DOCKER}
    steps:
      - restore_cache: {{key: k}}
      - run: mkdir -p d; head -c 200000 /dev/urandom >d/f
      - save_cache: {{key: k, paths: [d]}}
workflows:
  w: {{jobs: [build]}}
"""


def test_a_cache_whose_archive_is_cut_on_the_disk_is_a_miss(site: Site) -> None:
    project = site.project(BROKEN)
    before = set(site.server.data.rglob("blobs/kept/*/*"))
    assert "Stored Cache to k" in text_of(site, project, run(site, project)["build"])
    (archive,) = set(site.server.data.rglob("blobs/kept/*/*")) - before
    archive.write_bytes(archive.read_bytes()[:50_000])
    again = text_of(site, project, run(site, project)["build"])
    assert "No cache is found for key: k" in again
    assert "Stored Cache to k" in again
    assert "Found a cache at k" in text_of(site, project, run(site, project)["build"])


BARE = """
version: 2.1
commands:
  bare:
    steps: [{run: {name: bare, command: WITHOUT}}]
executors:
  bare: {docker: [{image: 'IMAGE'USER}]}
jobs:
  first:
    executor: bare
    steps:
      - checkout
      - bare
      - run: {name: whose, command: 'id -u; stat -c %u . .git .circleci/config.yml'}
      - run: |
          mkdir -p ws/d deps/.bin; echo one >ws/d/f; echo two >ws/g.txt; echo dep >deps/x
          ln -s ../x deps/.bin/x; chmod 700 deps/x
          echo '<testsuite><testcase name="t" file="f"/></testsuite>' >r.xml
          circleci tests glob '**/*.txt' | circleci tests split
      - save_cache: {key: k, paths: [deps, ~/more]}
      - persist_to_workspace: {root: ws, paths: [d, '*.txt']}
      - store_artifacts: {path: ws, destination: out}
      - store_artifacts: {path: r.xml}
      - store_test_results: {path: r.xml}
  second:
    executor: bare
    steps:
      - bare
      - restore_cache: {key: k}
      - attach_workspace: {at: ~/here}
      - run:
          name: look
          command: cat ~/here/d/f ~/here/g.txt deps/.bin/x; stat -c '%A %u' deps/x; id -u
workflows:
  w: {jobs: [first, second: {requires: [first]}]}
"""


@pytest.mark.docker
@pytest.mark.parametrize(
    ("image", "keys", "without", "who"),
    [
        ("busybox:latest", "", "true", "0"),
        ("busybox:latest", ", user: circleci", "true", "3434"),
        ("debian:12", "", "rm $(command -v tar)", "0"),
        (BUSYBOX, "", "true", "3434"),
        (DEBIAN, "", "true", "3434"),
    ],
    ids=["busybox", "busybox-as-another-user", "no-tar", "own-user-busybox", "own-user-debian"],
)
def test_an_image_needs_little_to_check_out_and_keep_files(
    image: str | Recipe, keys: str, without: str, who: str, engine: Engine, docker_site: Site
) -> None:
    """Also one whose own configuration names a user that is not root, as CircleCI's images do."""
    site = docker_site
    if isinstance(image, Recipe):
        image = derived(engine, have(engine, image), "own-user", "USER circleci")
    config = BARE.replace("USER", keys).replace("WITHOUT", repr(without))
    project = site.project(config.replace("IMAGE", image))
    jobs = run(site, project)
    assert site.client.output(project.slug, jobs["first"])["whose"] == f"{who}\n" * 4
    look = site.client.output(project.slug, jobs["second"])["look"]
    assert look == f"one\ntwo\ndep\n-rwx------ {who}\n{who}\n"
    base = f"/api/v2/project/{project.slug}/{jobs['first']}"
    assert [a["path"] for a in site.client.items(f"{base}/artifacts")] == [
        "out/d/f",
        "out/g.txt",
        "r.xml",
    ]
    assert [t["file"] for t in site.client.items(f"{base}/tests")] == ["f"]


RERUN = f"""
version: 2.1
jobs:
  make:
    {DOCKER}
    steps:
      - run: {{name: token, command: head -c 20 /dev/urandom | sha256sum | tee token}}
      - persist_to_workspace: {{root: ., paths: [token]}}
  use:
    {DOCKER}
    steps:
      - attach_workspace: {{at: .}}
      - restore_cache: {{key: mark}}
      - run: if [ -e mark ]; then touch again; else touch mark; fi
      - save_cache: {{key: mark, paths: [mark]}}
      - run: test -e again
      - run: {{name: token, command: cat token}}
workflows:
  w: {{jobs: [make, use: {{requires: [make]}}]}}
"""


def test_a_rerun_from_failed_attaches_what_the_first_run_persisted(site: Site) -> None:
    project, client = site.project(RERUN), site.client
    pipeline = client.trigger(project.slug, branch="main")
    (workflow,) = client.finished(pipeline["id"]).values()
    assert workflow["status"] == "failed"
    made = client.jobs(workflow["id"])["make"]["job_number"]
    answer = client.request(
        "POST", f"/api/v2/workflow/{workflow['id']}/rerun", body={"from_failed": True}
    )
    assert answer.status == 202, repr(answer)
    again = answer.json()["workflow_id"]
    ended = until(
        lambda: client.get(f"/api/v2/workflow/{again}"), lambda found: found["status"] in ENDED
    )
    assert ended["status"] == "success"
    used = client.jobs(again)["use"]["job_number"]
    token = client.output(project.slug, made)["token"]
    assert client.output(project.slug, used)["token"] == token
