"""Lists in keyset pages."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.access import Person, Token
from roundel.domain.clock import Micros
from roundel.domain.ids import (
    JobId,
    PersonId,
    PipelineId,
    ProjectId,
    TokenId,
    WorkflowId,
    new_id,
)
from roundel.domain.pipelines import Commit, Ref
from roundel.domain.projects import Slug
from roundel.store.database import SqliteDatabase
from roundel.store.dialect import Row, Sql
from roundel.store.queries.insights import SqlInsightReads
from roundel.store.queries.page_finds import search
from roundel.store.schema import prepare
from roundel.store.transaction import Transaction
from roundel.vault.tokens import digest_of, new_token, prefix_of
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

T = TypeVar("T")


async def test_pages_of_pipelines_meet_without_gap_or_double(house: House) -> None:
    for _ in range(7):
        await house.trigger()
    seen: list[int] = []
    before: tuple[Micros, PipelineId] | None = None
    while page := await house.engine.reads.pipelines(
        projects=[house.project.id], before=before, limit=3
    ):
        seen += [view.pipeline.number for view in page]
        last = page[-1].pipeline
        before = (last.created_at, last.id)
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_a_page_token_goes_on_where_it_was_given_whatever_came_since(house: House) -> None:
    api = create_api(house.engine, UseCases(house.engine), SETTINGS)
    client = Client(api, (house.folder / "admin-token").read_text().strip())
    path = "/api/v2/project/gh/acme/web/pipeline"
    for _ in range(23):
        await house.trigger()
    first = (await client.get(path)).json()
    assert [it["number"] for it in first["items"]] == list(range(23, 3, -1))
    for _ in range(3):
        await house.trigger()
    second = (await client.get(f"{path}?page-token={first['next_page_token']}")).json()
    assert [it["number"] for it in second["items"]] == [3, 2, 1]
    assert second["next_page_token"] is None


async def test_pipelines_of_several_projects_are_listed_by_time(house: House) -> None:
    other = await house.use.add_project(Slug.parse("gh/acme/api"), "/srv/api", None, house.admin)
    first = house.project
    for project in (first, other, first):
        house.project = project
        await house.trigger()
    views = await house.engine.reads.pipelines(projects=[first.id, other.id], limit=2)
    assert [(str(v.project_slug), v.pipeline.number) for v in views] == [
        ("gh/acme/web", 2),
        ("gh/acme/api", 1),
    ]


async def test_pipelines_are_found_by_branch_and_by_actor(house: House) -> None:
    house.repositories.branches.add("dev")
    await house.trigger(ref=Ref(branch="dev"))
    await house.trigger()
    reads = house.engine.reads
    [view] = await reads.pipelines(projects=[house.project.id], branch="dev")
    assert view.pipeline.number == 1
    mine = await reads.pipelines(projects=[house.project.id], actor_id=house.admin.id)
    assert len(mine) == 2
    found = await reads.pipeline_by_number(house.project.id, 2)
    assert found is not None
    assert found.pipeline.ref == Ref(branch="main")


async def test_a_search_shows_the_newest_of_all_branches_that_begin_so(house: House) -> None:
    house.repositories.branches |= {"fix/a", "fix/b", "fix/c", "fiy"}
    for branch in ("fix/b", "fix/a", "fiy", "fix/c", "fix/a", "main"):
        await house.trigger(ref=Ref(branch=branch))

    async def found(text: str, limit: int) -> list[int]:
        views = await house.engine.pages.search([house.project.id], text, limit=limit)
        return [view.pipeline.number for view in views]

    assert await found("fix/", 9) == [5, 4, 2, 1]
    assert await found("fix/", 2) == [5, 4]
    assert await found("fix/a", 9) == [5, 2]
    assert await found("fi", 9) == [5, 4, 3, 2, 1]
    assert await found("4b825dc6", 2) == [6, 5]
    assert await found("x", 9) == []


async def test_a_search_reads_no_more_of_a_branch_than_it_shows(tmp_path: Path) -> None:
    """Sorting all pipelines of `main` took 300 ms where there are 125,000 of them."""
    prepare(tmp_path / "roundel.sqlite3")
    with closing(sqlite3.connect(tmp_path / "roundel.sqlite3")) as connection:
        explaining = Explaining(connection, found={"WITH RECURSIVE": [("main",)]})
        search(explaining, [ProjectId("p")], "12345678", 20)
    branches, newest, number, revision = explaining.plans
    for plan in (branches, newest):
        assert "SCAN pipeline" not in plan and "TEMP B-TREE" not in plan, plan
        assert "COVERING INDEX pipeline_by_branch" in plan, plan
    assert "project_id=? AND number=?" in number, number
    assert "pipeline_by_revision" in revision, revision


async def test_a_list_shows_every_change_at_once_though_it_remembers_rows(house: House) -> None:
    api = create_api(house.engine, UseCases(house.engine), SETTINGS)
    client = Client(api, (house.folder / "admin-token").read_text().strip())
    path = "/api/v2/project/gh/acme/web/pipeline"
    for _ in range(2):
        await house.trigger()
    first, again = await client.get(path), await client.get(path)
    assert (first.body, first.headers["etag"]) == (again.body, again.headers["etag"])

    pipeline = (await house.engine.reads.pipelines(projects=[house.project.id]))[0].pipeline
    # The clock of this house stands still: what changes within one tick must be seen too.
    changed = replace(pipeline, commit=Commit(revision="c0ffee", subject="Another"))
    await house.engine.database.write(lambda tx: tx.pipelines.save(changed, pipeline.state))
    third = await client.get(path)
    assert third.headers["etag"] != first.headers["etag"]
    assert [it["vcs"]["revision"] == "c0ffee" for it in third.json()["items"]] == [True, False]

    moved = replace(house.project, repository_url="/srv/moved.git")
    await house.engine.database.write(lambda tx: tx.projects.save(moved))
    urls = {it["vcs"]["origin_repository_url"] for it in (await client.get(path)).json()["items"]}
    assert urls == {"/srv/moved.git"}


async def test_a_list_is_read_again_once_anybody_has_written_even_another_program(
    house: House,
) -> None:
    api = create_api(house.engine, UseCases(house.engine), SETTINGS)
    client = Client(api, (house.folder / "admin-token").read_text().strip())
    path = "/api/v2/project/gh/acme/web/pipeline"

    async def numbers() -> list[int]:
        first, second = [(await client.get(path)).json()["items"] for _ in range(2)]
        assert first == second
        return [it["number"] for it in first]

    for _ in range(3):
        await house.trigger()
    assert await numbers() == [3, 2, 1]
    await house.damage(
        "UPDATE pipeline SET number = 9, updated_at = updated_at + 1 WHERE number = 3"
    )
    assert await numbers() == [9, 2, 1]
    if house.database_url is None:
        with closing(sqlite3.connect(house.folder / "roundel.sqlite3")) as other, other:
            other.execute(
                "UPDATE pipeline SET number = 8, updated_at = updated_at + 1 WHERE number = 9"
            )
        assert await numbers() == [8, 2, 1]


async def test_what_was_remembered_for_one_caller_is_not_shown_to_a_stranger(house: House) -> None:
    api = create_api(house.engine, UseCases(house.engine), SETTINGS)
    client = Client(api, (house.folder / "admin-token").read_text().strip())
    path = "/api/v2/project/gh/acme/web/pipeline"
    await house.trigger()
    assert (await client.get(path)).status == 200
    assert (await Client(api, "unknown").get(path)).status == 401
    stranger = Person(id=PersonId(new_id()), login="eve", name="Eve", created_at=Micros(0))
    secret = await _token_of(house, stranger)
    assert (await Client(api, secret).get(path)).status == 404


async def _token_of(house: House, person: Person) -> str:
    made = new_token()
    token = Token(
        id=TokenId(new_id()),
        person_id=person.id,
        label="",
        prefix=prefix_of(made),
        digest=digest_of(made),
        created_at=Micros(0),
    )

    def add(tx: Transaction) -> None:
        tx.people.add(person)
        tx.people.add_token(token)

    await house.engine.database.write(add)
    return made


async def test_lists_use_an_index_for_their_order(house: House) -> None:
    postgres = house.database_url is not None

    def plan(sql: Sql, where: str) -> str:
        if postgres:  # which would rather sort the few rows of a test
            sql.run("SET LOCAL enable_seqscan = off")
            sql.run("SET LOCAL enable_bitmapscan = off")
        rows = sql.all(
            f"EXPLAIN {'' if postgres else 'QUERY PLAN'} SELECT p.id FROM pipeline p"  # noqa: S608
            f" WHERE p.project_id = 'x'{where} AND (p.created_at, p.id) < (1, 'x')"
            " ORDER BY p.created_at DESC, p.id DESC LIMIT 20"
        )
        return " ".join(str(row[-1]) for row in rows)

    for where in ("", " AND p.branch = 'main'", " AND p.actor_id = 'x'"):
        text = await house.engine.database.read(  # type: ignore[attr-defined]
            lambda sql, where=where: plan(sql, where)
        )
        assert "pipeline_by_" in text
        assert "TEMP B-TREE" not in text
        assert "Sort" not in text


class Explaining(Sql):
    """Tells how SQLite would look for what is asked for, and finds what is said, or nothing."""

    def __init__(
        self, connection: sqlite3.Connection, found: Mapping[str, list[Row]] | None = None
    ) -> None:
        super().__init__(connection)
        self.plans: list[str] = []
        self.found = found or {}

    def all(self, statement: str, **values: object) -> list[Row]:
        rows = super().all(f"EXPLAIN QUERY PLAN {statement}", **values)
        self.plans.append(" ".join(str(row[-1]) for row in rows))
        begins = statement.strip()
        return next((them for it, them in self.found.items() if begins.startswith(it)), [])


async def test_later_pages_of_runs_begin_at_their_row_and_not_at_the_newest(
    tmp_path: Path,
) -> None:
    """SQLite walks from one end of a range only; PostgreSQL uses both, whatever is asked."""
    prepare(tmp_path / "roundel.sqlite3")
    with closing(sqlite3.connect(tmp_path / "roundel.sqlite3")) as connection:
        explaining = Explaining(connection)

        class Explained(SqliteDatabase):
            def __init__(self) -> None:
                pass

            async def read(self, fn: Callable[[Sql], T]) -> T:
                return fn(explaining)

        reads = SqlInsightReads(Explained())
        await reads.runs(
            *(ProjectId("p"), "main"),
            branch=None,
            since=Micros(0),
            until=Micros(2**60),
            before=(Micros(2**50), WorkflowId("x")),
            limit=20,
        )
        await reads.job_runs(
            *(ProjectId("p"), "main", "build"),
            branch=None,
            since=Micros(0),
            until=Micros(2**60),
            before=(Micros(2**50), JobId("x")),
            limit=20,
        )
        runs, jobs = explaining.plans
    assert "(created_at,id)<(?,?)" in runs, runs
    assert "(created_at,id)<(?,?)" in jobs, jobs


async def test_recent_jobs_come_newest_first_and_by_branch(house: House) -> None:
    house.repositories.branches.add("dev")
    await house.trigger(a_plan("a", "b"))
    await house.trigger(a_plan("a"), ref=Ref(branch="dev"))
    reads = house.engine.reads
    jobs = await reads.recent_jobs(house.project.id)
    assert [(view.job.number, view.job.name) for view in jobs] == [(3, "a"), (2, "b"), (1, "a")]
    [only] = await reads.recent_jobs(house.project.id, branch="dev")
    assert only.job.number == 3
    [second] = await reads.recent_jobs(house.project.id, offset=1, limit=1)
    assert second.job.number == 2


async def test_a_job_shows_everything_about_it(house: House) -> None:
    await house.trigger(a_plan("build", "deploy<build"))
    order = await house.runner.run_one()
    await house.runner.run_one()
    assert order is not None
    view = await house.engine.reads.job(house.project.id, 2)
    assert view is not None
    assert (view.job.name, view.workflow.name, view.pipeline.number) == ("deploy", "main", 1)
    assert view.upstream == (order.job_id,)
    [node] = view.nodes
    [(step, size)] = node.steps
    assert (step.command, step.exit_code, size) == ("echo hi", 0, len("this is deploy\n"))
    assert (
        await house.engine.reads.execution_owner(node.execution_id) == view.project.organization.id
    )
    assert await house.engine.reads.job_owner(view.job.id) == view.project.organization.id
