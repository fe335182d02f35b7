"""Insights of runs that a whole server carried out."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import DAY, MINUTE
from roundel.domain.ids import WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.outbox import EventKind, OutboxEvent
from roundel.domain.storage import TestResult as CaseResult
from roundel.services import ticks
from roundel.services.insights import fold_events
from roundel.services.work import Tx
from roundel.store.dialect import Row, Sql
from roundel.store.queries.insights import SqlInsightReads
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

T = TypeVar("T")
BASE = "/api/v2/insights/gh/acme/web"


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def run(house: House, *, fails: bool = False, minutes: int = 1) -> WorkflowId:
    """Run `build` and `deploy`; a failing build keeps `deploy` from running."""
    house.runner.endings["build"] = ExecutionStatus.FAILED if fails else ExecutionStatus.SUCCESS
    pipeline = await house.trigger(a_plan("build", "deploy<build"))
    house.clock.forward(minutes * MINUTE)
    await house.runner.run_all()
    await house.engine.ticks.tick()
    return (await house.workflow(pipeline)).id


async def get(client: Client, target: str) -> Any:
    answer = await client.get(target)
    assert answer.status == 200, answer
    return answer.json()


async def test_a_workflows_figures_are_those_of_its_runs(house: House, client: Client) -> None:
    for fails in (False, True, True, False):
        await run(house, fails=fails)
    page = await get(client, f"{BASE}/workflows")
    [main] = page["items"]
    metrics = main["metrics"]
    assert page["next_page_token"] is None
    assert (main["name"], main["project_id"]) == ("main", house.project.id)
    assert (metrics["total_runs"], metrics["successful_runs"], metrics["failed_runs"]) == (4, 2, 2)
    assert (metrics["success_rate"], metrics["throughput"]) == (0.5, 4 / 90)
    # The failures ended two minutes and one minute before the success did.
    assert (metrics["total_recoveries"], metrics["mttr"]) == (2, 90)
    assert metrics["duration_metrics"]["median"] == 60
    assert main["window_start"] < main["window_end"]


async def test_jobs_have_figures_and_runs_of_their_own(house: House, client: Client) -> None:
    await run(house)
    await run(house, fails=True)
    items = (await get(client, f"{BASE}/workflows/main/jobs"))["items"]
    assert [(it["name"], it["metrics"]["total_runs"]) for it in items] == [
        ("build", 2),
        ("deploy", 1),
    ]
    filtered = await get(client, f"{BASE}/workflows/main/jobs?job-name=uil")
    assert [it["name"] for it in filtered["items"]] == ["build"]
    runs = await get(client, f"{BASE}/workflows/main/jobs/build")
    assert [it["status"] for it in runs["items"]] == ["failed", "success"]
    for granularity in ("daily", "hourly"):
        series = await get(
            client,
            f"/api/v2/insights/time-series/gh/acme/web/workflows/main/jobs?granularity={granularity}",
        )
        found = {it["name"]: it["metrics"] for it in series["items"]}
        assert found["build"]["failed_runs"] == 1
        assert found["build"]["duration_metrics"]["total"] == 0


async def test_runs_come_newest_first_in_pages(house: House, client: Client) -> None:
    ids = [await run(house) for _ in range(22)]
    first = await get(client, f"{BASE}/workflows/main")
    token = first["next_page_token"]
    second = await get(client, f"{BASE}/workflows/main?page-token={token}")
    found = [it["id"] for it in first["items"] + second["items"]]
    assert found == ids[::-1]
    assert second["next_page_token"] is None
    newest = first["items"][0]
    assert (newest["branch"], newest["status"], newest["is_approval"]) == ("main", "success", False)
    assert newest["duration"] == 60


class Asked:
    """Remembers what was asked of a reader."""

    def __init__(self, sql: Sql, statements: list[str]) -> None:
        self._sql, self._statements = sql, statements

    def all(self, statement: str, **values: object) -> Sequence[Row]:
        self._statements.append(statement)
        return self._sql.all(statement, **values)


class Listening:
    """A database whose readers remember what they were asked."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.statements: list[str] = []

    async def read(self, fn: Callable[[Any], T]) -> T:
        return await self._database.read(lambda sql: fn(Asked(sql, self.statements)))


