"""Reruns of failed tests only: which tests a job of the rerun is limited to."""

from collections.abc import Sequence

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain import storage
from roundel.domain.errors import Invalid
from roundel.domain.ids import WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.reruns import Choice
from roundel.domain.runners import Result
from roundel.domain.storage import FailedTest
from roundel.services.failed_tests import failed_tests_of, newest_run
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

ONLY_FAILED = Choice(failed_tests=True)
FAILED, SUCCESS = ExecutionStatus.FAILED, ExecutionStatus.SUCCESS


def a_result(name: str, result: str = "success") -> storage.TestResult:
    return storage.TestResult(
        name=name, classname=f"c.{name}", file=f"{name}.py", result=result, run_time=0.1
    )


async def run(
    house: House, job: str, ending: ExecutionStatus, *results: storage.TestResult
) -> Sequence[FailedTest] | None:
    """Run the next job, which must be `job`; return the tests that it was limited to."""
    order = await house.runner.claim()
    assert order is not None
    assert order.job_name == job
    server = house.engine.runners
    limited = await server.failed_tests(order.lease)
    if results:
        await server.keep_tests(order.lease, "report", results)
    await server.finish(order.lease, Result(status=ending))
    return limited


async def first_run(house: House, *results: storage.TestResult) -> WorkflowId:
    pipeline = await house.trigger(a_plan("lint", "test<lint", "deploy<test"))
    assert await run(house, "lint", SUCCESS) is None
    assert await run(house, "test", FAILED, *results) is None
    return (await house.workflow(pipeline)).id


async def again(house: House, workflow: WorkflowId) -> WorkflowId:
    return await house.use.rerun_workflow(workflow, ONLY_FAILED, False, house.admin)


def names(tests: Sequence[FailedTest] | None) -> list[str]:
    assert tests is not None
    return [test.name for test in tests]


RESULTS = (
    a_result("a"),
    a_result("b", "failure"),
    a_result("c", "error"),
    a_result("d", "skipped"),
)


async def test_the_jobs_of_the_rerun_are_limited_to_what_failed(house: House) -> None:
    await again(house, await first_run(house, *RESULTS))
    limited = await run(house, "test", SUCCESS, a_result("b"), a_result("c"))
    assert limited == (
        FailedTest(name="b", classname="c.b", file="b.py"),
        FailedTest(name="c", classname="c.c", file="c.py"),
    )
    assert await run(house, "deploy", SUCCESS) is None


async def test_a_second_rerun_takes_what_failed_in_the_first(house: House) -> None:
    second = await again(house, await first_run(house, *RESULTS))
    await run(house, "test", FAILED, a_result("b"), a_result("c", "failure"))
    await again(house, second)
    assert names(await run(house, "test", SUCCESS)) == ["c"]


async def test_a_rerun_that_broke_off_without_results_counts_as_what_it_was_limited_to(
    house: House,
) -> None:
    second = await again(house, await first_run(house, *RESULTS))
    await run(house, "test", FAILED)
    await again(house, second)
    assert names(await run(house, "test", SUCCESS)) == ["b", "c"]


async def test_a_job_that_failed_although_its_tests_passed_runs_all_of_them(house: House) -> None:
    second = await again(house, await first_run(house, *RESULTS))
    await run(house, "test", FAILED, a_result("b"), a_result("c"))
    with pytest.raises(Invalid, match="no job of this workflow has results with failed tests"):
        await again(house, second)


async def test_without_failed_tests_the_rerun_is_refused_and_nothing_is_made(house: House) -> None:
    workflow = await first_run(house)
    before = await house.rows("SELECT count(*) FROM workflow")
    with pytest.raises(Invalid, match="from_failed"):
        await again(house, workflow)
    assert await house.rows("SELECT count(*) FROM workflow") == before


async def test_an_ordinary_rerun_runs_all_tests(house: House) -> None:
    workflow = await first_run(house, *RESULTS)
    await house.use.rerun_workflow(workflow, Choice(from_failed=True), False, house.admin)
    assert await run(house, "test", SUCCESS) is None


async def test_the_api_asks_for_it_and_refuses_what_does_not_go_with_it(house: House) -> None:
    token = (house.folder / "admin-token").read_text().strip()
    client = Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)
    workflow = await first_run(house, *RESULTS)
    jobs = await house.jobs(workflow)
    path = f"/api/v2/workflow/{workflow}/rerun"
    mixed = {"rerun_failed_tests": True, "jobs": [jobs["test"].id]}
    refused = await client.post(path, mixed)
    assert refused.status == 400
    assert "rerun_failed_tests" in refused.message
    answer = await client.post(path, {"rerun_failed_tests": True})
    assert answer.status == 202
    assert names(await run(house, "test", SUCCESS)) == ["b", "c"]


async def test_the_newest_run_of_a_workflow_is_found_by_its_name(house: House) -> None:
    first = await first_run(house, *RESULTS)

    newest = await house.engine.database.write(lambda tx: newest_run(tx, house.project.id, "main"))
    assert newest == first
    tests = await house.engine.database.write(lambda tx: failed_tests_of(tx, first, "test"))
    assert names(tests) == ["b", "c"]
    assert await house.engine.database.write(lambda tx: failed_tests_of(tx, first, "lint")) is None
    assert (
        await house.engine.database.write(lambda tx: newest_run(tx, house.project.id, "other"))
        is None
    )
