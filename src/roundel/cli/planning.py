"""`roundel config plan`: what a config would run, what a change of it changes, and how long."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from roundel.cli.compiling import (
    DEFAULT_FILE,
    Surroundings,
    compiles,
    read_config,
    shown_name,
)
from roundel.cli.output import Failure
from roundel.cli.reporting import show_problems

if TYPE_CHECKING:
    from roundel.domain.plan import Plan
    from roundel.domain.plan_changes import CriticalPath, Durations, WorkflowChange

GIT_WITHIN_SECONDS = 10.0


@click.command()
@click.argument("file", metavar="[FILE]", default=DEFAULT_FILE)
@compiles
@click.option("--compare", "revision", metavar="REV", help="Tell what changed since this commit.")
@click.option("--format", "how", type=click.Choice(("text", "json")), default="text")
@click.option("--project", metavar="SLUG", help="Take durations of this project from the server.")
@click.option("--server", envvar="ROUNDEL_SERVER", metavar="URL", help="[env: ROUNDEL_SERVER]")
@click.option("--token", envvar="ROUNDEL_TOKEN", metavar="TOKEN", help="[env: ROUNDEL_TOKEN]")
def plan(
    file: str,
    around: Surroundings,
    revision: str | None,
    how: str,
    project: str | None,
    server: str | None,
    token: str | None,
) -> None:
    """Tell which jobs run and how long that takes, or what a change of the config changes.

    The time is that of the longest chain of jobs, each as long as it took in the median of its
    last successful runs: by `roundel run` here, or on the server with --project.  Orbs that are
    files are taken from the working tree, also for REV.
    """
    # Late, here and below: the commands beside this one compile, and have to be quick.
    from roundel.domain.plan import Plan
    from roundel.domain.plan_changes import compare_plans

    text = read_config(file)
    later = _plan_of(around, text, file, shown_name(file))
    earlier = Plan(workflows=(), jobs={}, parameters={})
    if revision is not None:
        there = f"{revision}:{file}"
        earlier = _plan_of(around, _text_at(revision, file), file, there)
    if project is not None:
        durations = _of_server(project, server, token, (earlier, later))
    else:
        durations = _of_local_runs(file)
    changes = compare_plans(earlier, later, durations)
    if how == "json":
        click.echo(json.dumps([_as_json(change) for change in changes], indent=2))
        return
    lines = _differences(changes) if revision is not None else _overview(changes)
    click.echo("\n".join(lines))


def _plan_of(around: Surroundings, text: str, file: str, name: str) -> "Plan":
    from roundel.compiler import compile_config

    compiled = compile_config(
        text,
        file=name,
        parameters=around.parameters,
        values=around.values(file)(),
        orbs=around.orbs(file),
    )
    if compiled.plan is None:
        show_problems(compiled.problems, "text")
        sys.exit(1)
    return compiled.plan


def _text_at(revision: str, file: str) -> str:
    """Return a file's text as a commit has it."""
    if file == "-":
        raise Failure("--compare needs a file, standard input is in no commit")
    if revision.startswith("-"):
        raise Failure(f"{revision!r} is no revision")
    path = Path(file).resolve()
    try:
        done = subprocess.run(
            ["git", "-C", str(path.parent), "show", f"{revision}:./{path.name}"],
            capture_output=True,
            timeout=GIT_WITHIN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"git cannot be asked for {revision}: {error}") from error
    if done.returncode != 0:
        why = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Failure(f"{revision} has no {file}: {why[0] if why else 'git gives no reason'}")
    try:
        return done.stdout.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"{revision}:{file} is not valid UTF-8 at byte {error.start}") from error


