"""`roundel run` while one looks for a mistake: shells, and going on from the last run."""

from pathlib import Path

import pytest

from roundel.store.folder import DataFolder
from tests.local import Checkout
from tests.terminal import Terminal

pytestmark = pytest.mark.e2e

CONFIG = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps:
      - run: echo building; echo made > made; echo 'export LEARNED=before' >> "$BASH_ENV"
      - persist_to_workspace: {root: ., paths: [made]}
  test:
    docker: [{image: "cimg/base:current"}]
    steps:
      - checkout
      - attach_workspace: {at: ws}
      - run:
          name: Set up
          command: |
            echo setting up; date +%N > set-up
            echo 'export LEARNED=yes' >> $BASH_ENV
      - run:
          name: Check
          environment: {OWN: mine}
          command: cat ws/made set-up fixed && test $LEARNED = yes
      - run: echo all is well
workflows: {main: {jobs: [build, test: {requires: [build]}]}}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, CONFIG)


def opened(checkout: Checkout, folder: Path, *words: str) -> Terminal:
    return Terminal(
        folder,
        checkout.command("--plain", *words),
        cwd=checkout.root,
        environment=checkout.environment(),
    )


@pytest.mark.tmux
def test_a_break_gives_a_shell_before_a_step_with_its_environment(
    checkout: Checkout, tmp_path: Path
) -> None:
    with opened(checkout, tmp_path, "--break", "test:Check") as terminal:
        terminal.shows("(test) ~/project $")
        terminal.type("echo $OWN $LEARNED $CIRCLE_JOB > fixed; cat fixed", "Enter")
        terminal.shows("mine yes test\n")
        terminal.type("exit", "Enter")
        assert terminal.exit_code() == 0
        terminal.shows("all is well", "main: success")


@pytest.mark.tmux
def test_a_failed_job_is_left_to_a_shell_before_it_is_removed(
    checkout: Checkout, tmp_path: Path
) -> None:
    with opened(checkout, tmp_path, "--shell-on-failure") as terminal:
        terminal.shows("(test) ~/project $")
        terminal.type("ls", "Enter")
        terminal.shows("set-up")
        terminal.type("exit", "Enter")
        assert terminal.exit_code() == 1
        terminal.shows("main: failed")


@pytest.mark.tmux
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("tset:checkout", "no job 'tset' runs, to break in; those that do: build, test"),
        ("test:chekcout", "test has no step 'chekcout' to break before; it has: "),
    ],
)
def test_a_break_that_is_never_come_to_is_refused(
    checkout: Checkout, tmp_path: Path, place: str, said: str
) -> None:
    with opened(checkout, tmp_path, "--break", place) as terminal:
        assert terminal.exit_code() == 1
        terminal.shows(said)


def test_a_shell_is_refused_where_there_is_no_terminal(checkout: Checkout) -> None:
    done = checkout.run("--shell-on-failure")
    assert done.returncode == 1
    assert "a shell needs a terminal" in done.stderr


def test_what_failed_runs_again_with_the_files_as_they_are_now(checkout: Checkout) -> None:
    assert checkout.run().returncode == 1
    checkout.write("fixed", "mended\n")
    done = checkout.run("--failed")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ mended" in done.stdout
    assert "│ made" in done.stdout  # in the workspace of the job that is not run again
    assert "│ building" not in done.stdout
    again = checkout.run("--failed")
    assert again.returncode == 1
    assert "there is nothing to run again" in again.stderr


def test_without_a_run_there_is_nothing_to_go_on_from(checkout: Checkout) -> None:
    done = checkout.run("--failed")
    assert done.returncode == 1
    assert "there is no run of this checkout to go on from" in done.stderr


@pytest.mark.parametrize("words", [("test",), ("--stub",), ("-p", "a=b"), ("--from", "test:Check")])
def test_what_only_a_new_run_can_have_is_refused(
    checkout: Checkout, words: tuple[str, ...]
) -> None:
    done = checkout.run("--failed", *words)
    assert done.returncode == 1
    assert "leave out" in done.stderr or "give one of" in done.stderr


def test_a_job_goes_on_from_a_step_with_its_files_as_they_were(checkout: Checkout) -> None:
    first = checkout.run("--snapshots")
    assert first.returncode == 1
    resumed = checkout.run("--snapshots", "--from", "test:Check", "-e", "X=1")
    assert resumed.returncode == 1
    assert "setting up" not in resumed.stdout
    assert set_up_of(resumed.stdout) == set_up_of(first.stdout)
    again = checkout.run("--from", "test:Set up")
    assert "│ setting up" in again.stdout
    assert set_up_of(again.stdout) != set_up_of(first.stdout)


def test_a_step_without_kept_files_is_refused_with_those_that_there_are(
    checkout: Checkout,
) -> None:
    checkout.run("--snapshots")
    done = checkout.run("--from", "test:Nothing like it")
    assert done.returncode == 1
    assert "Set up, Check" in done.stderr
    assert done.stdout == ""  # nothing has begun, so that the last run is still there
    unknown = checkout.run("--from", "deploy:Check")
    assert "the last run had no job 'deploy'; it had: build, test" in unknown.stderr
    resumed = checkout.run("--from", "test:Check")
    assert "▸ Check" in resumed.stdout, resumed.stderr
    assert "setting up" not in resumed.stdout


def test_what_was_kept_is_removed_when_asked(checkout: Checkout) -> None:
    checkout.run("--snapshots")
    assert list(checkout.cache.glob("**/snapshots/*/*/about.json"))
    done = checkout.run("--prune")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "removed 6 kept folders and 0 images\n"
    assert list(checkout.cache.glob("**/snapshots")) == []
    assert "there are some for: none" in checkout.run("--from", "test:Check").stderr
    assert checkout.run("--prune").stdout == "removed 0 kept folders and 0 images\n"


def test_nothing_is_removed_while_a_run_may_need_it(checkout: Checkout) -> None:
    checkout.run("--snapshots")
    (state,) = checkout.cache.glob("roundel/run/*/state")
    held = DataFolder(state)
    try:
        done = checkout.run("--prune")
    finally:
        held.close()
    assert done.returncode == 1
    assert "a run of this checkout is under way" in done.stderr
    assert list(checkout.cache.glob("**/snapshots/*/*/about.json"))


def set_up_of(output: str) -> str:
    """Return the line that the file has which the step before has written: a different one each."""
    lines = [line.partition("│ ")[2] for line in output.splitlines()]
    return lines[lines.index("made") + 1]


TESTS = """
version: 2.1
jobs:
  test:
    docker: [{image: "cimg/base:current"}]
    steps:
      - run: |
          printf 'tests/a.py\\ntests/b.py\\n' | circleci tests run --command="xargs -n1 echo ran"
          mkdir reports
          cat > reports/r.xml <<'END'
          <testsuite><testcase classname="b" name="test_b" file="tests/b.py"><failure/></testcase>
          <testcase classname="a" name="test_a" file="tests/a.py"/></testsuite>
          END
          exit 1
      - store_test_results: {path: reports, when: always}
workflows: {main: {jobs: [test]}}
"""


def test_only_the_tests_that_failed_run_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, TESTS)
    first = checkout.run()
    assert "│ ran tests/a.py" in first.stdout
    assert "│ ran tests/b.py" in first.stdout
    again = checkout.run("--failed-tests")
    assert "│ ran tests/b.py" in again.stdout, again.stdout + again.stderr
    assert "│ ran tests/a.py" not in again.stdout
