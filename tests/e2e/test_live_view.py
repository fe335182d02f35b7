"""The live view of `roundel run`, in a real terminal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_local_runs import processes_of
from tests.local import Checkout
from tests.terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

CONFIG = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: "printf '\\\\033[2J\\\\033[31mred\\\\033[0m\\\\033[5A and more\\\\n'"}]
  slow:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: {name: Wait, command: echo slow began; sleep 4711}}]
  test:
    docker: [{image: "cimg/base:current"}]
    steps:
      - run: {name: Check, command: echo checking; touch left-by-the-job; false}
workflows: {main: {jobs: [build, slow, test: {requires: [build]}]}}
"""
APPROVAL = """
version: 2.1
jobs:
  deploy:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo deployed}]
workflows: {main: {jobs: [hold: {type: approval}, deploy: {requires: [hold]}]}}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, CONFIG)


@pytest.fixture
def view(checkout: Checkout, tmp_path: Path) -> Iterator[Terminal]:
    """A run in which `test` has failed and `slow` is under way."""
    with opened(checkout, tmp_path, "--slots", "2") as terminal:
        terminal.shows("✗ test  failed", "● slow  running  Wait", "checking")
        yield terminal


def opened(checkout: Checkout, folder: Path, *words: str) -> Terminal:
    return Terminal(
        folder, checkout.command(*words), cwd=checkout.root, environment=checkout.environment()
    )


def left_by(checkout: Checkout) -> list[str]:
    """Return what still runs, the terminal of the test itself left out."""
    return [it for it in processes_of(checkout) if not it.startswith(("tmux", "cat"))]


def test_it_shows_the_jobs_as_a_tree_and_the_output_of_the_one_that_failed(view: Terminal) -> None:
    lines = [line.rstrip() for line in view.screen().splitlines()]
    assert lines[0] == "main  failing"
    assert lines[1].startswith("  ✓ build  success")
    assert lines[2].startswith("▶   └ ✗ test  failed")
    assert lines[3].startswith("  ● slow  running  Wait")
    assert lines[5:7] == ["▸ Check", "checking"]
    assert 'Step "Check" failed: exit code 1' in lines


def test_keys_switch_to_the_output_of_another_job(view: Terminal) -> None:
    view.type("Down")
    screen = view.shows("▶ ● slow", "slow began")
    assert "checking" not in screen


def test_what_a_job_says_to_terminals_does_not_break_the_screen(view: Terminal) -> None:
    view.type("Up")
    lines = view.shows("▶ ✓ build", "red and more").splitlines()
    assert lines[0] == "main  failing"
    assert lines[-1].startswith("↑↓ job")


def test_the_picture_fits_after_each_resize(view: Terminal) -> None:
    for columns, height in ((40, 12), (120, 40), (60, 20)):
        view.resize(columns, height)
        rule = "─" * (columns - len("── test "))
        lines = view.shows(f"── test {rule}\n").split("\n")
        assert lines[0] == "main  failing"
        assert lines[height - 1].startswith("↑↓ job")
        assert sum("checking" in line for line in lines) == 1


def test_keys_cancel_a_job_and_run_one_again(view: Terminal) -> None:
    view.type("Down")
    view.shows("▶ ● slow")
    view.type("c")
    view.shows("▶ ✗ slow  canceled", "r rerun  s shell  q leave")
    view.type("Up")
    view.shows("▶   └ ✗ test  failed")
    view.type("r")
    view.shows("main (run 2)", "▶   └ ✗ test  failed", "checking")
    view.type("q")
    assert view.exit_code() == 1


def test_a_key_opens_a_shell_in_a_failed_job_and_leaving_it_leads_back(
    view: Terminal, checkout: Checkout
) -> None:
    view.type("s")
    view.shows("(test) ~/project $")
    view.type("ls; echo in $CIRCLE_JOB", "Enter")
    view.shows("left-by-the-job", "in test")
    view.type("exit", "Enter")
    view.shows("main  failing", "checking")
    view.type("q")
    assert view.exit_code() == 130
    assert left_by(checkout) == []


def test_ctrl_c_ends_everything_and_gives_the_terminal_back(
    view: Terminal, checkout: Checkout
) -> None:
    view.type("C-c")
    assert view.exit_code() == 130
    screen = view.shows("main: canceled", "slow", "Logs")
    assert "↑↓ job" not in screen
    assert left_by(checkout) == []
    assert list(checkout.cache.glob("**/runner/jobs/*")) == []
    view.type("echoed", "Enter")  # by the terminal, and again by what reads there now
    view.shows("echoed\nechoed")


def test_ctrl_c_also_ends_what_was_to_run_again(view: Terminal, checkout: Checkout) -> None:
    view.type("r")
    view.shows("it runs again once its workflow has ended")
    view.type("C-c")
    assert view.exit_code() == 130
    view.shows("main: canceled", "Logs")
    assert len(list(checkout.cache.glob("**/logs/*-test.log"))) == 1


def test_the_question_for_an_approval_that_is_canceled_is_taken_back(tmp_path: Path) -> None:
    with opened(Checkout(tmp_path, APPROVAL), tmp_path) as terminal:
        terminal.shows("▶ ? hold", "Approve hold of workflow main? [y/n]")
        terminal.type("c")
        terminal.shows("✗ hold  canceled")
        terminal.hides("Approve hold")
        terminal.type("q")
        assert terminal.exit_code() == 1


def test_it_asks_for_approvals_and_closes_after_a_success(tmp_path: Path) -> None:
    with opened(Checkout(tmp_path, APPROVAL), tmp_path) as terminal:
        terminal.shows("? hold  on_hold", "Approve hold of workflow main? [y/n]")
        terminal.type("y")
        assert terminal.exit_code() == 0
        terminal.shows("main: success", "deploy")


def test_plain_prints_lines_on_a_terminal_too(tmp_path: Path) -> None:
    with opened(Checkout(tmp_path, APPROVAL), tmp_path, "--plain", "--approve=all") as terminal:
        assert terminal.exit_code() == 0
        terminal.shows("deploy │ deployed")


CONTEXT = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: 'echo "it is $TOKEN"; test "$TOKEN" = sesame'}]
workflows: {main: {jobs: [build: {context: [vault]}]}}
"""


def test_what_is_in_an_unknown_context_is_asked_for_and_masked(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, CONTEXT)
    with opened(checkout, tmp_path, "--plain") as terminal:
        terminal.shows("The context vault is not known here", "\n>")
        terminal.type("TOKEN=sesame", "Enter")
        terminal.shows(">\n>")
        terminal.type("Enter")
        assert terminal.exit_code() == 0
        assert "sesame" not in terminal.shows("it is ****", "main: success")


def test_ctrl_c_at_such_a_question_ends_the_run(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, CONTEXT)
    with opened(checkout, tmp_path) as terminal:
        terminal.shows("The context vault is not known here", "\n>")
        terminal.type("C-c")
        assert terminal.exit_code() == 1


def test_contexts_are_not_asked_for_where_that_is_not_wanted(tmp_path: Path) -> None:
    done = Checkout(tmp_path, CONTEXT).run("--no-secrets")
    assert done.returncode == 1
    assert "not known" not in done.stdout + done.stderr
