"""What clients of v1.1 ask to be done: cancel, trigger, follow; and builds of all projects."""

import msgspec

from roundel.api.binding import whole_number
from roundel.api.errors import Refusal
from roundel.api.operations import V1, AnyOperation, Call, Operation, Query
from roundel.api.schemas.builds import Build, build
from roundel.api.subjects import JOB, PROJECT
from roundel.api.v1.builds import MOST_BUILDS, USUAL_BUILDS
from roundel.api.v2.pipelines import SKIPPED
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.pipelines import Ref
from roundel.domain.plan import JobType
from roundel.domain.projects import VCS_WORDS, Project
from roundel.domain.views import JobView

DEEPEST = 1_000  # builds of all projects are put together from each project's newest


class Following(msgspec.Struct):
    following: bool
    first_build: Build | None


class BuildCreated(msgspec.Struct):
    status: int
    body: str


class CachesCleared(msgspec.Struct):
    status: str


class TriggerBodyV1(msgspec.Struct):
    """`build_parameters` were for configs of version 1 and are passed over."""

    branch: str | None = None
    tag: str | None = None


class Repository(msgspec.Struct):
    name: str
    username: str
    vcs_type: str
    vcs_url: str
    default_branch: str
    following: bool
    has_followers: bool
    admin: bool


async def cancel(call: Call[JobView, None]) -> Build:
    """The answer is the build as it is then, which may go on for the time its runner needs."""
    job = call.subject.job
    if job.number is None or job.type is JobType.APPROVAL:
        raise NotFound("Build not found")
    await call.door.use_cases.cancel_job(job.id, call.actor)
    after = await call.app.reads.job(job.project_id, job.number)
    return build(after or call.subject, job.number, call.origin, call.app.clock.now())


async def clear_caches(call: Call[Project, None]) -> CachesCleared:
    await call.door.use_cases.clear_caches(call.subject)
    return CachesCleared("build dependency caches deleted")


async def follow(call: Call[Project, None]) -> Following:
    """Everybody follows what they may read; nothing has to be kept."""
    return Following(bool(call.subject), None)


async def trigger(call: Call[Project, TriggerBodyV1]) -> BuildCreated:
    branch = call.path.get("branch") or call.body.branch or None
    tag = call.body.tag or None
    if tag is not None and call.body.branch:
        raise Invalid("branch and tag: only one of the two may be given")
    ref = Ref(tag=tag) if tag is not None else Ref(branch=branch)
    made = await call.door.use_cases.trigger_pipeline(call.subject, ref, {}, call.actor)
    if made is None:
        raise Refusal(200, SKIPPED)
    return BuildCreated(200, "Build created")


async def of_all_projects(call: Call[None, None]) -> list[Build]:
    limit = min(whole_number(call.query, "limit", USUAL_BUILDS, 2**31), MOST_BUILDS)
    offset = whole_number(call.query, "offset", 0, DEEPEST)
    found: list[JobView] = []
    for project in await call.app.reads.projects(call.actor):
        if call.actor.may(Need.READ, project.organization.id):
            found += await call.app.reads.recent_jobs(project.id, limit=offset + limit)
    found.sort(key=lambda view: (view.job.created_at, view.job.number or 0), reverse=True)
    now = call.app.clock.now()
    return [
        build(view, view.job.number, call.origin, now)
        for view in found[offset : offset + limit]
        if view.job.number is not None
    ]


async def repositories(call: Call[None, None]) -> list[Repository]:
    vcs = VCS_WORDS.get(call.path["vcs"])
    return [
        Repository(
            name=it.slug.project,
            username=it.slug.organization,
            vcs_type=call.path["vcs"],
            vcs_url=it.repository_url,
            default_branch=it.default_branch,
            following=True,
            has_followers=True,
            admin=call.actor.may(Need.ADMINISTER, it.organization.id),
        )
        for it in await call.app.reads.projects(call.actor)
        if it.slug.vcs is vcs and call.actor.may(Need.READ, it.organization.id)
    ]


def _trigger(path: str, id_: str) -> AnyOperation:
    return Operation(
        method="POST",
        path=path,
        id=id_,
        summary="Trigger a pipeline",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=trigger,
        prefix=V1,
        body=TriggerBodyV1,
        body_optional=True,
        answer=BuildCreated,
        status=201,
        deprecated=True,
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path="/project/{project-slug}/{job-number}/cancel",
        id="cancelBuildV1",
        summary="Cancel a build",
        tag="v1.1",
        need=Need.WRITE,
        subject=JOB,
        handler=cancel,
        prefix=V1,
        answer=Build,
    ),
    Operation(
        method="POST",
        path="/project/{project-slug}/follow",
        id="followProjectV1",
        summary="Follow a project",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=follow,
        prefix=V1,
        answer=Following,
    ),
    Operation(
        method="DELETE",
        path="/project/{project-slug}/build-cache",
        id="clearCachesV1",
        summary="Clear a project's caches",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=clear_caches,
        prefix=V1,
        answer=CachesCleared,
    ),
    _trigger("/project/{project-slug}", "triggerV1"),
    _trigger("/project/{project-slug}/build", "buildProjectV1"),
    _trigger("/project/{project-slug}/tree/{branch*}", "triggerBranchV1"),
    Operation(
        method="GET",
        path="/recent-builds",
        id="recentBuildsV1",
        summary="Recent builds of all projects",
        tag="v1.1",
        need=Need.SIGNED_IN,
        handler=of_all_projects,
        prefix=V1,
        answer=list[Build],
        query=(
            Query(name="limit", summary="How many, at most 100.", type=int),
            Query(name="offset", summary="How many to pass over.", type=int),
        ),
        deprecated=True,
    ),
    Operation(
        method="GET",
        path="/user/repos/{vcs}",
        id="repositoriesV1",
        summary="Repositories that have a project",
        tag="v1.1",
        need=Need.SIGNED_IN,
        handler=repositories,
        prefix=V1,
        answer=list[Repository],
    ),
]
