"""`roundel run`: the whole pipeline on this machine, without a server."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.client import until
from tests.local import Checkout, folder_of

pytestmark = pytest.mark.e2e

TWO_JOBS = """
version: 2.1
parameters:
  greeting: {type: string, default: hello}
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps:
      - checkout
      - run: cat notes.txt
      - run: echo "<< pipeline.parameters.greeting >> $CIRCLE_BRANCH $EXTRA"
  test:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo testing}]
workflows:
  main:
    jobs:
      - build
      - test: {requires: [build]}
"""


def a_job(*commands: str) -> str:
    steps = "".join(f"      - run: {command}\n" for command in commands)
    return (
        "version: 2.1\njobs:\n  build:\n    docker: [{image: cimg/base:current}]\n    steps:\n"
        f"      - checkout\n{steps}workflows:\n  main:\n    jobs: [build]\n"
    )


def test_a_run_takes_uncommitted_changes_and_leaves_the_checkout_alone(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, TWO_JOBS, {"notes.txt": "committed\n"})
    checkout.write("notes.txt", "changed and not committed\n")
    checkout.write("new.txt", "not even added\n")
    before = checkout.state()
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed and not committed" in done.stdout
    assert "hello main" in done.stdout
    assert done.stdout.index("│ testing") > done.stdout.index("changed and not committed")
    assert checkout.state() == before


def test_a_clean_run_takes_what_is_committed(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, TWO_JOBS, {"notes.txt": "committed\n"})
    checkout.write("notes.txt", "changed\n")
    done = checkout.run("--clean")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ committed" in done.stdout
    assert "changed" not in done.stdout


def test_ignored_files_are_there_unless_they_are_to_be_left_out(tmp_path: Path) -> None:
    config = a_job("ls")
    checkout = Checkout(tmp_path, config, {".gitignore": "*.secret\n"})
    checkout.write("my.secret", "x")
    assert "my.secret" in checkout.run().stdout
    assert "my.secret" not in checkout.run("--gitignore").stdout


def test_a_failed_job_fails_the_run_and_keeps_what_requires_it_from_running(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, TWO_JOBS)  # there is no notes.txt
    done = checkout.run()
    assert done.returncode == 1
    assert "main: failed" in done.stdout
    assert "not_run" in done.stdout
    assert "│ testing" not in done.stdout


def test_parameters_variables_and_a_pretended_branch_reach_the_jobs(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, TWO_JOBS, {"notes.txt": ""})
    done = checkout.run("-p", "greeting=moin", "-e", "EXTRA=more", "--branch", "feature/x")
    assert "moin feature/x more" in done.stdout


def test_secrets_of_a_file_are_masked(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job('echo "the token is $TOKEN"'))
    secrets = tmp_path / "secrets.env"
    secrets.write_text("# of production\nexport TOKEN='correct-horse'\n")
    done = checkout.run("--env-file", str(secrets))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the token is" in done.stdout
    assert "correct-horse" not in done.stdout
    logs = folder_of(done.stdout) / "logs"
    assert all("correct-horse" not in log.read_text() for log in logs.iterdir())


def test_a_config_with_mistakes_is_shown_with_its_places(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "version: 2.1\njobs:\n  build:\n    steps: [checkout]\n")
    done = checkout.run()
    assert done.returncode == 1
    assert ".circleci/config.yml:" in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_checkout_a_run_is_refused(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, TWO_JOBS)
    done = subprocess.run(
        checkout.command(),
        cwd=tmp_path,
        env=checkout.environment(GIT_CEILING_DIRECTORIES=str(tmp_path.parent)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "is in no git checkout" in done.stderr


def test_caches_survive_between_runs(tmp_path: Path) -> None:
    config = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps:
      - restore_cache: {keys: [deps-v1]}
      - run: if [ -e deps/one ]; then echo HIT; else echo MISS; fi; mkdir -p deps; touch deps/one
      - save_cache: {key: deps-v1, paths: [deps]}
workflows: {main: {jobs: [build]}}
"""
    checkout = Checkout(tmp_path, config)
    assert "│ MISS" in checkout.run().stdout
    assert "│ HIT" in checkout.run().stdout


