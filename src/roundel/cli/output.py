"""What commands share in speaking to people: failing in one sentence."""

from typing import IO, Any

import click


class Failure(click.ClickException):
    """Ends the command with one sentence on standard error and exit code 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"roundel: {self.format_message()}", file=file, err=file is None)
