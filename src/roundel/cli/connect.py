"""`roundel connect`: pushes and pull requests of a git host start pipelines."""

from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import click

from roundel.cli.output import Failure
from roundel.cli.remote import talks_to_server
from roundel.wire.api_client import ApiClient

PROVIDERS = ("github", "gitlab", "bitbucket", "bitbucket-dc", "gitea")


@click.command()
@click.argument("provider", type=click.Choice(PROVIDERS))
@click.argument("target", metavar="PROJECT|ORGANIZATION")
@click.option("--api-url", default="", metavar="URL", help="Of a host that is not the cloud's.")
@click.option("--app-id", default="", metavar="ID", help="Of a GitHub App.")
@click.option(
    "--private-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The GitHub App's key file.",
)
@click.option(
    "--host-token",
    type=click.File("r"),
    help="A file with a token for the host's API; - reads it from standard input.",
)
@click.option(
    "--webhook-secret",
    type=click.File("r"),
    help="A file with the secret of the host's webhook, where it has one already.",
)
@talks_to_server
def connect(
    client: ApiClient,
    provider: str,
    target: str,
    api_url: str,
    app_id: str,
    private_key: Path | None,
    host_token: TextIO | None,
    webhook_secret: TextIO | None,
) -> None:
    """Connect a git host to a project (gh/acme/web) or to a whole organization (gh/acme).

    It prints the address and the secret to give to the host for its webhook.  The secret is shown
    this once.
    """
    body = {
        "provider": provider,
        "api_url": api_url,
        "app_id": app_id,
        "private_key": private_key.read_text() if private_key else "",
        "token": host_token.read().strip() if host_token else "",
        "webhook_secret": webhook_secret.read().strip() if webhook_secret else "",
    }
    kind = {2: "organization", 3: "project"}.get(len(target.split("/")))
    if kind is None:
        raise Failure(f"{target!r} is neither a project such as gh/acme/web nor gh/acme")
    made = client.post(f"/api/roundel/{kind}/{target}/connection", body)
    click.echo(f"webhook address  {made['webhook_url']}")
    click.echo(f"webhook secret   {made['webhook_secret']}")
    if urlsplit(made["webhook_url"]).hostname in ("127.0.0.1", "localhost", "::1"):
        click.echo("The host cannot reach this address: give serve a --public-url.", err=True)
