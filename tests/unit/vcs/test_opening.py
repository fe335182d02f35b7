"""Repositories that are not everybody's: opened by password or key, which are left nowhere."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from roundel.domain.pipelines import Ref
from roundel.domain.repositories import Access, Fetched, Trouble
from roundel.domain.runners import Secret
from roundel.vcs.bare import GitRepositories
from roundel.vcs.opening import opened
from tests.git_hosts import PASSWORD, http_host, ssh_host
from tests.tls import tls_front
from tests.unit.vcs.conftest import Repo

MAIN = Ref(branch="main")
OPENS = Access(username="ada", password=Secret(PASSWORD))


def files_with(text: str, folder: Path) -> list[Path]:
    return [it for it in folder.rglob("*") if it.is_file() and text.encode() in it.read_bytes()]


@pytest.fixture
def by_https(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with (
        http_host(repo.path.parent) as url,
        tls_front(int(url.rpartition(":")[2]), tmp_path / "tls") as front,
    ):
        monkeypatch.setenv("GIT_SSL_CAINFO", str(front.authority))
        yield f"https://{front.domain}/repo/.git"


async def test_a_password_opens_a_repository_and_is_written_nowhere(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_https: str
) -> None:
    # A helper that the machine has configured would write down what has worked.
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[credential]\n\thelper = store --file={tmp_path}/learned\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    (repo.path / "orb.yml").write_text("b: 2")
    revision = repo.commit("a: 1")
    repositories = GitRepositories(tmp_path / "repositories")
    assert isinstance(await repositories.fetch(by_https, MAIN), Trouble)
    found = await repositories.fetch(by_https, MAIN, access=OPENS)
    assert isinstance(found, Fetched)
    assert (found.text, found.commit.revision) == ("a: 1", revision)
    assert isinstance(await repositories.read_file(by_https, revision, "orb.yml"), Trouble)
    assert await repositories.read_file(by_https, revision, "orb.yml", OPENS) == b"b: 2"
    assert await repositories.resolve(by_https, MAIN, OPENS) == revision
    assert await repositories.heads(by_https, OPENS) == {"refs/heads/main": revision}
    assert files_with(PASSWORD, tmp_path) == []
    # What was fetched for one is not shown to who cannot open it.
    assert isinstance(await repositories.fetch(by_https, MAIN, revision), Trouble)


async def test_a_wrong_password_is_told_without_the_password(tmp_path: Path, by_https: str) -> None:
    repositories = GitRepositories(tmp_path / "repositories")
    wrong = Access(username="ada", password=Secret("another-s3cret"))
    found = await repositories.fetch(by_https, MAIN, access=wrong)
    assert isinstance(found, Trouble)
    assert "another-s3cret" not in found.message


async def test_why_a_host_gave_no_password_is_told_where_it_is_missed(
    repo: Repo, tmp_path: Path, by_https: str
) -> None:
    repo.commit("a: 1")
    repositories = GitRepositories(tmp_path / "repositories")
    silent = Access(problem="the host does not answer within 15 s")
    for found in (
        await repositories.fetch(by_https, MAIN, access=silent),
        await repositories.resolve(by_https, MAIN, silent),
        await repositories.heads(by_https, silent),
    ):
        assert isinstance(found, Trouble)
        assert found.message.endswith(
            "(its host gave no password for it: the host does not answer within 15 s)"
        )


def test_a_password_goes_to_https_and_a_key_is_nowhere_but_in_memory(tmp_path: Path) -> None:
    for url in ("ssh://git@git.example/web", "git@git.example:web", "/srv/web"):
        with opened(url, OPENS, tmp_path) as environment:
            assert PASSWORD not in str(environment)
    key = Access(ssh_key=Secret("a key"))
    with opened("git@git.example:web", key, None) as environment:
        assert "GIT_SSH_COMMAND" not in environment
    with opened("https://git.example/web", key, tmp_path) as environment:
        assert "GIT_SSH_COMMAND" not in environment
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sshd
async def test_a_checkout_key_opens_a_repository_over_ssh_and_is_left_nowhere(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = repo.commit("a: 1")
    memory = tmp_path / "memory"
    memory.mkdir()
    repositories = GitRepositories(tmp_path / "repositories", memory)
    with ssh_host(tmp_path / "ssh") as host:
        known = tmp_path / "known_hosts"
        known.write_text(host.host_key_line + "\n")
        words = [
            "ssh",
            "-F",
            os.devnull,
            "-o",
            "BatchMode=yes",
            "-o",
            f"UserKnownHostsFile={known}",
        ]
        monkeypatch.setenv("GIT_SSH_COMMAND", shlex.join(words))
        url = f"{host.prefix}{repo.path}"
        assert isinstance(await repositories.fetch(url, MAIN), Trouble)
        found = await repositories.fetch(url, MAIN, access=Access(ssh_key=Secret(host.key)))
    assert isinstance(found, Fetched)
    assert (found.text, found.commit.revision) == ("a: 1", revision)
    assert list(memory.iterdir()) == []
    assert files_with("PRIVATE KEY", tmp_path / "repositories") == []
