"""`roundel run` in checkouts of all kinds, and its refusals where there is none."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.test_local_runs import a_job, started
from tests.local import AUTHOR, RUN_SECONDS, Checkout

pytestmark = pytest.mark.e2e

CONFIG = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps:
      - checkout
      - run: echo "on $CIRCLE_BRANCH"; ls -A; cat 'ö b.txt'; git status --short
workflows:
  main:
    jobs: [build]
"""
FILES = {"ö b.txt": "committed\n"}


def a_checkout(folder: Path) -> Checkout:
    folder.mkdir(exist_ok=True)
    checkout = Checkout(folder, CONFIG, FILES)
    checkout.write("ö b.txt", "changed\n")
    return checkout


def of_strange_names(folder: Path) -> Checkout:
    return a_checkout(folder / "sp ace 'ü' \"$(touch no)\"")


def without_a_commit(folder: Path) -> Checkout:
    checkout = a_checkout(folder)
    checkout.git("update-ref", "-d", "HEAD")
    return checkout


def as_a_worktree(folder: Path) -> Checkout:
    checkout = a_checkout(folder)
    checkout.git("worktree", "add", "--quiet", "-b", "other", str(folder / "tree"))
    checkout.root = folder / "tree"
    checkout.write("ö b.txt", "changed\n")
    return checkout


def without_history(folder: Path) -> Checkout:
    checkout = a_checkout(folder)
    checkout.commit("Second")
    checkout.git("clone", "--quiet", "--depth=1", checkout.root.as_uri(), str(folder / "shallow"))
    checkout.root = folder / "shallow"
    return checkout


def with_a_submodule(folder: Path) -> Checkout:
    inner = folder / "inner"
    inner.mkdir()
    inside = Checkout(inner, CONFIG)
    checkout = a_checkout(folder)
    allowed = ("-c", "protocol.file.allow=always")
    checkout.git(*allowed, "submodule", "--quiet", "add", str(inside.root), "below")
    checkout.write("below/new.txt", "not committed there\n")
    return checkout


@pytest.mark.parametrize(
    "make",
    [of_strange_names, without_a_commit, as_a_worktree, without_history, with_a_submodule],
)
@pytest.mark.parametrize("words", [(), ("--in-place",)], ids=["copied", "in place"])
def test_a_run_works_in_every_kind_of_checkout(
    tmp_path: Path, make: Callable[[Path], Checkout], words: tuple[str, ...]
) -> None:
    checkout = make(tmp_path)
    before = checkout.state()
    done = checkout.run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ changed" in done.stdout
    branch = "other" if make is as_a_worktree else "main"
    assert f"│ on {branch}" in done.stdout
    assert done.stderr == ""
    if words:
        assert f"Using the checkout in place: {checkout.root}" in done.stdout
    assert not list(checkout.cache.rglob("no"))
    if not words:  # in place, `git status` of the job refreshes the index
        assert checkout.state() == before


def test_a_detached_head_is_told_with_the_branch_that_is_pretended(tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path)
    checkout.git("checkout", "--quiet", "--detach")
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ on main" in done.stdout
    assert "HEAD is detached, so the run pretends to be on main" in done.stderr
    named = checkout.run("--branch", "fix/this")
    assert "│ on fix/this" in named.stdout
    assert named.stderr == ""


@pytest.mark.parametrize("words", [("--branch", "a b"), ("--tag", "v1..2"), ("--branch", "")])
def test_a_name_that_git_does_not_allow_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    refused = a_checkout(tmp_path).run(*words)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr == f"roundel: {words[0]} {words[1]!r}: git allows no such name\n"


def test_two_runs_at_once_in_one_checkout_do_not_disturb_each_other(tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path)
    runs = [
        subprocess.Popen(
            checkout.command(),
            cwd=checkout.root,
            env=checkout.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    told = [run.communicate(timeout=RUN_SECONDS)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    assert all("main: success" in text for text in told)
    folders = {text.strip().rpartition(": ")[2] for text in told}
    assert len(folders) == 2


def test_a_run_in_a_hook_of_a_worktree_leaves_the_repository_alone(tmp_path: Path) -> None:
    checkout = as_a_worktree(tmp_path)
    hooks = Path(checkout.git("rev-parse", "--git-common-dir").strip()) / "hooks"
    hooks.mkdir(exist_ok=True)
    words = " ".join(checkout.command())
    (hooks / "pre-commit").write_text(f"#!/bin/sh\nexec {words} > {tmp_path}/told 2>&1\n")
    (hooks / "pre-commit").chmod(0o755)
    config, refs = (hooks.parent / "config").read_text(), checkout.git("for-each-ref", "refs")
    subprocess.run(
        ["git", "commit", "--quiet", "--all", "--message", "Second"],
        cwd=checkout.root,
        env=checkout.environment(**AUTHOR),
        check=False,
    )
    told = (tmp_path / "told").read_text()
    assert "main: success" in told
    assert "│ changed" in told
    assert checkout.git("log", "--format=%s").split() == ["Second", "First"]
    assert (hooks.parent / "config").read_text() == config
    known = [line.split("\t")[1] for line in refs.splitlines()]
    found = [line.split("\t")[1] for line in checkout.git("for-each-ref", "refs").splitlines()]
    assert found == known


@pytest.fixture
def seen() -> Iterator[Path]:
    """A folder that jobs see too, which have a /tmp of their own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def test_the_last_of_two_runs_at_once_is_gone_on_with(tmp_path: Path, seen: Path) -> None:
    waits = 'test -z "$GO" || until test -e "$GO"; do sleep 0.05; done; test -z "$FAIL"'
    checkout = Checkout(tmp_path, a_job(waits))
    first = started(checkout, "-e", f"GO={seen}/go")
    second = checkout.run("-e", "FAIL=yes")
    assert second.returncode == 1, second.stdout + second.stderr
    (seen / "go").touch()
    assert "main: success" in first.communicate(timeout=RUN_SECONDS)[0]
    again = checkout.run("--failed")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "main: success" in again.stdout


@pytest.fixture
def apart() -> Iterator[Checkout]:
    """A checkout below /tmp whose cache folder is elsewhere."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as here,
        tempfile.TemporaryDirectory(dir="/var/tmp") as elsewhere,
    ):
        checkout = a_checkout(Path(here))
        checkout.cache = Path(elsewhere)
        yield checkout


def test_a_checkout_below_tmp_is_seen_by_jobs_that_have_a_tmp_of_their_own(apart: Checkout) -> None:
    done = apart.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "│ changed" in done.stdout


def test_a_bare_repository_and_a_folder_without_any_are_refused(tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path)
    bare = tmp_path / "bare.git"
    checkout.git("clone", "--quiet", "--bare", str(checkout.root), str(bare))
    for folder, why in ((bare, "must be run in a work tree"), (tmp_path, "git init")):
        refused = subprocess.run(
            checkout.command(),
            cwd=folder,
            env=checkout.environment(GIT_CEILING_DIRECTORIES=str(tmp_path.parent), **AUTHOR),
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"roundel: {folder} is in no git checkout")
        assert why in refused.stderr
    assert not checkout.cache.exists()
