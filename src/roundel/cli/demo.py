"""`roundel demo`: a server, a sample repository and one pipeline, to look at."""

import json
import signal
import tempfile
from pathlib import Path
from typing import Any

import click

from roundel.cli.follow import Follower, Line, jobs_of, workflows_of
from roundel.cli.interrupts import Interrupts
from roundel.cli.loading import INTERRUPTED
from roundel.cli.output import Failure
from roundel.cli.palette import COLOURS
from roundel.cli.stage import Ground, Stage, find_ground, make_repository, serving
from roundel.wire.api_client import ApiClient, ApiRefusal, ServerAway

SLUG = "gh/demo/tally"
PARAMETERS = {"greeting": "good morning", "release": True}


@click.command("demo")
@click.option("--once", is_flag=True, help="Stop after the pipeline; exit 0 if it succeeded.")
@click.option(
    "--image",
    envvar="ROUNDEL_DEMO_IMAGE",
    help="An image of the engine here with bash, git and python3 to run the jobs in.",
)
def demo(once: bool, image: str | None) -> None:
    """Start a server on a free port and run a sample pipeline on it."""
    try:
        succeeded = show(Interrupts(signal.SIGINT, signal.SIGTERM), once=once, image=image)
    except KeyboardInterrupt:
        click.echo("\nStopped; nothing is left behind.")
        raise SystemExit(INTERRUPTED if once else 0) from None
    except (ServerAway, ApiRefusal) as error:
        raise Failure(f"the demo's server does not answer as it should: {error}") from error
    if not succeeded:
        raise SystemExit(1)


def show(interrupts: Interrupts, *, once: bool, image: str | None) -> bool:
    """Tell the whole story; True if every workflow succeeded."""
    with interrupts.kept_back():
        ground = find_ground(image)
    tell_ground(ground)
    with interrupts.holding(
        lambda: tempfile.TemporaryDirectory(prefix="roundel-demo-"),
        lambda made: made.cleanup(),
    ) as folder:
        repository = make_repository(Path(folder.name) / "tally")
        with serving(Path(folder.name) / "data", ground, interrupts) as stage:
            say(f"The server is at {stage.url}, its data and its token are in {stage.data}")
            succeeded = run_pipeline(ApiClient(stage.url, stage.token), stage, repository)
            if once:
                say(f"The API answered at {stage.url}/api/v2; now the server stops.")
            else:
                tell_what_to_try(stage)
                say("The server stays up until Ctrl-C.")
                interrupts.wait()
    return succeeded


def run_pipeline(api: ApiClient, stage: Stage, repository: Path) -> bool:
    """Register the repository, trigger its pipeline, show its output and what came of it."""
    call(api, stage, "/api/roundel/project", {"slug": SLUG, "repository_url": str(repository)})
    pipeline = call(
        api,
        stage,
        f"/api/v2/project/{SLUG}/pipeline",
        {"branch": "main", "parameters": PARAMETERS},
    )
    printer = Printer()
    follower = Follower(api=api, slug=SLUG, pipeline_id=pipeline["id"], show=printer.line)
    ended = follower.to_the_end()
    if ended["state"] == "errored":
        for error in ended["errors"]:
            click.secho(f"{error['type']}: {error['message']}", fg="red")
        return False
    return tell_summary(api, ended)


def call(api: ApiClient, stage: Stage, path: str, body: dict[str, Any]) -> Any:
    """Show a call as it would be typed, make it, and show the answer."""
    click.echo()
    click.secho("$ curl -X POST", fg="bright_black", nl=False)
    click.echo(f' -H "Circle-Token: $(cat {stage.data}/admin-token)" \\')
    click.echo("    -H 'Content-Type: application/json' \\")
    click.echo(f"    -d '{json.dumps(body)}' \\")
    click.echo(f"    {stage.url}{path}")
    answer = api.post(path, body)
    click.secho(json.dumps(answer), fg="bright_black")
    return answer


class Printer:
    """Prints lines behind the name of their job, each job in a colour of its own."""

    def __init__(self) -> None:
        self.colours: dict[str, str] = {}

    def line(self, line: Line) -> None:
        colour = self.colours.setdefault(line.job, COLOURS[len(self.colours) % len(COLOURS)])
        prefix = click.style(f"{line.job:>16} │ ", fg=colour)
        text = click.style(f"▸ {line.text}", bold=True) if line.heading else line.text
        click.echo(prefix + text)


def tell_summary(api: ApiClient, pipeline: dict[str, Any]) -> bool:
    """Print a table of all jobs; True if every workflow succeeded."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Pipeline {pipeline['number']} of {SLUG}", title_justify="left")
    for heading in ("workflow", "job", "number", "status", "seconds"):
        table.add_column(heading, justify="right" if heading in {"number", "seconds"} else "left")
    workflows = workflows_of(api, pipeline["id"])
    for workflow in workflows:
        for job in jobs_of(api, workflow["id"]):
            colour = "green" if job["status"] == "success" else "red"
            table.add_row(
                workflow["name"],
                job["name"],
                str(job.get("job_number", "")),
                f"[{colour}]{job['status']}[/]",
                seconds_of(api, job),
            )
        table.add_section()
    click.echo()
    Console().print(table)
    return all(workflow["status"] == "success" for workflow in workflows)


def seconds_of(api: ApiClient, job: dict[str, Any]) -> str:
    """How long a job ran; nothing for one that never did."""
    if job["started_at"] is None or "job_number" not in job:
        return ""
    details = api.get(f"/api/v2/project/{SLUG}/job/{job['job_number']}")
    return f"{(details['duration'] or 0) / 1000:.2f}"


def tell_ground(ground: Ground) -> None:
    if ground.image is None:
        click.secho(f"Warning: {ground.why}.", fg="yellow", err=True)
        click.secho(
            "Jobs run as processes of this machine, not in containers.", fg="yellow", err=True
        )
    else:
        say(f"Jobs run {ground.why}")


def tell_what_to_try(stage: Stage) -> None:
    """Print calls that show more of what just happened."""
    header = f'-H "Circle-Token: $(cat {stage.data}/admin-token)"'
    click.echo()
    say(f"Its page is {stage.url}/pipelines/{SLUG}/1; sign in with the token in")
    click.echo(f"  {stage.data}/admin-token")
    say(f"The API answers at {stage.url}/api/v2, for example:")
    for path in (f"project/{SLUG}/pipeline", f"project/{SLUG}/job/1", "openapi.yml"):
        click.echo(f"  curl {header} {stage.url}/api/v2/{path}")


def say(text: str) -> None:
    click.secho(text, bold=True)
