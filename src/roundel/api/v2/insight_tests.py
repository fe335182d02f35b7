"""Insights about tests: which are flaky, which fail most, which are slowest."""

import msgspec

from roundel.api.insight_queries import ALL_BRANCHES, BRANCH, branch_of
from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.common import Time, Uuid, millis
from roundel.api.subjects import PROJECT
from roundel.domain.access import Need
from roundel.domain.clock import Micros
from roundel.domain.insight_views import FlakyTest, TestFigures, TestKey, TestRunView
from roundel.domain.insights import ALL, FLAKY_FOR, RECENT_TEST_RUNS
from roundel.domain.projects import Project

MOST_TESTS = 100  # of each list; more are told as a number


class Flaky(msgspec.Struct):
    """The keys that live answers have; `FlakyShown` writes those of the document beside them."""

    test_name: str
    classname: str
    job_name: str
    job_number: int
    pipeline_number: int
    workflow_id: Uuid
    workflow_name: str
    workflow_created_at: Time
    times_flaked: int
    time_wasted: int
    source: str
    file: str


class FlakyInFull(Flaky):
    """A flaky test with both spellings of each key."""

    kebab_test_name: str = msgspec.field(name="test-name")
    kebab_job_name: str = msgspec.field(name="job-name")
    kebab_job_number: int = msgspec.field(name="job-number")
    kebab_pipeline_number: int = msgspec.field(name="pipeline-number")
    kebab_workflow_id: Uuid = msgspec.field(name="workflow-id")
    kebab_workflow_name: str = msgspec.field(name="workflow-name")
    kebab_workflow_created_at: Time = msgspec.field(name="workflow-created-at")
    kebab_times_flaked: int = msgspec.field(name="times-flaked")
    kebab_time_wasted: int = msgspec.field(name="time-wasted")


class FlakyTests(msgspec.Struct):
    flaky_tests: list[FlakyInFull]
    total_flaky_tests: int
    kebab_flaky_tests: list[FlakyInFull] = msgspec.field(name="flaky-tests")
    kebab_total: int = msgspec.field(name="total-flaky-tests")


class TestCounts(msgspec.Struct):
    error: int
    failure: int
    skipped: int
    success: int
    total: int


class TestRun(msgspec.Struct):
    pipeline_number: int
    workflow_id: Uuid
    success_rate: float
    test_counts: TestCounts


class TestMetric(msgspec.Struct):
    test_name: str
    classname: str
    job_name: str
    file: str
    source: str
    total_runs: int
    failed_runs: int
    p95_duration: float
    flaky: bool


class TestMetrics(msgspec.Struct):
    average_test_count: int
    total_test_runs: int
    test_runs: list[TestRun]
    most_failed_tests: list[TestMetric]
    most_failed_tests_extra: int
    slowest_tests: list[TestMetric]
    slowest_tests_extra: int


async def flaky_tests(call: Call[Project, None]) -> FlakyTests:
    since = Micros(call.app.clock.now() - FLAKY_FOR)
    shown = [_flaky(it) for it in await call.app.insights.flaky_tests(call.subject.id, since)]
    return FlakyTests(shown, len(shown), shown, len(shown))


def _flaky(test: FlakyTest) -> FlakyInFull:
    created_at = millis(test.workflow_created_at)
    wasted = round(test.wasted_seconds)
    return FlakyInFull(
        test.key.name,
        test.key.classname,
        test.key.job,
        test.job_number,
        test.pipeline_number,
        test.workflow_id,
        test.workflow_name,
        created_at,
        test.times,
        wasted,
        test.source,
        test.file,
        test.key.name,
        test.key.job,
        test.job_number,
        test.pipeline_number,
        test.workflow_id,
        test.workflow_name,
        created_at,
        test.times,
        wasted,
    )


async def test_metrics(call: Call[Project, None]) -> TestMetrics:
    branch = branch_of(call.query, call.subject)
    runs, tests = await call.app.insights.tests(
        call.subject.id,
        call.path["workflow-name"],
        None if branch == ALL else branch,
        RECENT_TEST_RUNS,
    )
    since = Micros(call.app.clock.now() - FLAKY_FOR)
    found = await call.app.insights.flaky_tests(call.subject.id, since)
    flaky = {it.key for it in found}
    failed = sorted((it for it in tests if it.failed), key=lambda it: (-it.failed, it.key.name))
    slow = sorted(tests, key=lambda it: (-it.slowest_seconds, it.key.name))
    total = sum(_total(run) for run in runs)
    return TestMetrics(
        average_test_count=round(total / len(runs)) if runs else 0,
        total_test_runs=total,
        test_runs=[_run(run) for run in runs],
        most_failed_tests=[_metric(it, flaky) for it in failed[:MOST_TESTS]],
        most_failed_tests_extra=max(0, len(failed) - MOST_TESTS),
        slowest_tests=[_metric(it, flaky) for it in slow[:MOST_TESTS]],
        slowest_tests_extra=max(0, len(slow) - MOST_TESTS),
    )


def _total(run: TestRunView) -> int:
    return run.error + run.failure + run.skipped + run.success


def _run(run: TestRunView) -> TestRun:
    total = _total(run)
    counted = total - run.skipped
    return TestRun(
        pipeline_number=run.pipeline_number,
        workflow_id=run.workflow_id,
        success_rate=run.success / counted if counted else 0.0,
        test_counts=TestCounts(run.error, run.failure, run.skipped, run.success, total),
    )


def _metric(test: TestFigures, flaky: set[TestKey]) -> TestMetric:
    # Of fewer than 20 runs the longest is the 95th percentile, and there are ten.
    return TestMetric(
        test_name=test.key.name,
        classname=test.key.classname,
        job_name=test.key.job,
        file=test.file,
        source=test.source,
        total_runs=test.runs,
        failed_runs=test.failed,
        p95_duration=test.slowest_seconds,
        flaky=test.key in flaky,
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/insights/{project-slug}/flaky-tests",
        id="getFlakyTests",
        summary="Get flaky tests for a project",
        tag="Insights",
        need=Need.READ,
        subject=PROJECT,
        handler=flaky_tests,
        answer=FlakyTests,
    ),
    Operation(
        method="GET",
        path="/insights/{project-slug}/workflows/{workflow-name}/test-metrics",
        id="getProjectWorkflowTestMetrics",
        summary="Get test metrics for a project's workflows",
        tag="Insights",
        need=Need.READ,
        subject=PROJECT,
        handler=test_metrics,
        answer=TestMetrics,
        query=(BRANCH, ALL_BRANCHES),
    ),
]
