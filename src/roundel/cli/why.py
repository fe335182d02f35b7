"""`roundel why`: what a job waits for."""

from urllib.parse import quote

import click

from roundel.cli.output import Failure
from roundel.cli.remote import talks_to_server
from roundel.domain.ids import is_uuid
from roundel.wire.api_client import ApiClient


@click.command()
@click.argument("job", metavar="JOB")
@talks_to_server
def why(client: ApiClient, job: str) -> None:
    """Say what a job waits for.  JOB is its id, or its project and number: gh/acme/web/12."""
    answer = client.get(path_of(job))
    click.echo(f"{answer['name']} is {answer['status']}. {answer['message']}")
    for before in answer["jobs"]:
        number = f" {before['job_number']}" if "job_number" in before else ""
        click.echo(f"  {before['project_slug']}{number}  {before['name']}: {before['status']}")
    if "expected_start" in answer:
        click.echo(f"It is expected to start at about {answer['expected_start']}.")


def path_of(job: str) -> str:
    """Return where the answer is asked for."""
    if is_uuid(job):
        return f"/api/v2/jobs/{job}/why"
    slug, _, number = job.rpartition("/")
    if slug.count("/") != 2 or not (number.isascii() and number.isdigit()):
        raise Failure(f"{job!r} is neither a job's id nor a project and number: gh/acme/web/12")
    return f"/api/v2/project/{quote(slug)}/job/{number}/why"
