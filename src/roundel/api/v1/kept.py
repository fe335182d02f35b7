"""What a build left behind, in the words of v1.1: whole lists without pages."""

from collections.abc import Sequence

from roundel.api.operations import V1, AnyOperation, Call, Operation, Query
from roundel.api.schemas.kept import ArtifactV1, TestsV1, artifact_url, test_v1
from roundel.api.subjects import JOB_ID, PROJECT
from roundel.api.v1.builds import FILTERS, MOST_BUILDS
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import JobId
from roundel.domain.projects import Project
from roundel.domain.views import JobView

MOST_ARTIFACTS = 20_000
MOST_TESTS = 100_000


async def artifacts(call: Call[JobId, None]) -> list[ArtifactV1]:
    return await _artifacts(call, call.subject)


async def latest_artifacts(call: Call[Project, None]) -> list[ArtifactV1]:
    wanted = call.query.get("filter") or "completed"
    if wanted not in FILTERS:
        raise Invalid(f"filter: expected one of {', '.join(FILTERS)}, got {wanted[:40]!r}")
    jobs: Sequence[JobView] = await call.app.reads.recent_jobs(
        call.subject.id, branch=call.query.get("branch") or None, limit=MOST_BUILDS
    )
    for view in jobs:
        if view.job.status in FILTERS[wanted]:
            return await _artifacts(call, view.job.id)
    raise NotFound("Build not found")


async def _artifacts(
    call: "Call[JobId, None] | Call[Project, None]", job: JobId
) -> list[ArtifactV1]:
    key, now = call.door.settings.signing_key, call.app.clock.now()
    return [
        ArtifactV1(
            path=view.path,
            pretty_path=view.path,
            node_index=view.node,
            url=artifact_url(call.origin, key, job, view, now),
        )
        for view in await call.app.reads.artifacts(job, limit=MOST_ARTIFACTS)
    ]


async def tests(call: Call[JobId, None]) -> TestsV1:
    rows = await call.app.reads.tests(call.subject, limit=MOST_TESTS)
    return TestsV1(tests=[test_v1(view) for view in rows], exceptions=[])


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{project-slug}/{job-number}/artifacts",
        id="artifactsV1",
        summary="Artifacts of a build",
        tag="v1.1",
        need=Need.READ,
        subject=JOB_ID,
        handler=artifacts,
        prefix=V1,
        answer=list[ArtifactV1],
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/latest/artifacts",
        id="latestArtifactsV1",
        summary="Artifacts of the latest build",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=latest_artifacts,
        prefix=V1,
        answer=list[ArtifactV1],
        query=(
            Query(name="branch", summary="Of which branch; of all without it."),
            Query(name="filter", summary="completed, successful, failed or running."),
        ),
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/{job-number}/tests",
        id="testsV1",
        summary="Test results of a build",
        tag="v1.1",
        need=Need.READ,
        subject=JOB_ID,
        handler=tests,
        prefix=V1,
        answer=TestsV1,
    ),
]
