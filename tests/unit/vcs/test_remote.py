"""Repositories elsewhere: over ssh, whose program a test may choose."""

import os
from pathlib import Path

import pytest

from roundel.domain.errors import Invalid
from roundel.domain.pipelines import Ref
from roundel.domain.repositories import Fetched, Trouble, TroubleKind
from roundel.vcs.addresses import check_address, shown
from roundel.vcs.bare import GitRepositories
from tests.unit.vcs.conftest import Repo

MAIN = Ref(branch="main")


@pytest.fixture
def url(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return an ssh:// address that leads to `repo`, by an ssh that runs the command here."""
    script = tmp_path / "ssh"
    script.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    return f"ssh://git@git.example.com{repo.path}"


async def test_a_config_is_fetched_and_fetched_again(
    repo: Repo, repositories: GitRepositories, url: str
) -> None:
    for text in ("a: 1", "a: 2"):
        revision = repo.commit(text)
        found = await repositories.fetch(url, MAIN)
        assert isinstance(found, Fetched)
        assert (found.text, found.commit.revision) == (text, revision)


async def test_a_revision_is_fetched_although_its_branch_has_moved_on(
    repo: Repo, repositories: GitRepositories, url: str
) -> None:
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    first = repo.commit("a: 1")
    repo.commit("a: 2")
    found = await repositories.fetch(url, MAIN, first)
    assert isinstance(found, Fetched)
    assert found.text == "a: 1"


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def test_of_a_large_repository_only_the_files_that_are_asked_for_come(
    repo: Repo, repositories: GitRepositories, url: str, tmp_path: Path
) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    (repo.path / "orbs").mkdir()
    (repo.path / "orbs" / "own.yml").write_text("version: 2.1")
    (repo.path / "large").write_bytes(os.urandom(3_000_000))
    for text in ("a: 1", "a: 2"):
        revision = repo.commit(text)
        found = await repositories.fetch(url, MAIN)
        assert isinstance(found, Fetched)
        assert (found.text, found.commit.revision) == (text, revision)
    assert await repositories.read_file(url, revision, "orbs/own.yml") == b"version: 2.1"
    assert await repositories.read_file(url, revision, "orbs") is None
    assert await repositories.read_file(url, revision, "orbs/none.yml") is None
    assert size_of(tmp_path / "repositories") < 1_000_000
    # The address is in no file: it may hold a password.
    assert "git.example.com" not in "".join(
        file.read_text() for file in (tmp_path / "repositories").rglob("config")
    )


async def test_a_host_that_leaves_contents_out_and_does_not_give_them_later_gives_all(
    repo: Repo, repositories: GitRepositories, url: str, tmp_path: Path
) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    (repo.path / "orb.yml").write_text("b: 2")
    # Such as an sshd that passes no variables on, so that git speaks its first protocol.
    script = tmp_path / "ssh"
    script.write_text(script.read_text().replace("exec sh", "unset GIT_PROTOCOL\nexec sh"))
    for text in ("a: 1", "a: 2"):
        revision = repo.commit(text)
        found = await repositories.fetch(url, MAIN)
        assert isinstance(found, Fetched)
        assert (found.text, found.commit.revision) == (text, revision)
    assert await repositories.read_file(url, revision, "orb.yml") == b"b: 2"


async def test_a_ref_is_resolved_without_fetching(
    repo: Repo, repositories: GitRepositories, url: str
) -> None:
    revision = repo.commit("a: 1")
    repo.git("tag", "--annotate", "v1", "--message=One")
    assert await repositories.resolve(url, MAIN) == revision
    assert await repositories.resolve(url, Ref(tag="v1")) == revision


async def test_a_ref_that_is_not_there_is_not_found(
    repo: Repo, repositories: GitRepositories, url: str
) -> None:
    repo.commit("a: 1")
    for ref in (Ref(branch="nope"), Ref(branch="pull/1/head"), Ref(tag="nope")):
        for found in (
            await repositories.resolve(url, ref),
            await repositories.fetch(url, ref),
        ):
            assert isinstance(found, Trouble)
            assert found.kind is TroubleKind.REF_NOT_FOUND


async def test_a_host_that_does_not_answer_is_named_without_its_credentials(
    repositories: GitRepositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    url = "ssh://me:geheim@git.example.com/x.git"
    for found in (await repositories.resolve(url, MAIN), await repositories.fetch(url, MAIN)):
        assert isinstance(found, Trouble)
        assert found.kind is TroubleKind.UNREACHABLE
        assert "ssh://git.example.com/x.git could not be read" in found.message
        assert "geheim" not in found.message


@pytest.mark.parametrize(
    "url",
    [
        "/srv/web.git",
        "file:///srv/web.git",
        "https://git.example.com/acme/web.git",
        "https://git.example.com:8443/acme/web.git",
        "ssh://git@git.example.com:2222/acme/web.git",
        "git@git.example.com:acme/web.git",
    ],
)
def test_these_addresses_are_taken(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "web.git",
        "../web.git",
        "-/srv/web.git",
        "--upload-pack=touch x",
        "ext::sh -c touch% x",
        "git://git.example.com/web.git",
        "http://git.example.com/web.git",
        "file://elsewhere/srv/web.git",
        "ssh://-oProxyCommand=touch/x",
        "https://git.example.com/x\n--exec",
        "/srv/web.git\nrefs",
        "git@host:-x",
    ],
)
async def test_other_addresses_are_refused(url: str, repositories: GitRepositories) -> None:
    with pytest.raises(Invalid, match="not an address that Roundel clones from"):
        repositories.check(url)
    found = await repositories.fetch(url, MAIN)
    assert isinstance(found, Trouble)
    assert found.kind is TroubleKind.REFUSED


def test_credentials_are_never_shown() -> None:
    assert shown("see https://me:geheim@x.com/y") == "see https://x.com/y"
