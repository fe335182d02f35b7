"""The figures of a project on its pages: what they show, to whom, and as a table to take along."""

import csv
import io
import re

from roundel.domain.access import Role
from roundel.domain.clock import DAY, HOUR, MINUTE, SECOND
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import Result
from tests.builders import a_plan
from tests.fakes import a_report
from tests.web.conftest import Street
from tests.web.visitor import text_of

PLACE = "/insights/github/acme/web"


async def ran(street: Street, *jobs: str) -> None:
    await street.house.trigger(a_plan(*jobs))
    await street.house.runner.run_all()
    await street.house.engine.ticks.tick()


async def test_each_workflow_is_shown_with_its_figures(street: Street) -> None:
    await ran(street, "build", "deploy<build")
    page = text_of(await (await street.visitor()).get(PLACE))
    assert "main</a>" in page
    assert "100 %" in page


async def test_a_workflow_s_page_has_charts_and_the_same_values_as_a_table(street: Street) -> None:
    await ran(street, "build", "deploy<build")
    street.house.clock.forward(DAY)
    await ran(street, "build", "deploy<build")
    page = text_of(await (await street.visitor()).get(f"{PLACE}/workflow?name=main"))
    for title in ("Duration", "Success rate", "Runs a day"):
        assert f"<figcaption>{title}" in page
    assert page.count('<th scope="row">2027-01-1') == 2  # a day each
    assert "build" in page
    assert "deploy" in page


async def test_a_workflow_s_page_says_which_jobs_decided_how_long_it_took(street: Street) -> None:
    house = street.house
    for slots in (("build", "lint", "deploy<build"), ("build", "lint", "deploy<lint")):
        house.clock.forward(HOUR)
        await house.trigger(a_plan(*slots))
        for _ in slots:
            order = await house.runner.claim()
            assert order is not None
            async with house.unwatched():
                house.clock.forward(MINUTE)
                await house.engine.runners.report(order.lease, [a_report()])
                success = Result(status=ExecutionStatus.SUCCESS)
                await house.engine.runners.finish(order.lease, success)
        await house.engine.ticks.tick()
    house.clock.forward(SECOND)
    page = text_of(await (await street.visitor()).get(f"{PLACE}/workflow?name=main"))
    rows = re.findall(r'<tr><th scope="row">(\w+)</th>.*?>(\d of \d)</td>', page)
    assert dict(rows) == {"deploy": "2 of 2", "build": "1 of 2", "lint": "1 of 2"}


async def test_figures_come_as_csv_with_workflows_and_jobs(street: Street) -> None:
    await ran(street, "build", "deploy<build")
    answer = await (await street.visitor()).get(f"{PLACE}/figures.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(text_of(answer))))
    assert {(row["workflow"], row["job"]) for row in rows} == {
        ("main", ""),
        ("main", "build"),
        ("main", "deploy"),
    }
    assert all(row["runs"] == "1" and row["succeeded"] == "1" for row in rows)


async def test_a_branch_and_a_window_can_be_chosen(street: Street) -> None:
    await ran(street, "build")
    visitor = await street.visitor()
    assert "Nothing ended" in text_of(await visitor.get(f"{PLACE}?branch=elsewhere"))
    assert "main</a>" in text_of(await visitor.get(f"{PLACE}?branch=main&window=last-7-days"))
    assert (await visitor.get(f"{PLACE}?window=for-ever")).status == 400


async def test_an_unknown_workflow_is_not_there(street: Street) -> None:
    await ran(street, "build")
    assert (await (await street.visitor()).get(f"{PLACE}/workflow?name=nope")).status == 404


async def test_figures_are_for_members(street: Street) -> None:
    await ran(street, "build")
    stranger = await street.visitor(await street.token("eve", globex=Role.ADMINISTRATOR))
    for path in (PLACE, f"{PLACE}/workflow?name=main", f"{PLACE}/figures.csv"):
        assert (await stranger.get(path)).status == 404, path
