"""`roundel project`: projects on a server."""

import re
from pathlib import Path

import click

from roundel.cli.output import Failure
from roundel.cli.remote import talks_to_server
from roundel.wire.api_client import ApiClient

# scheme://…, or what git reads as an address: user@host:path
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:")


@click.group()
def project() -> None:
    """Register projects on a server."""


@project.command()
@click.argument("slug")
@click.option("--repo", required=True, metavar="PATH_OR_URL", help="What git clones from.")
@click.option("--default-branch", metavar="B", help="Built when nothing else is asked for.")
@talks_to_server
def add(client: ApiClient, slug: str, repo: str, default_branch: str | None) -> None:
    """Register a project, and its organization where that is new.

    SLUG is vcs/organization/project, for example gh/acme/web.
    """
    body = {"slug": slug, "repository_url": _repository(repo), "default_branch": default_branch}
    made = client.post("/api/roundel/project", body)
    click.echo(f"{made['slug']} is project {made['id']}")


@project.command()
@click.argument("slug")
@click.option("--stop", is_flag=True, help="Look at it no more.")
@talks_to_server
def poll(client: ApiClient, slug: str, stop: bool) -> None:
    """Look at a project's repository for pushes, where no hook can tell of them.

    It is looked at every 5 seconds while there is something new, and less often, up to every two
    minutes, while there is not.
    """
    path = f"/api/roundel/project/{slug}/polling"
    answer = client.delete(path) if stop else client.post(path)
    click.echo(answer["message"])


def _repository(text: str) -> str:
    """Return an address as it is, and a path as an absolute one, which the server can open."""
    if _ADDRESS.match(text):
        return text
    path = Path(text).expanduser().resolve()
    if not path.exists():
        raise Failure(f"--repo: there is no {path}")
    return str(path)
