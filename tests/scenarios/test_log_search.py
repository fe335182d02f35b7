"""Search in a project's output, on both databases: rows, objects and what was sealed."""

from typing import Any

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import MINUTE, Micros
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.projects import Slug
from roundel.domain.runners import Result, StepStatus
from roundel.services.output import INLINE_BYTES
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.fakes import a_chunk, a_report
from tests.scenarios.conftest import House

FILLER = b"an ordinary line of output\n" * (INLINE_BYTES // 20)
SEARCH = "/api/v2/project/gh/acme/web/search"


async def a_job(house: House, *outputs: bytes, ended: bool = True) -> None:
    """Run a job whose steps write these, each in chunks as a runner ships them."""
    await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    runners = house.engine.runners
    for index, data in enumerate(outputs):
        await runners.report(order.lease, [a_report(index=index)])
        for number, at in enumerate(range(0, len(data), INLINE_BYTES * 2)):
            piece = a_chunk(data[at : at + INLINE_BYTES * 2], step=index, number=number)
            await runners.chunk(order.lease, [piece])
        if ended:
            over = a_report(
                index=index,
                status=StepStatus.SUCCESS,
                exit_code=0,
                ended_at=Micros(1_900_000_000_000_000),
            )
            await runners.report(order.lease, [over])
    if ended:
        await runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))


def api_of(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def found(client: Client, query: str) -> list[tuple[int, int, int]]:
    """Job, step and line of all pages together."""
    places: list[tuple[int, int, int]] = []
    token = ""
    while True:
        answer = await client.get(f"{SEARCH}?{query}{token}")
        assert answer.status == 200, answer
        page: dict[str, Any] = answer.json()
        places += [(it["job_number"], it["step"], it["line"]) for it in page["items"]]
        if page["next_page_token"] is None:
            return places
        token = f"&page-token={page['next_page_token']}"


async def test_lines_are_found_wherever_the_output_lies(house: House) -> None:
    long = FILLER * 3 + b"The Needle\n" + FILLER
    line = long[: long.index(b"The")].count(b"\n") + 1
    await a_job(house, b"a needle\n", long)  # in rows, and as objects that become one
    house.clock.forward(2 * MINUTE)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    await a_job(house, long, b"nothing\n", b"\x1b[31mnee\x1b[0mdle, and ****")  # not sealed yet
    await a_job(house, b"one\n" + b"needle and no end", long, ended=False)
    client = api_of(house)
    expected = [(3, 0, 2), (3, 1, line), (2, 0, line), (2, 2, 1), (1, 0, 1), (1, 1, line)]
    assert await found(client, "q=needle") == expected
    assert await found(client, "q=nothing+like+it") == []
    assert await found(client, "q=***") == [(2, 2, 1)]


async def test_a_line_comes_with_whose_it_is_and_where_it_is_shown(house: House) -> None:
    await a_job(house, b"before\n", b"one\ntwo \xc3\xa4 needle\r\n")
    pipeline = (await house.engine.reads.pipelines(projects=[house.project.id]))[0].pipeline
    workflow = await house.workflow(pipeline)
    job = (await house.jobs(workflow.id))["build"]
    answer = await api_of(house).get(f"{SEARCH}?q=NEEDLE")
    (item,) = answer.json()["items"]
    page = f"http://ci.example/pipelines/github/acme/web/1/workflows/{workflow.id}/jobs/1"
    assert item == {
        "pipeline_id": pipeline.id,
        "pipeline_number": 1,
        "workflow_id": workflow.id,
        "workflow_name": workflow.name,
        "job_id": job.id,
        "job_number": 1,
        "job_name": "build",
        "node": 0,
        "step": 1,
        "step_name": "echo hi",
        "line": 2,
        "text": "two ä needle",
        "match": {"start": 6, "end": 12},
        "web_url": f"{page}?node=0&step=1#step-1-2",
    }


async def test_many_lines_and_many_jobs_come_page_by_page(house: House) -> None:
    for _ in range(3):
        await a_job(house, b"needle\n" * 30)
    client = api_of(house)
    everything = [(job, 0, line) for job in (3, 2, 1) for line in range(1, 31)]
    assert await found(client, "q=needle") == everything
    assert await found(client, "q=needle&lines-per-step=1") == [(3, 0, 1), (2, 0, 1), (1, 0, 1)]


async def test_a_search_stays_in_its_project(house: House) -> None:
    await a_job(house, b"needle\n")
    slug = Slug.parse("gh/acme/other")
    await house.use.add_project(slug, "/srv/other.git", None, house.admin)
    answer = await api_of(house).get("/api/v2/project/gh/acme/other/search?q=needle")
    assert answer.json() == {"items": [], "next_page_token": None}


async def test_what_cannot_be_searched_for_is_refused(house: House) -> None:
    client = api_of(house)
    for query in ("", "q=ab", "q=" + "x" * 201, "q=abc&page-token=1", "q=abc&lines-per-step=99"):
        assert (await client.get(f"{SEARCH}?{query}")).status == 400, query


async def test_a_made_up_place_leads_no_further_than_the_project(house: House) -> None:
    await a_job(house, b"needle\n", FILLER + b"needle\n")
    client = api_of(house)
    most = "9" * 18
    for place, lines in ((f"{most}.0.0.0.0", 2), (f"1.0.1.{most}.0", 0), (f"1.{most}.0.0.0", 0)):
        answer = await client.get(f"{SEARCH}?q=needle&page-token={place}")
        assert (answer.status, len(answer.json()["items"])) == (200, lines), place


async def test_output_that_is_no_longer_kept_is_not_found(house: House) -> None:
    await a_job(house, b"needle\n", FILLER + b"needle\n")
    house.clock.forward(2 * MINUTE)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    (execution,) = {row[0] for row in await house.rows("SELECT execution_id FROM step")}
    await house.engine.database.write(lambda tx: tx.steps.drop_output(execution))
    assert await found(api_of(house), "q=needle") == []
