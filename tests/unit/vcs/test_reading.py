"""Reading the config of real repositories on this machine."""

from pathlib import Path

import pytest

from roundel.domain.pipelines import Ref
from roundel.domain.repositories import Fetched, Trouble, TroubleKind
from roundel.vcs.bare import LARGEST_CONFIG, GitRepositories
from tests.unit.vcs.conftest import Repo

MAIN = Ref(branch="main")


async def test_the_config_comes_with_the_facts_of_its_commit(
    repo: Repo, repositories: GitRepositories
) -> None:
    revision = repo.commit("version: 2.1", "Build it\n\nAnd say why.\nTwice.\n")
    found = await repositories.fetch(repo.url, MAIN)
    assert isinstance(found, Fetched)
    assert (found.text, found.file) == ("version: 2.1", ".circleci/config.yml")
    commit = found.commit
    assert (commit.revision, commit.subject, commit.body) == (
        revision,
        "Build it",
        "And say why.\nTwice.",
    )
    assert (commit.author_name, commit.author_email) == ("Ada", "ada@example.com")
    assert commit.committed_at == 1_700_000_000_000_000


async def test_the_commit_counts_and_not_what_lies_in_the_checkout(
    repo: Repo, repositories: GitRepositories
) -> None:
    repo.commit("committed: yes")
    (repo.path / ".circleci" / "config.yml").write_text("only: saved")
    found = await repositories.fetch(repo.url, MAIN)
    assert isinstance(found, Fetched)
    assert found.text == "committed: yes"


@pytest.mark.parametrize("prefix", ["", "file://"])
async def test_branches_tags_and_pull_requests_are_found(
    repo: Repo, repositories: GitRepositories, prefix: str
) -> None:
    repo.commit("on: main")
    repo.git("tag", "--annotate", "v1", "--message=One")
    repo.git("checkout", "--quiet", "-b", "feature/-x")
    repo.commit("on: feature")
    pulled = repo.commit("on: pull")
    repo.git("update-ref", "refs/pull/7/head", pulled)
    repo.git("reset", "--quiet", "--hard", "HEAD~1")

    texts = {}
    for ref in (MAIN, Ref(tag="v1"), Ref(branch="feature/-x"), Ref(branch="pull/7/head")):
        found = await repositories.fetch(prefix + repo.url, ref)
        assert isinstance(found, Fetched)
        texts[ref] = found.text
    assert list(texts.values()) == ["on: main", "on: main", "on: feature", "on: pull"]


async def test_a_revision_is_read_although_its_branch_has_moved_on(
    repo: Repo, repositories: GitRepositories
) -> None:
    first = repo.commit("a: 1")
    repo.commit("a: 2")
    found = await repositories.fetch(repo.url, MAIN, first)
    assert isinstance(found, Fetched)
    assert (found.text, found.commit.revision) == ("a: 1", first)


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (Ref(branch="nope"), "Branch not found"),
        (Ref(tag="main"), "Tag not found"),
        (Ref(branch=""), "Branch not found"),
        (Ref(branch="main^{commit}"), "Branch not found"),
        (Ref(branch="main~1"), "Branch not found"),
        (Ref(branch="main:.circleci/config.yml"), "Branch not found"),
        (Ref(branch="main\nrefs/heads/main"), "Branch not found"),
        (Ref(branch="../heads/main"), "Branch not found"),
        (Ref(branch="--upload-pack=touch /x"), "Branch not found"),
        (Ref(branch="@{-1}"), "Branch not found"),
    ],
)
async def test_a_ref_that_is_not_there_or_is_none_is_not_found(
    repo: Repo, repositories: GitRepositories, ref: Ref, words: str
) -> None:
    repo.commit("a: 1")
    found = await repositories.fetch(repo.url, ref)
    assert isinstance(found, Trouble)
    assert (found.kind, found.message) == (TroubleKind.REF_NOT_FOUND, words)


async def test_a_repository_without_a_config_says_so_and_tells_its_commit(
    repo: Repo, repositories: GitRepositories
) -> None:
    revision = repo.commit(None)
    found = await repositories.fetch(repo.url, MAIN)
    assert isinstance(found, Trouble)
    assert found.kind is TroubleKind.NO_CONFIG
    assert found.message.startswith("No configuration was found in your project. Please refer to ")
    assert found.commit is not None
    assert found.commit.revision == revision


async def test_a_config_that_is_no_text_is_refused_with_its_line(
    repo: Repo, repositories: GitRepositories
) -> None:
    repo.commit(b"version: 2.1\n# \xff\n")
    found = await repositories.fetch(repo.url, MAIN)
    assert isinstance(found, Trouble)
    assert "not UTF-8 text: line 2" in found.message


async def test_a_config_that_is_too_large_is_refused(
    repo: Repo, repositories: GitRepositories
) -> None:
    repo.commit("#" * (LARGEST_CONFIG + 1))
    found = await repositories.fetch(repo.url, MAIN)
    assert isinstance(found, Trouble)
    assert "too large" in found.message
    repo.commit("#" * (10 * 1024 * 1024))
    found = await repositories.fetch(repo.url, MAIN)
    assert isinstance(found, Trouble)
    assert "too large" in found.message


async def test_a_folder_that_is_no_repository_cannot_be_read(
    tmp_path: Path, repositories: GitRepositories
) -> None:
    (tmp_path / "empty").mkdir()
    for path in ("empty", "missing"):
        found = await repositories.fetch(str(tmp_path / path), MAIN)
        assert isinstance(found, Trouble)
        assert found.kind is TroubleKind.UNREACHABLE
        assert "could not be read" in found.message


async def test_nothing_in_a_repository_s_config_starts_a_program(
    repo: Repo, repositories: GitRepositories, tmp_path: Path
) -> None:
    repo.commit("a: 1")
    trace = tmp_path / "started"
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external"):
        repo.git("config", key, f"touch {trace}")
    assert isinstance(await repositories.fetch(repo.url, MAIN), Fetched)
    assert not trace.exists()


async def test_files_of_the_same_commit_can_be_read(
    repo: Repo, repositories: GitRepositories
) -> None:
    (repo.path / "orbs").mkdir()
    (repo.path / "orbs/mine.yml").write_text("version: 2.1\n")
    revision = repo.commit("version: 2.1")
    (repo.path / "orbs/mine.yml").write_text("changed since\n")
    repo.commit("version: 2.1")
    read = repositories.read_file
    assert await read(repo.url, revision, "orbs/mine.yml") == b"version: 2.1\n"
    for absent in ("orbs", "orbs/none.yml", "../etc/passwd", "", "a\nHEAD", ".git/config"):
        assert await read(repo.url, revision, absent) is None, absent
    assert await read(repo.url, "HEAD", "orbs/mine.yml") is None
    assert await read(repo.url, "f" * 40, "orbs/mine.yml") is None
    trouble = await read(str(repo.path / "none"), revision, "orbs/mine.yml")
    assert isinstance(trouble, Trouble)
