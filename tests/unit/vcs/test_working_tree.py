"""Taking a checkout as a commit."""

from pathlib import Path

import pytest

from roundel.domain.pipelines import Ref
from roundel.vcs.working_tree import NoCheckout, find_checkout, take_snapshot
from tests.local import Checkout

MAIN = Ref(branch="main")


def test_an_unchanged_checkout_is_its_own_commit(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "version: 2.1\n")
    snapshot = take_snapshot(find_checkout(checkout.root), tmp_path / "home", MAIN)
    assert not snapshot.changed
    assert snapshot.commit.revision == checkout.git("rev-parse", "HEAD").strip()
    assert snapshot.commit.subject == "First"


def test_the_same_changes_are_the_same_commit_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "version: 2.1\n")
    checkout.write("new.txt", "new\n")
    found = find_checkout(checkout.root)
    first = take_snapshot(found, tmp_path / "home", MAIN)
    assert first.changed
    assert take_snapshot(found, tmp_path / "other", MAIN).commit == first.commit
    checkout.write("new.txt", "newer\n")
    assert take_snapshot(found, tmp_path / "home", MAIN).commit != first.commit


def test_a_checkout_without_a_commit_can_be_taken_but_not_clean(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "version: 2.1\n")
    checkout.git("checkout", "--quiet", "--orphan", "fresh")
    found = find_checkout(checkout.root)
    assert (found.branch, found.commit) == ("fresh", None)
    assert take_snapshot(found, tmp_path / "home", MAIN).changed
    with pytest.raises(NoCheckout, match="no commit yet"):
        take_snapshot(found, tmp_path / "home", MAIN, clean=True)


def test_a_worktree_and_a_folder_inside_are_found(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "version: 2.1\n")
    checkout.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "tree"))
    found = find_checkout(tmp_path / "tree" / ".circleci")
    assert (found.root, found.branch) == (tmp_path / "tree", "side")
    assert not take_snapshot(found, tmp_path / "home", Ref(branch="side")).changed


def test_outside_of_a_checkout_there_is_nothing_to_take(tmp_path: Path) -> None:
    with pytest.raises(NoCheckout, match="is in no git checkout"):
        find_checkout(tmp_path)
