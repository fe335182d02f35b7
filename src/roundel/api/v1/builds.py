"""Builds: the list, and one with its steps, which is where every client reads logs."""

from collections.abc import Sequence

from roundel.api import signing
from roundel.api.binding import whole_number
from roundel.api.operations import V1, AnyOperation, Call, Operation, Query
from roundel.api.outputs import path_of
from roundel.api.schemas.builds import Build, build, steps
from roundel.api.subjects import JOB, PROJECT
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.jobs import ENDED, FAILURES, JobStatus
from roundel.domain.plan import JobType
from roundel.domain.projects import Project
from roundel.domain.reruns import Choice
from roundel.domain.views import JobView

MOST_BUILDS = 100
USUAL_BUILDS = 30
HIGHEST_OFFSET = 1_000_000
MOST_SCANNED = 2_000  # builds looked at for a filter, so that a rare status costs little

NO_SSH = "SSH into jobs is not supported here; run the job again without it"

FILTERS: dict[str, frozenset[JobStatus]] = {
    "completed": ENDED,
    "successful": frozenset({JobStatus.SUCCESS}),
    "failed": FAILURES,
    "running": frozenset({JobStatus.RUNNING}),
}


async def show(call: Call[JobView, None]) -> Build:
    job = call.subject.job
    if job.number is None or job.type is JobType.APPROVAL:
        raise NotFound("Build not found")
    now = call.app.clock.now()
    shown = build(call.subject, job.number, call.origin, now)
    key = call.door.settings.signing_key

    def url_of(execution: str, step: int) -> str:
        path = path_of(execution, step)
        return f"{call.origin}{path}?{signing.sign(key, path, now)}"

    shown.steps = steps(call.subject, url_of)
    return shown


async def recent(call: Call[Project, None]) -> list[Build]:
    wanted = call.query.get("filter", "")
    if wanted and wanted not in FILTERS:
        raise Invalid(f"filter: expected one of {', '.join(FILTERS)}, got {wanted[:40]!r}")
    limit = min(whole_number(call.query, "limit", USUAL_BUILDS, HIGHEST_OFFSET), MOST_BUILDS)
    offset = whole_number(call.query, "offset", 0, HIGHEST_OFFSET)
    branch = call.path.get("branch")
    if wanted:
        rows = await _matching(call, FILTERS[wanted], branch, offset, limit)
    else:
        rows = await call.app.reads.recent_jobs(
            call.subject.id, branch=branch, offset=offset, limit=limit
        )
    now = call.app.clock.now()
    return [
        build(view, view.job.number, call.origin, now)
        for view in rows
        if view.job.number is not None
    ]


async def _matching(
    call: Call[Project, None],
    statuses: frozenset[JobStatus],
    branch: str | None,
    offset: int,
    limit: int,
) -> Sequence[JobView]:
    """Return the newest builds in one of `statuses`; offset and limit count those alone."""
    found: list[JobView] = []
    for start in range(0, MOST_SCANNED, MOST_BUILDS):
        rows = await call.app.reads.recent_jobs(
            call.subject.id, branch=branch, offset=start, limit=MOST_BUILDS
        )
        found += [view for view in rows if view.job.status in statuses]
        if len(rows) < MOST_BUILDS or len(found) >= offset + limit:
            break
    return found[offset : offset + limit]


async def retry(call: Call[JobView, None]) -> Build:
    """Run one job and what follows it again; the answer is the new build."""
    job = call.subject.job
    if job.number is None or job.type is JobType.APPROVAL:
        raise NotFound("Build not found")
    choice = Choice(jobs=(job.id,))
    again = await call.door.use_cases.rerun_workflow(job.workflow_id, choice, False, call.actor)
    view, number = call.subject, job.number
    for slot in await call.app.reads.slots(again):
        if slot.job.name == job.name and slot.job.number is not None:
            found = await call.app.reads.job(slot.job.project_id, slot.job.number)
            view, number = found or view, slot.job.number
    return build(view, number, call.origin, call.app.clock.now())


async def ssh(call: Call[JobView, None]) -> Build:
    """Refuse, as a rerun with `enable_ssh` is refused."""
    if call.subject.job.type is JobType.APPROVAL:
        raise NotFound("Build not found")
    raise Invalid(NO_SSH)


_LIST_QUERY = (
    Query(name="limit", summary="How many, at most 100.", type=int),
    Query(name="offset", summary="How many to pass over.", type=int),
    Query(name="filter", summary="completed, successful, failed or running."),
)

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{project-slug}",
        id="buildsV1",
        summary="Recent builds of a project",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=recent,
        prefix=V1,
        answer=list[Build],
        query=_LIST_QUERY,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/tree/{branch*}",
        id="buildsOfBranchV1",
        summary="Recent builds of a branch",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=recent,
        prefix=V1,
        answer=list[Build],
        query=_LIST_QUERY,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/{job-number}",
        id="buildV1",
        summary="One build with its steps",
        tag="v1.1",
        need=Need.READ,
        subject=JOB,
        handler=show,
        prefix=V1,
        answer=Build,
    ),
    Operation(
        method="POST",
        path="/project/{project-slug}/{job-number}/retry",
        id="retryBuildV1",
        summary="Run a build again",
        tag="v1.1",
        need=Need.WRITE,
        subject=JOB,
        handler=retry,
        prefix=V1,
        answer=Build,
    ),
    *(
        Operation(
            method="POST",
            path=f"/project/{{project-slug}}/{{job-number}}/{word}",
            id=id_,
            summary=summary,
            tag="v1.1",
            need=Need.WRITE,
            subject=JOB,
            handler=ssh,
            prefix=V1,
            answer=Build,
        )
        for word, id_, summary in (
            ("ssh", "retryBuildWithSshV1", "Run a build again with SSH, which is not there yet"),
            ("ssh-users", "addSshUserV1", "Let a user into a build, which is not there yet"),
        )
    ),
]
