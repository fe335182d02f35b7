"""`roundel token`: API tokens."""

import re

import click

from roundel.cli.remote import talks_to_server
from roundel.wire.api_client import ApiClient

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


def lifetime(text: str) -> int:
    """Return the seconds in `90d`; bare numbers are refused, as their unit would be a guess."""
    found = re.fullmatch(r"([1-9]\d{0,8})([smhdwy])", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a length of time such as 12h, 90d or 1y")
    return int(found[1]) * _SECONDS[found[2]]


@click.group()
def token() -> None:
    """Make and revoke API tokens."""


@token.command()
@click.option("--login", metavar="L", help="Whose it is; yours by default.")
@click.option("--expires", type=lifetime, metavar="90d", help="How long it is valid.")
@talks_to_server
def create(client: ApiClient, login: str | None, expires: int | None) -> None:
    """Make a token.  It is written to standard output, and shown this once."""
    made = client.post("/api/roundel/token", {"login": login, "expires_seconds": expires})
    until = f", valid until {made['expires_at']}" if made["expires_at"] else ""
    click.echo(f"token {made['id']} for {made['login']}{until}", err=True)
    click.echo(made["token"])


@token.command()
@click.argument("token_id", metavar="ID")
@talks_to_server
def revoke(client: ApiClient, token_id: str) -> None:
    """End a token's validity.  ID is what `create` wrote beside it."""
    client.delete(f"/api/roundel/token/{token_id}")
    click.echo(f"token {token_id} is revoked")