async def test_the_jobs_of_several_runs_are_read_at_once(house: House) -> None:
    one, failed = await run(house), await run(house, fails=True)
    listening = Listening(house.engine.database)
    found = await SqlInsightReads(listening).slots([failed, one])  # type: ignore[arg-type]
    assert len(listening.statements) == 1
    assert list(found) == [failed, one]
    assert found[one] == await house.engine.reads.slots(one)
    assert found[failed] == await house.engine.reads.slots(failed)
    assert [slot.job.name for slot in found[one]] == ["build", "deploy"]
    assert await house.engine.insights.slots([]) == {}


async def test_branches_are_apart_and_can_be_put_together(house: House, client: Client) -> None:
    from roundel.domain.pipelines import Ref

    await run(house)
    house.repositories.branches.add("other")
    await house.trigger(a_plan("build"), ref=Ref(branch="other"))
    await house.runner.run_all()
    await house.engine.ticks.tick()
    for query, runs in (("", 1), ("?branch=other", 1), ("?all-branches=true", 2)):
        [main] = (await get(client, f"{BASE}/workflows{query}"))["items"]
        assert main["metrics"]["total_runs"] == runs
    assert (await get(client, f"{BASE}/workflows?branch=none"))["items"] == []
    assert (await get(client, f"{BASE}/branches"))["branches"] == ["main", "other"]
    page = await get(client, "/api/v2/insights/pages/gh/acme/web/summary")
    assert [it["branch"] for it in page["project_workflow_branch_data"]] == ["main", "other"]
    assert page["project_data"]["metrics"]["total_runs"] == 2
    only = await get(client, "/api/v2/insights/pages/gh/acme/web/summary?branches=other")
    assert [it["branch"] for it in only["project_workflow_branch_data"]] == ["other"]


async def test_trends_compare_with_the_window_before(house: House, client: Client) -> None:
    await run(house)
    house.clock.forward(30 * DAY)
    for fails in (False, False, True):
        await run(house, fails=fails)
    summary = await get(client, f"{BASE}/workflows/main/summary")
    assert summary["metrics"]["total_runs"] == 4
    assert summary["metrics"]["completed_runs"] == 4
    assert summary["workflow_names"] == ["main"]
    trends = summary["trends"]
    assert (trends["total_runs"], trends["failed_runs"]) == (3.0, -1.0)
    assert trends["success_rate"] == pytest.approx(2 / 3)
    whole = await get(client, "/api/v2/insights/gh/acme/summary?reporting-window=last-30-days")
    assert whole["all_projects"] == ["web"]
    assert whole["org_data"]["metrics"]["total_runs"] == 3
    assert whole["org_data"]["trends"]["total_runs"] == 3.0
    [web] = whole["org_project_data"]
    assert (web["project_name"], web["metrics"]["total_runs"]) == ("web", 3)
    none = await get(client, "/api/v2/insights/gh%2Facme/summary?project-names=other")
    assert none["org_project_data"] == []


async def give_results(house: House, workflow: WorkflowId, *results: tuple[str, str]) -> None:
    job = (await house.jobs(workflow))["build"]
    made = [
        CaseResult(name=name, classname="suite", file="a.py", result=result, run_time=1.5)
        for name, result in results
    ]
    at = house.clock.now()
    await house.engine.database.write(
        lambda tx: tx.test_results.add(house.project.id, job.id, "build", 0, "1", made, at)
    )


