"""What a job left behind: artifacts and test results."""

from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation
from roundel.api.paging import named_token, page, read_named_token
from roundel.api.schemas.common import Page
from roundel.api.schemas.kept import (
    ArtifactShown,
    TestShown,
    artifact_url,
    artifact_urls_until,
    test_shown,
)
from roundel.api.subjects import JOB_ID
from roundel.domain.access import Need
from roundel.domain.ids import JobId

# CircleCI answers these lists in one piece, and many clients know of no second page.
MOST_AT_ONCE = 5000
_ARTIFACTS, _TESTS = "artifacts", "tests"


async def artifacts(call: Call[JobId, None]) -> Page[ArtifactShown]:
    job = call.subject
    after = read_named_token(_ARTIFACTS, call.query.get("page-token"))
    rows = await call.app.reads.artifacts(job, after=after, limit=MOST_AT_ONCE + 1)
    shown, last = page(rows, MOST_AT_ONCE)
    key, now = call.door.settings.signing_key, call.app.clock.now()
    return Page(
        [
            ArtifactShown(view.path, view.node, artifact_url(call.origin, key, job, view, now))
            for view in shown
        ],
        None if last is None else named_token(_ARTIFACTS, last.node, last.path),
    )


async def tests(call: Call[JobId, None]) -> Page[TestShown]:
    after = read_named_token(_TESTS, call.query.get("page-token"))
    rows = await call.app.reads.tests(
        call.subject, after=None if after is None else after[0], limit=MOST_AT_ONCE + 1
    )
    shown, last = page(rows, MOST_AT_ONCE)
    return Page(
        [test_shown(view) for view in shown],
        None if last is None else named_token(_TESTS, last.number, ""),
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{project-slug}/{job-number}/artifacts",
        id="getJobArtifacts",
        summary="Get a job's artifacts",
        tag="Job",
        need=Need.READ,
        subject=JOB_ID,
        handler=artifacts,
        steady_until=lambda _page, now: artifact_urls_until(now),
        answer=Page[ArtifactShown],
        query=(PAGE_TOKEN,),
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/{job-number}/tests",
        id="getTests",
        steady=True,
        summary="Get test metadata",
        tag="Job",
        need=Need.READ,
        subject=JOB_ID,
        handler=tests,
        answer=Page[TestShown],
        query=(PAGE_TOKEN,),
    ),
]
