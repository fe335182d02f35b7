"""`roundel hook`: a bare repository of one's own tells the server what is pushed to it."""

import os
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import click

from roundel.cli.output import Failure
from roundel.cli.remote import talks_to_server
from roundel.wire.api_client import ApiClient

HOOK = "post-receive"
BEFORE = "post-receive.before-roundel"  # a hook that was there first, and goes on being called
MARK = "roundel hook install"
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@click.group()
def hook() -> None:
    """Let a bare repository start pipelines when it is pushed to."""


@hook.command()
@click.argument("repository", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--project", "slug", metavar="SLUG", help="By default gh/YOU/NAME-OF-THE-FOLDER.")
@click.option(
    "--clone-url",
    metavar="URL",
    help="What the server clones from, where it does not see this folder.",
)
@talks_to_server
def install(client: ApiClient, repository: Path, slug: str | None, clone_url: str | None) -> None:
    """Put a hook into REPOSITORY, and register its project where that is new.

    The hook has a token of its own, which can tell of pushes to this project and nothing else.
    """
    folder = _git_folder(repository)
    slug = slug or _slug_of(client, folder)
    body = {
        "slug": slug,
        "repository_url": clone_url or str(folder),
        "default_branch": _head_of(folder),
    }
    client.post("/api/roundel/project", body)
    made = client.post(f"/api/roundel/project/{slug}/connection", {"provider": "git"})
    _write(folder, made["webhook_url"], made["webhook_secret"])
    click.echo(f"A push to {folder} now starts a pipeline of {slug}.")


@hook.command()
@click.argument("repository", type=click.Path(exists=True, file_okay=False, path_type=Path))
@talks_to_server
def remove(client: ApiClient, repository: Path) -> None:
    """Take the hook out of REPOSITORY again, and end its token's validity."""
    folder = _git_folder(repository)
    file = folder / "hooks" / HOOK
    if not _is_ours(file):
        raise Failure(f"{folder} has no hook of Roundel's")
    url = (folder / "roundel" / "url").read_text().strip()
    client.delete(f"/api/roundel/git/{url.rpartition('/')[2]}")
    file.unlink()
    before = file.with_name(BEFORE)
    if before.exists():
        before.rename(file)
    shutil.rmtree(folder / "roundel")
    click.echo(f"Pushes to {folder} start nothing any more.")


def _git_folder(path: Path) -> Path:
    found = _git(path, "rev-parse", "--absolute-git-dir")
    if not found:
        raise Failure(f"{path} is no git repository")
    return Path(found)


def _head_of(folder: Path) -> str | None:
    return _git(folder, "symbolic-ref", "--short", "--quiet", "HEAD") or None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _slug_of(client: ApiClient, folder: Path) -> str:
    login = client.get("/api/v2/me")["login"]
    named = folder.parent if folder.name == ".git" else folder
    name = _NAME.sub("-", named.name.removesuffix(".git")) or "project"
    return f"gh/{_NAME.sub('-', login)}/{name}"


def _is_ours(file: Path) -> bool:
    try:
        return MARK in file.read_text(errors="replace")
    except OSError:
        return False


def _write(folder: Path, url: str, secret: str) -> None:
    """Write the hook and what it needs, readable for those who may push and nobody else."""
    shared = _git(folder, "config", "core.sharedRepository") not in ("", "umask", "false", "0")
    kept = folder / "roundel"
    kept.mkdir(mode=0o750 if shared else 0o700, exist_ok=True)
    for name, text in (("url", url), ("authorization", f"Authorization: Bearer {secret}")):
        file = kept / name
        file.unlink(missing_ok=True)
        mode = 0o640 if shared else 0o600
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
            out.write(f"{text}\n")
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    file = hooks / HOOK
    if file.exists() and not _is_ours(file):
        file.rename(hooks / BEFORE)
    file.write_text(resources.files("roundel.cli").joinpath("post-receive.sh").read_text("utf-8"))
    file.chmod(0o755)
