"""What a job page says of the tests that failed: how they did before, and if they are flaky."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.domain import storage
from roundel.domain.clock import DAY, MINUTE
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import Result
from tests.builders import a_plan
from tests.fakes import a_report
from tests.web.conftest import Street, opened_street
from tests.web.visitor import Visitor, text_of


@pytest.fixture
async def street(tmp_path: Path, database_url: str | None) -> AsyncIterator[Street]:
    async with opened_street(tmp_path / "data", database_url) as street:
        yield street


async def ran(street: Street, job: str = "build", **results: str) -> None:
    """Run a pipeline whose only job has these results of tests."""
    house = street.house
    house.clock.forward(MINUTE)
    await house.trigger(a_plan(job))
    order = await house.runner.claim()
    assert order is not None
    tests = [
        storage.TestResult(name=name, classname="Sums", file=None, result=result, run_time=0.1)
        for name, result in results.items()
    ]
    await house.engine.runners.report(order.lease, [a_report()])
    await house.engine.runners.keep_tests(order.lease, "report", tests)
    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))


async def row_of(visitor: Visitor, number: int, test: str) -> str:
    """The row of a test on the page of a pipeline's only job."""
    pipeline = text_of(await visitor.get(f"/pipelines/gh/acme/web/{number}"))
    job = re.search(r'href="(/pipelines/[^"]+/jobs/\d+)', pipeline)
    assert job is not None
    page = text_of(await visitor.get(job.group(1)))
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', page, re.DOTALL)
    (row,) = [it for it in rows if f"</span> {test}" in it]
    return str(row)


def past_of(row: str) -> list[str]:
    return re.findall(r'#tests" title="(#\d+: \w+)"', row)


async def test_a_test_that_failed_shows_how_it_did_before(street: Street) -> None:
    await ran(street, divides="failure", adds="success")
    await ran(street, divides="success", adds="success")
    await ran(street, "other", divides="error")  # of another job: of no concern
    await ran(street, adds="success")  # it did not run
    await ran(street, divides="failure", adds="success")
    visitor = await street.visitor()
    row = await row_of(visitor, 5, "divides")
    assert past_of(row) == ["#1: failure", "#2: success"]
    link = re.search(r'href="([^"#]+)#tests" title="#1: failure"', row)
    assert link is not None and "divides" in text_of(await visitor.get(link.group(1)))
    assert past_of(await row_of(visitor, 1, "divides")) == []
    assert "before" not in await row_of(visitor, 5, "adds")


async def test_only_so_many_runs_are_shown(street: Street) -> None:
    for _ in range(13):
        await ran(street, divides="error")
    row = await row_of(await street.visitor(), 13, "divides")
    assert past_of(row) == [f"#{number}: error" for number in range(3, 13)]


async def test_a_test_that_passed_and_failed_on_one_commit_is_marked(street: Street) -> None:
    await ran(street, divides="failure", adds="failure")
    await ran(street, divides="success", adds="failure")
    visitor = await street.visitor()
    assert ">flaky</a>" in await row_of(visitor, 1, "divides")
    assert "flaky" not in await row_of(visitor, 2, "divides")  # it passed
    assert "flaky" not in await row_of(visitor, 2, "adds")
    street.house.clock.forward(15 * DAY)
    assert "flaky" not in await row_of(await street.visitor(), 1, "divides")
