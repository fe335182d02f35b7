"""Variables of contexts that a local run does not know, from whoever sits at the terminal."""

import signal

import click

from roundel.cli.output import Failure


def ask_context(name: str) -> dict[str, str]:
    """Return NAME=VALUE lines typed until an empty one; what is typed is not shown.

    Ctrl-C ends the run.
    """
    click.echo(
        f"The context {name} is not known here. Type NAME=VALUE, Enter alone ends:", err=True
    )
    found: dict[str, str] = {}
    # The run's loop, which would hear of the signal, stands still meanwhile.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        while line := click.prompt(
            "", prompt_suffix="> ", default="", show_default=False, hide_input=True, err=True
        ):
            key, sign, value = line.partition("=")
            if sign and key.strip().isidentifier():
                found[key.strip()] = value
            else:
                click.echo("That is not NAME=VALUE.", err=True)
    except click.Abort as error:
        raise Failure("the run was ended before it began") from error
    finally:
        signal.signal(signal.SIGINT, before)
    return found