async def test_a_test_that_passes_and_fails_on_one_commit_is_flaky(
    house: House, client: Client
) -> None:
    first, second = await run(house, fails=True), await run(house)
    await give_results(
        house, first, ("shaky", "failure"), ("broken", "error"), ("solid", "success")
    )
    await give_results(
        house, second, ("shaky", "success"), ("broken", "failure"), ("left", "skipped")
    )
    found = await get(client, f"{BASE}/flaky-tests")
    assert found["flaky_tests"] == found["flaky-tests"]
    [flaky] = found["flaky-tests"]
    assert (flaky["test-name"], flaky["times-flaked"], flaky["workflow-id"]) == ("shaky", 1, first)
    assert (flaky["test_name"], found["total-flaky-tests"]) == ("shaky", 1)
    metrics = await get(client, f"{BASE}/workflows/main/test-metrics")
    assert (metrics["average_test_count"], metrics["total_test_runs"]) == (3, 6)
    assert [it["test_name"] for it in metrics["most_failed_tests"]] == ["broken", "shaky"]
    assert [it["flaky"] for it in metrics["most_failed_tests"]] == [False, True]
    assert [it["success_rate"] for it in metrics["test_runs"]] == [0.5, pytest.approx(1 / 3)]
    house.clock.forward(15 * DAY)
    assert (await get(client, f"{BASE}/flaky-tests"))["flaky-tests"] == []


async def test_figures_count_each_run_once_also_over_a_restart(
    house: House, client: Client
) -> None:
    await run(house)
    await house.restart()
    await house.engine.ticks.tick()
    rows = await house.rows("SELECT figures FROM rollup WHERE workflow = ''")
    assert {json.loads(row[0])["runs"] for row in rows} == {1}


@pytest.mark.parametrize(
    "target",
    [
        "/workflows?reporting-window=last-year",
        "/workflows?all-branches=perhaps",
        "/workflows?page-token=nonsense",
        "/workflows/main?start-date=yesterday",
        "/workflows/main?end-date=2026-01-01",
        "/workflows/main?start-date=2026-01-02&end-date=2026-01-01",
        "/workflows/main?start-date=2026-01-01&end-date=2026-06-01",
    ],
)
async def test_what_makes_no_sense_is_refused(client: Client, target: str) -> None:
    answer = await client.get(f"{BASE}{target}")
    assert answer.status == 400, answer


async def test_older_spellings_lead_to_the_same(house: House, client: Client) -> None:
    await run(house)
    whole = "/api/v2/insights/gh/acme/projects/web"
    old = f"{whole}/workflows"
    assert await get(client, whole) == await get(client, f"{BASE}/workflows")
    for rest in ("", "/main", "/main/jobs", "/main/jobs/build"):
        assert await get(client, old + rest) == await get(client, f"{BASE}/workflows{rest}")


async def test_a_crowd_of_ended_jobs_is_counted_a_little_at_a_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, counted = house.engine.database, [0]
    write = database.write

    async def counting(transaction: Callable[[Tx], T]) -> T:
        counted.append(0)
        return await write(transaction)

    def count(tx: Tx, events: list[OutboxEvent]) -> None:
        counted[-1] += len(events)
        fold_events(tx, events)

    def ended(tx: Tx) -> None:
        for number in range(60):
            tx.outbox.add(
                OutboxEvent(
                    id=f"event {number}",
                    kind=EventKind.JOB_COMPLETED,
                    project_id=house.project.id,
                    subject="a job that is gone",
                    facts={},
                    at=house.clock.now(),
                )
            )

    monkeypatch.setattr(ticks, "fold_events", count)
    monkeypatch.setattr(database, "write", counting)
    await database.write(ended)
    await house.engine.ticks.tick()
    # Whoever asks for a job comes in between two of them.
    assert [it for it in counted if it] == [20, 20, 20]
    assert await house.rows("SELECT id FROM outbox") == []


async def test_jobs_that_end_together_count_as_if_they_had_ended_one_by_one(house: House) -> None:
    for _ in range(3):
        await house.trigger(a_plan("build", "lint"))
    await house.runner.run_all()
    await house.engine.ticks.tick()
    rows = await house.rows(
        "SELECT job, grain, branch, figures FROM rollup WHERE workflow = 'main' ORDER BY 1, 2, 3"
    )
    assert {job for job, *_ in rows} == {"", "build", "lint"}
    assert [json.loads(figures)["runs"] for *_, figures in rows] == [3] * len(rows)
