"""`roundel`: finds the command that is asked for and loads that one alone."""

import gc
import os
import signal
import sys
import threading
from importlib import import_module
from typing import Any

import click

from roundel import __version__
from roundel.cli.loading import INTERRUPTED, loading

# name -> (module:attribute, what `roundel --help` says of it)
COMMANDS: dict[str, tuple[str, str]] = {
    "backup": ("roundel.cli.backup:backup", "Write all that a server keeps into a file."),
    "config": ("roundel.cli.config:config", "Compile and check config files."),
    "connect": ("roundel.cli.connect:connect", "Let pushes to a git host start pipelines."),
    "demo": ("roundel.cli.demo:demo", "Run a sample pipeline on a server of its own."),
    "hook": ("roundel.cli.hook:hook", "Let pushes to a bare repository start pipelines."),
    "orb": ("roundel.cli.orb:orb", "Pack orbs, and keep the ones that a config needs."),
    "project": ("roundel.cli.project:project", "Register projects on a server."),
    "restore": ("roundel.cli.backup:restore", "Put a backup into an empty place."),
    "run": ("roundel.cli.run:run", "Run the checkout's pipeline on this machine."),
    "runner": ("roundel.cli.runner:runner", "Run jobs for a server elsewhere."),
    "serve": ("roundel.cli.serve:serve", "Start the server."),
    "token": ("roundel.cli.token:token", "Make and revoke API tokens."),
    "why": ("roundel.cli.why:why", "Say what a job waits for."),
}
# They are over in a moment, and have closed what they opened when they return.
SHORT = frozenset({"config", "run"})
YOUNG_OBJECTS = 50_000  # what is loaded stays, so looking through it for garbage finds none


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return sorted(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        with loading():
            command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C ends it without a word, whatever it was about to load or do."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # said again, it would cut the end itself
            raise SystemExit(INTERRUPTED) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, COMMANDS[name][1]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="roundel", message="%(prog)s %(version)s")
def cli() -> None:
    """A self-hosted CI server that speaks CircleCI's API and runs its configs."""


def main(args: Any = None) -> None:
    """Run the command line; refusals become one sentence and an exit code."""
    words = sys.argv[1:] if args is None else args
    short = bool(words) and words[0] in SHORT
    if short:
        gc.set_threshold(YOUNG_OBJECTS)
    try:
        cli(args, prog_name="roundel")
    except SystemExit as end:
        if short and isinstance(end.code, int):
            end_at_once(end.code)
        raise


def end_at_once(code: int) -> None:
    """End the process without taking its modules apart, which takes as long as running a job.

    Returns where something is left to do: a thread that works, output that cannot be written.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    if threading.active_count() == 1:
        os._exit(code)