def _of_local_runs(file: str) -> "Durations":
    """Return what earlier runs of this checkout recorded; nothing outside of a checkout."""
    from roundel.app.local_wanted import state_folder
    from roundel.domain.errors import DomainError
    from roundel.settings import default_cache_folder
    from roundel.store.durations import recorded_durations
    from roundel.vcs.working_tree import find_checkout

    here = Path.cwd() if file == "-" else Path(file).resolve().parent
    try:
        root = find_checkout(here).root
    except DomainError:
        return {}
    base = state_folder(default_cache_folder(dict(os.environ), Path.home()), root)
    return recorded_durations(sorted(base.glob("state*")))


def _of_server(
    project: str, server: str | None, token: str | None, plans: "tuple[Plan, ...]"
) -> "Durations":
    """Return the medians of the server's insights, by workflow and job."""
    from roundel.cli.remote import DEFAULT_SERVER, talks_to_server
    from roundel.wire.api_client import ApiClient

    found: dict[tuple[str, str], float] = {}

    @talks_to_server
    def read(client: ApiClient) -> None:
        for workflow in sorted({flow.name for plan in plans for flow in plan.workflows}):
            path = f"/api/v2/insights/{quote(project)}/workflows/{quote(workflow, safe='')}/jobs"
            following = ""
            while True:
                answer = client.get(path + following)
                for item in answer["items"]:
                    median = item["metrics"]["duration_metrics"]["median"]
                    found[workflow, item["name"]] = float(median)
                if not answer["next_page_token"]:
                    break
                following = f"?page-token={quote(answer['next_page_token'], safe='')}"

    read(server=server or DEFAULT_SERVER, token=token)
    return found


def _overview(changes: "tuple[WorkflowChange, ...]") -> list[str]:
    lines: list[str] = []
    for change in changes:
        lines.append(f"{change.name}: {_counted(len(change.added))}")
        if change.after is not None:
            lines += _path_lines("critical path", change.after)
    return lines or ["nothing runs"]


def _differences(changes: "tuple[WorkflowChange, ...]") -> list[str]:
    lines: list[str] = []
    for change in changes:
        before, after = change.before, change.after
        if before == after and not change.changes_jobs:
            continue
        if before is None:
            lines.append(f"{change.name}: runs now")
        elif after is None:
            lines.append(f"{change.name}: runs no more")
        else:
            lines.append(f"{change.name}:")
        lines += [f"  + {job}" for job in change.added]
        lines += [f"  - {job}" for job in change.removed]
        lines += [f"  ~ {job.name}: {', '.join(job.what)}" for job in change.altered]
        if before is not None and after is not None:
            if before != after:
                lines += _path_lines("critical path before", before)
                lines += _path_lines("critical path after", after)
                lines.append(f"  expected change: {_signed(after.seconds - before.seconds)}")
        else:
            path = after or before
            assert path is not None  # noqa: S101 - a workflow is in one of the two plans
            lines += _path_lines("critical path", path)
    return lines or ["nothing changes in what runs"]


def _counted(jobs: int) -> str:
    return "1 job" if jobs == 1 else f"{jobs} jobs"


def _path_lines(title: str, path: "CriticalPath") -> list[str]:
    lines = [f"  {title}: {' -> '.join(path.jobs)} ({path.seconds:.1f} s)"] if path.jobs else []
    if path.unknown:
        lines.append(f"    no run is recorded of: {', '.join(path.unknown)}")
    return lines


def _signed(seconds: float) -> str:
    return f"{seconds:+.1f} s" if abs(seconds) >= 0.05 else "none"


def _as_json(change: "WorkflowChange") -> dict[str, object]:
    return {
        "workflow": change.name,
        "added": list(change.added),
        "removed": list(change.removed),
        "altered": [{"name": job.name, "what": list(job.what)} for job in change.altered],
        "before": _path_as_json(change.before),
        "after": _path_as_json(change.after),
    }


def _path_as_json(path: "CriticalPath | None") -> dict[str, object] | None:
    if path is None:
        return None
    return {"jobs": list(path.jobs), "seconds": path.seconds, "unknown": list(path.unknown)}