LARGE_CACHE = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps:
      - restore_cache: {keys: [large-v1]}
      - run: mkdir -p large; [ -e large/one ] || head -c 20000000 /dev/urandom > large/one
      - save_cache: {key: large-v1, paths: [large]}
workflows: {main: {jobs: [build]}}
"""


def test_archives_tell_how_far_they_are(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, LARGE_CACHE)
    for text in ("Uploading", "Downloading"):
        events = [json.loads(line) for line in checkout.run("--json").stdout.splitlines()]
        assert events[-1]["succeeded"] is True
        told = [event for event in events if event["event"] == "progress"]
        assert {event["text"] for event in told} == {text}
        done = [event["done"] for event in told]
        assert done == sorted(set(done))
        assert done[-1] >= 8_000_000
        totals = {event["total"] for event in told}
        if text == "Uploading":  # what is packed as it goes has no known end
            assert totals == {None}
        else:
            (total,) = totals
            assert done[-1] <= total < 21_000_000
    assert "│ Downloading …" in checkout.run().stdout


def test_output_stands_below_the_name_of_its_step(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("echo one", "echo two", "echo three"))
    lines = [line.partition("│ ")[2] for line in checkout.run().stdout.splitlines()]
    said = [line for line in lines if line.endswith(("one", "two", "three"))]
    assert said == ["▸ echo one", "one", "▸ echo two", "two", "▸ echo three", "three"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    checkout = Checkout(tmp_path, a_job("echo $$ > /proc/self/fd/1; sleep 4711"))
    process = started(checkout)
    process.send_signal(number)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 130, output
    assert "canceled" in output
    assert processes_of(checkout) == []
    assert list(checkout.cache.glob("**/runner/jobs/*")) == []


def test_the_next_run_removes_what_a_killed_one_has_left(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("sleep 4711"))
    process = started(checkout)
    process.kill()
    process.communicate()
    assert processes_of(checkout) != []
    checkout.write(".circleci/config.yml", a_job("echo again"))
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert processes_of(checkout) == []


def started(
    checkout: Checkout, *words: str, hangups: signal.Handlers = signal.SIG_DFL
) -> "subprocess.Popen[str]":
    """Return a run whose job has come to its sleep."""
    process = subprocess.Popen(
        checkout.command(*words),
        cwd=checkout.root,
        env=checkout.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, hangups),
    )
    until(lambda: sleepers(checkout), bool)
    return process


def sleepers(checkout: Checkout) -> list[str]:
    return [line for line in processes_of(checkout) if "sleep" in line]


def processes_of(checkout: Checkout) -> list[str]:
    """Return the command lines of all processes that a run of this checkout has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(checkout.cache) in (entry / "environ").read_text(errors="replace"):
                command = (entry / "cmdline").read_text().replace("\0", " ")
                if "roundel run" not in command:
                    found.append(command)
        except OSError:
            continue  # it has ended meanwhile
    return found


def test_stubs_go_through_the_graph_without_the_steps(tmp_path: Path) -> None:
    done = Checkout(tmp_path, a_job("exit 1")).run("--stub")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a stub of this job" in done.stdout


def test_in_place_a_job_works_on_the_checkout_itself(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("pwd -P; echo made > made-by-the-job"))
    done = checkout.run("--in-place")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout.root / "made-by-the-job").read_text() == "made\n"


def test_a_run_ends_when_nobody_reads_its_output_any_more(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("while sleep 0.01; do echo more; done"))
    command = " ".join(checkout.command())
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 3; exit ${{PIPESTATUS[0]}}"],
        cwd=checkout.root,
        env=checkout.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr == ""
    assert processes_of(checkout) == []


