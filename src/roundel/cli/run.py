"""`roundel run`: the checkout's pipeline, here and now, without a server."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roundel.cli.loading import INTERRUPTED, loading
from roundel.cli.options import image_rule, prepare_ahead_option
from roundel.cli.output import Failure
from roundel.cli.run_values import context_file, env_file, job_step, pair, variable
from roundel.cli.seat import sit
from roundel.cli.secrets import ask_context
from roundel.domain.errors import DomainError
from roundel.settings import BackendChoice, default_cache_folder

if TYPE_CHECKING:
    from roundel.app.local_wanted import Again
    from roundel.cli.seat import Seat

# What is decided when a pipeline is made.
_OF_A_NEW_RUN = (
    "names",
    "only",
    "dry_run",
    "stub",
    "config",
    "branch",
    "tag",
    "parameters",
    "pull_request",
    "event",
    "values",
    "in_place",
)


def prune() -> None:
    """Remove the kept files of this checkout's jobs, and say how much that was."""
    from roundel.app.local_pruning import prune_here

    try:
        pruned = prune_here(Path.cwd(), default_cache_folder(dict(os.environ), Path.home()))
    except DomainError as error:
        raise Failure(str(error)) from error
    click.echo(f"removed {pruned.folders} kept folders and {pruned.images} images")


@click.command("run")
@click.argument("names", metavar="[JOB|WORKFLOW ...]", nargs=-1)
@click.option("--only", is_flag=True, help="Run the named jobs without what they require.")
@click.option("--dry-run", is_flag=True, help="Tell what would run, in which order, and why not.")
@click.option("--stub", is_flag=True, help="Run the graph with steps that do nothing.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Another config than the checkout's .circleci/config.yml.",
)
@click.option("--branch", metavar="NAME", help="Pretend to be on this branch.")
@click.option("--tag", metavar="NAME", help="Pretend to be built for this tag.")
@click.option(
    "--pull-request",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Pretend to be built for this pull request, into the default branch.",
)
@click.option("--event", metavar="NAME", help="Pretend this pipeline.event.name, such as push.")
@click.option(
    "--value",
    "values",
    type=pair,
    multiple=True,
    metavar="NAME=VALUE",
    help="A pipeline value, such as git.base_revision=1f3a; may be repeated.",
)
@click.option(
    "-p",
    "parameters",
    type=pair,
    multiple=True,
    metavar="KEY=VALUE",
    help="A pipeline parameter; job.NAME=VALUE is one of the named job's.  May be repeated.",
)
@click.option(
    "-e",
    "environment",
    type=variable,
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A variable for every job, over the config's own; NAME alone takes it from here.",
)
@click.option(
    "--env-file",
    "env_files",
    type=env_file,
    multiple=True,
    metavar="FILE",
    help="NAME=VALUE lines: secrets for every job, as a context has them; masked in output.",
)
@click.option(
    "--context",
    "contexts",
    type=context_file,
    multiple=True,
    metavar="NAME=FILE",
    help="As --env-file, only for jobs that name this context.  May be repeated.",
)
@click.option(
    "--no-secrets", is_flag=True, help="Run without what is in contexts; ask and say nothing."
)
@click.option("--in-place", is_flag=True, help="Jobs work in your checkout itself, on no copy.")
@click.option(
    "--approve",
    multiple=True,
    metavar="all|none|NAME",
    help="Approve all, none or these approval jobs; without it, the terminal is asked.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line, for tools.")