RESULTS = """
version: 2.1
jobs:
  test:
    docker: [{image: "cimg/base:current"}]
    steps:
      - run: |
          mkdir -p out reports
          echo kept > out/kept.txt
          cat > reports/r.xml <<'END'
          <testsuite>
          <testcase classname="tests.test_sums" name="test_two" file="tests/test_sums.py">
          <failure message="assert 1 + 1 == 3">tests/test_sums.py:7: AssertionError</failure>
          </testcase><testcase classname="tests.test_sums" name="test_one"/>
          <testcase classname="Words" name="split" file="spec/words.rb" line="12">
          <failure message="expected 2, got 3"/></testcase></testsuite>
          END
          exit 1
      - store_test_results: {path: reports, when: always}
      - store_artifacts: {path: out, when: always}
workflows: {main: {jobs: [test]}}
"""


def test_failed_tests_are_summed_up_and_artifacts_are_kept(tmp_path: Path) -> None:
    done = Checkout(tmp_path, RESULTS).run()
    assert done.returncode == 1
    assert "Tests: 3 run, 2 failed" in done.stdout
    assert "tests/test_sums.py:7  tests.test_sums.test_two (test)" in done.stdout
    assert "spec/words.rb:12  Words.split (test)" in done.stdout
    folder = folder_of(done.stdout)
    (kept,) = (folder / "artifacts").glob("*-test/out/kept.txt")
    assert kept.read_text() == "kept\n"
    assert len(list((folder / "tests").iterdir())) == 1


CONTEXT = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: 'test "$FROM_CONTEXT" = sesame'}]
workflows: {main: {jobs: [build: {context: [vault]}]}}
"""


def test_a_file_of_secrets_stands_for_the_contexts_of_a_config(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, CONTEXT)
    without = checkout.run()
    assert without.returncode == 1
    assert "contexts are not known here (vault)" in without.stderr
    secrets = tmp_path / "secrets.env"
    secrets.write_text("FROM_CONTEXT=sesame\n")
    done = checkout.run("--env-file", str(secrets))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


TWO_CONTEXTS = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps:
      - run: echo "build has ${FROM_A:-no a} and ${FROM_B:-no b}"; echo "$FROM_A" > secret
      - persist_to_workspace: {root: ., paths: [secret]}
  test:
    docker: [{image: "cimg/base:current"}]
    steps:
      - attach_workspace: {at: .}
      - run: echo "test has ${FROM_A:-no a} and ${FROM_B:-no b}"; cat secret
workflows:
  main:
    jobs:
      - build: {context: [a]}
      - test: {requires: [build], context: [b, c]}
"""


def test_a_context_of_a_file_reaches_only_the_jobs_that_name_it(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, TWO_CONTEXTS)
    (tmp_path / "a.env").write_text("FROM_A=sesame-a\n")
    (tmp_path / "b.env").write_text("FROM_B=sesame-b\n")
    files = [f"{name}={tmp_path / name}.env" for name in ("a", "b")]
    done = checkout.run("--context", files[0], "--context", files[1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "build has **** and no b" in done.stdout
    assert "test has no a and ****" in done.stdout
    assert "sesame" not in done.stdout
    assert "contexts are not known here (c)" in done.stderr
    wrong = checkout.run("--context", "a")
    assert wrong.returncode == 2
    assert "'a' is not KEY=VALUE" in wrong.stderr


ORB = """
version: 2.1
orbs: {hi: acme/hi@1.0.0}
workflows: {main: {jobs: [hi/greet]}}
"""
GREET = """
version: 2.1
jobs:
  greet:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo greetings}]
"""


def test_a_run_needs_no_network_also_with_orbs(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, ORB)
    orb = tmp_path / "orbs" / "acme" / "hi" / "1.0.0.yml"
    orb.parent.mkdir(parents=True)
    orb.write_text(GREET)
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        ["unshare", "--net", *as_root, *checkout.command("--orbs", str(tmp_path / "orbs"))],
        cwd=checkout.root,
        env=checkout.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "greetings" in done.stdout