@click.option(
    "--plain", is_flag=True, help="Print one line after another, also where there is a terminal."
)
@click.option(
    "--shell-on-failure", is_flag=True, help="Give a shell in each job that fails, as it is then."
)
@click.option(
    "--break",
    "breaks",
    type=job_step,
    multiple=True,
    metavar="JOB:STEP",
    help="Give a shell in this job before this step.  May be repeated.",
)
@click.option(
    "--snapshots", is_flag=True, help="Keep the files of jobs before each step, for --from."
)
@click.option(
    "--from",
    "resume_at",
    type=job_step,
    metavar="JOB:STEP",
    help="Run a job of the last run again from this step on, with its files as they were.",
)
@click.option("--prune", is_flag=True, help="Remove what --snapshots and failed jobs have kept.")
@click.option("--failed", is_flag=True, help="Run again what failed in the last run.")
@click.option("--failed-tests", is_flag=True, help="As --failed, with only the tests that failed.")
@click.option("--clean", is_flag=True, help="Run what is committed, without your changes.")
@click.option("--gitignore", is_flag=True, help="Leave out files that .gitignore names.")
@click.option(
    "--backend",
    type=click.Choice([choice.value for choice in BackendChoice]),
    default=BackendChoice.AUTO.value,
    show_default=True,
    envvar="ROUNDEL_BACKEND",
    help="Where jobs run; auto takes processes where no container engine answers.",
)
@click.option(
    "--image-map",
    type=image_rule,
    multiple=True,
    metavar="PATTERN=IMAGE",
    help="Take IMAGE where a config asks for one like PATTERN; may be repeated.",
)
@click.option(
    "--slots", type=click.IntRange(1, 1024), help="How many jobs run at once (default: cores)."
)
@prepare_ahead_option
@click.option(
    "--orbs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="ROUNDEL_ORBS",
    metavar="DIR",
    help="Packed orbs: DIR/NAMESPACE/NAME/VERSION.yml.",
)
def run(**options: Any) -> None:
    """Run the checkout's pipeline on this machine, as a server would.

    Every workflow whose conditions hold runs, or the named workflows and jobs with what they
    require, with the files as they are now, changes included.  A name may be a pattern such as
    'test-*'.  Your checkout is not touched.  Exit 0 means that all workflows succeeded.
    """
    if options["prune"]:
        prune()
        return
    with loading():
        from roundel.app.local import ConfigErrors, run_here

    seat = sit(options)
    try:
        with seat.closing:
            summary = run_here(wanted(options, seat), seat.audience)
    except ConfigErrors as errors:
        for problem in errors.problems:
            click.echo(problem, err=True)
        raise SystemExit(1) from errors
    except DomainError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"the run cannot go on: {error}") from error
    if summary.interrupted:
        quiet_end()
        raise SystemExit(INTERRUPTED)
    if not summary.succeeded:
        raise SystemExit(1)


def values_of(options: dict[str, Any]) -> dict[str, str]:
    """Return the pipeline values that were given, as typed, by their full names."""
    given = {"event.name": options["event"]} if options["event"] else {}
    given |= dict(options["values"])
    return {f"pipeline.{name.removeprefix('pipeline.')}": value for name, value in given.items()}


def again(options: dict[str, Any]) -> "Again | None":
    """Return what to run again of the last run; refuse what only a new one can have."""
    from roundel.app.local_wanted import Again

    ways = [word for word in ("failed", "failed_tests", "resume_at") if options[word]]
    if not ways:
        return None
    if len(ways) > 1:
        raise Failure("give one of --failed, --failed-tests and --from")
    for word in _OF_A_NEW_RUN:
        if options[word]:
            shown = "names of jobs" if word == "names" else f"--{word.replace('_', '-')}"
            raise Failure(f"the last run is gone on with as it was planned: leave out {shown}")
    if options["resume_at"]:
        return Again(job=options["resume_at"][0])
    return Again(failed_tests=options["failed_tests"])


def quiet_end() -> None:
    """Let go of a standard output that nobody reads, so that the interpreter's end is quiet."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def wanted(options: dict[str, Any], seat: "Seat") -> Any:
    """Return what to run, from the command line."""
    from roundel.app.local import Wanted
    from roundel.cli.approving import decider
    from roundel.services.choosing import Choice

    if options["branch"] and options["tag"]:
        raise Failure("give --branch or --tag, not both: a pipeline is about one of them")
    if options["in_place"] and (options["clean"] or options["gitignore"]):
        raise Failure(
            "--in-place works in the checkout as it is: leave out --clean and --gitignore"
        )
    config = options["config"]
    given = dict(options["parameters"])
    arguments = {name[4:]: given.pop(name) for name in list(given) if name.startswith("job.")}
    secrets: dict[str, str] = {}
    for found in options["env_files"]:
        secrets |= found
    return Wanted(
        folder=Path.cwd(),
        cache=default_cache_folder(dict(os.environ), Path.home()),
        config=None if config is None else config.absolute(),
        branch=options["branch"],
        tag=options["tag"],
        clean=options["clean"],
        ignored=not options["gitignore"],
        parameters=given,
        values=values_of(options),
        pull_request=options["pull_request"],
        ask_context=ask_context if seat.asks else None,
        contexts_matter=not options["no_secrets"],
        arguments=arguments,
        choice=Choice(names=options["names"], only=options["only"]),
        in_place=options["in_place"],
        stub=options["stub"],
        dry=options["dry_run"],
        decide=seat.decide
        if seat.decide and not options["approve"]
        else decider(options["approve"]),
        approvals=tuple(name for name in options["approve"] if name not in ("all", "none")),
        follow=seat.follow,
        desk=seat.desk,
        stays=seat.stays,
        shell_on_failure=options["shell_on_failure"],
        breaks=options["breaks"],
        snapshots=options["snapshots"],
        again=again(options),
        resume_at=options["resume_at"],
        environment=dict(options["environment"]),
        secrets=secrets,
        contexts=dict(options["contexts"]),
        backend=BackendChoice(options["backend"]),
        image_map=options["image_map"],
        slots=options["slots"],
        prepare_ahead=options["prepare_ahead"],
        orbs=options["orbs"],
    )
