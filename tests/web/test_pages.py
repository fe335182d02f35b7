"""What the pages say, without a browser: lists, filters, searches, badges, the feed."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from roundel.domain import storage
from roundel.domain.clock import DAY
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Ref
from roundel.domain.projects import Slug
from roundel.domain.runners import Result
from roundel.web.pages.searches import PROJECTS_IN
from tests.builders import a_plan
from tests.fakes import a_report
from tests.web.conftest import Street, opened_street
from tests.web.refused import Refused
from tests.web.visitor import Visitor, text_of

HOSTILE = "<script>alert(1)</script> \"' & {{ 7*7 }} \x1b[31m \x07"
ROOT = "/pipelines/gh/acme/web"
SVG = "{http://www.w3.org/2000/svg}"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
async def street(tmp_path: Path, database_url: str | None) -> AsyncIterator[Street]:
    """On both databases: the queries of the pages are their own."""
    async with opened_street(tmp_path / "data", database_url) as street:
        yield street


async def numbers(visitor: Visitor, path: str) -> list[int]:
    """The pipelines that a list shows, in its order."""
    return [int(it) for it in re.findall(r"#(\d+) ", text_of(await visitor.get(path)))]


async def run(street: Street, *slots: str, failing: str = "", ref: Ref | None = None) -> None:
    house = street.house
    await house.trigger(a_plan(*slots), ref=ref)
    if failing:
        house.runner.endings[failing] = ExecutionStatus.FAILED
    await house.runner.run_all()
    house.runner.endings.clear()


async def test_a_list_is_filtered_by_what_its_pipelines_are(street: Street) -> None:
    house = street.house
    house.repositories.branches |= {"dev"}
    await run(street, "build")
    await run(street, "build", failing="build", ref=Ref(branch="dev"))
    await run(street, "build", "ok?<build")
    visitor = await street.visitor()
    for query, expected in (
        ("", [3, 2, 1]),
        ("?status=success", [1]),
        ("?status=failed", [2]),
        ("?status=on_hold", [3]),
        ("?status=running", []),
        ("?branch=dev", [2]),
        ("?branch=dev&status=success", []),
        ("?trigger=api", [3, 2, 1]),
        ("?trigger=webhook", []),
        ("?mine=1", [3, 2, 1]),
    ):
        for path in (ROOT, "/pipelines", "/pipelines/gh/acme"):
            assert await numbers(visitor, path + query) == expected, (path, query)
    other = await street.visitor(await street.token("ada"))
    assert await numbers(other, "/pipelines?mine=1") == []


@pytest.mark.parametrize("query", ["status=odd", "trigger=odd", "before=!!", "before=MTIz"])
async def test_a_filter_that_means_nothing_is_refused(street: Street, query: str) -> None:
    visitor = await street.visitor()
    answer = await visitor.get(f"{ROOT}?{query}")
    assert answer.status == 400
    assert "Go back" in text_of(answer)


async def test_older_pages_go_on_where_the_newer_ended_whatever_comes_meanwhile(
    street: Street,
) -> None:
    for _ in range(35):
        await street.house.trigger(a_plan("build"))
    visitor = await street.visitor()
    first = text_of(await visitor.get(ROOT))
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older is not None
    await street.house.trigger(a_plan("build"))
    assert await numbers(visitor, older.group(1)) == [5, 4, 3, 2, 1]


async def test_a_rare_status_is_found_page_by_page(street: Street) -> None:
    await run(street, "build", failing="build")
    for _ in range(3):
        await run(street, "build")
    visitor = await street.visitor()
    assert await numbers(visitor, f"{ROOT}?status=failed") == [1]


async def test_a_search_finds_projects_branches_numbers_and_commits(street: Street) -> None:
    street.house.repositories.branches |= {"feature/search"}
    await run(street, "build", ref=Ref(branch="feature/search"))
    visitor = await street.visitor()
    for text in ("%231", "1", "feature/s", "4b825dc64"):
        assert await numbers(visitor, f"/search?q={text}") == [1], text
    assert "gh/acme/web" in text_of(await visitor.get("/search?q=WEB"))
    for text in ("2", "eature", "4b9", "%25", "x" * 5000):
        assert "Nothing found" in text_of(await visitor.get(f"/search?q={text}")), text


async def test_a_search_looks_first_into_the_logs_of_the_project_that_one_comes_from(
    street: Street,
) -> None:
    house = street.house
    for number in range(PROJECTS_IN):
        slug = Slug.parse(f"gh/acme/before-{number}")
        await house.use.add_project(slug, f"/srv/{number}.git", None, house.admin)
    await run(street, "build")
    visitor = await street.visitor()
    assert 'name="near" value="gh/acme/web"' in text_of(await visitor.get(ROOT))
    found = text_of(await visitor.get("/search?q=IS+BUILD&near=gh/acme/web"))
    assert "this <mark>is build</mark>" in found
    assert 'name="near" value="gh/acme/web"' in found
    assert "The logs of 1 more project were not looked through" in found
    assert "<mark>is build</mark>" not in text_of(await visitor.get("/search?q=IS+BUILD"))


async def test_a_search_finds_lines_of_logs_and_goes_on_where_it_stopped(street: Street) -> None:
    for _ in range(25):
        await run(street, "build", "ok<build")
    visitor = await street.visitor()
    page = text_of(await visitor.get("/search?q=IS+BUILD"))
    assert "Log lines of gh/acme/web" in page
    assert page.count("this <mark>is build</mark>") == 20
    assert re.search(r"#25, build.*?echo hi.*?line 1<", page, re.DOTALL) is not None
    link = re.search(r'href="(/pipelines/[^"]+?/jobs/\d+)\?node=0&step=0#step-0-1"', page)
    assert link is not None
    assert (await visitor.get(link.group(1))).status == 200
    older = re.search(r'href="(/search[^"]+)" rel="next"', page)
    assert older is not None
    rest = text_of(await visitor.get(older.group(1).replace("&amp;", "&")))
    assert rest.count("this <mark>is build</mark>") == 5
    assert "#1, build" in rest and "Search everything" in rest
    nothing = text_of(await visitor.get("/search?q=is+nowhere&in=gh/acme/web"))
    assert "All logs of gh/acme/web have been looked through." in nothing
    assert (await visitor.get("/search?q=build&in=gh/acme/web&from=1.2")).status == 400


async def test_a_refused_start_keeps_what_came_and_says_which_field(street: Street) -> None:
    visitor = await street.visitor()
    sent = {"branch": "feature", "tag": "v1", "parameters": "deploy=true"}
    answer = await visitor.post(f"{ROOT}/start", **sent)
    page = text_of(answer)
    assert answer.status == 400 and await numbers(visitor, ROOT) == []
    assert 'name="branch" value="feature"' in page
    assert (Refused(answer).fault, Refused(answer).values["tag"]) == ("tag", ["v1"])
    assert ">deploy=true</textarea>" in page
    assert "give one of them, and not both" in page
    page = text_of(await visitor.post(f"{ROOT}/start", branch="feature", parameters="a=b\nodd"))
    assert 'name="branch" value="feature"' in page and "a=b\nodd</textarea>" in page
    assert re.search(r'<textarea[^>]*aria-describedby="wrong-parameters"', page)
    assert '<p id="wrong-parameters" class="wrong-at">Parameters, line 2' in page


async def test_a_search_finds_tests_of_the_newest_runs(street: Street) -> None:
    house = street.house
    for result in ("failure", "success"):
        await house.trigger(a_plan("build"))
        order = await house.runner.claim()
        assert order is not None
        tests = [
            storage.TestResult(name=name, classname="Sums", file=None, result=result, run_time=0.1)
            for name in ("adds_100%", "divides by zero")
        ]
        await house.engine.runners.report(order.lease, [a_report()])
        await house.engine.runners.keep_tests(order.lease, "report", tests)
        over = Result(status=ExecutionStatus.SUCCESS)
        await house.engine.runners.finish(order.lease, over)
    visitor = await street.visitor()
    for text in ("DIVIDES", "by zero", "ides"):
        page = text_of(await visitor.get(f"/search?q={text.replace(' ', '+')}"))
        assert page.count("divides by zero") == 1, text  # not once for each run
        assert "web #2, build" in page and "adds" not in page, text
    assert text_of(await visitor.get("/search?q=sums")).count("web #2, build") == 2
    assert "adds_100%" in text_of(await visitor.get("/search?q=100%25"))
    for text in ("di", "divides%25", "divi_es"):
        assert "Nothing found" in text_of(await visitor.get(f"/search?q={text}")), text
    other = await street.visitor(await street.token("ada"))
    assert "divides by" not in text_of(await other.get("/search?q=divides"))


async def test_a_character_that_is_no_text_is_refused_and_no_failure_of_ours(
    street: Street,
) -> None:
    visitor = await street.visitor()
    assert (await visitor.get("/search?q=a%00")).status == 400
    assert (await visitor.get(ROOT + "?branch=%00")).status == 400
    assert (await visitor.get("/pipelines/gh/ac\0me")).status == 404
    assert (await visitor.post("/projects/add", repository="/srv/\0")).status == 400


async def test_whatever_others_write_is_shown_as_text(street: Street) -> None:
    house = street.house
    house.repositories.subject = house.repositories.body = HOSTILE
    branch = "a/<img/src=x/onerror=alert(1)>"
    house.repositories.branches |= {branch}
    await run(street, "build", failing="build", ref=Ref(branch=branch))
    visitor = await street.visitor()
    for path in (
        ROOT,
        f"{ROOT}/1",
        f"{ROOT}/1/config",
        "/search?q=" + branch,
        "/search?q=<script>",
    ):
        body = (await visitor.get(path)).body.decode()
        assert "<script>alert" not in body and "<img/src" not in body, path
        assert "{{" not in body.replace("{{ 7*7 }}", ""), path


async def test_a_title_and_an_icon_show_the_state(street: Street) -> None:
    await run(street, "build", failing="build")
    visitor = await street.visitor()
    page = text_of(await visitor.get(f"{ROOT}/1"))
    assert "<title>Failed · web #1</title>" in page
    assert 'href="/favicon/bad.svg"' in page
    assert 'property="og:title" content="gh/acme/web #1: failed"' in page
    icon = await visitor.get("/favicon/bad.svg")
    assert ElementTree.fromstring(icon.body).tag == f"{SVG}svg"  # noqa: S314  # our own


async def badge_of(street: Street, query: str = "", branch: str = "") -> str:
    visitor = await street.visitor()
    page = text_of(await visitor.get(f"{ROOT}/badges"))
    token = re.search(r"\?token=([0-9a-f]+)", page)
    assert token is not None
    tree = f"/tree/{branch}" if branch else ""
    path = f"/badge/gh/acme/web{tree}.svg?token={token.group(1)}{query}"
    answer = await street.stranger().get(path)
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    root = ElementTree.fromstring(answer.body)  # noqa: S314  # our own
    return str(root.get("aria-label"))


async def test_a_badge_says_how_a_branch_and_a_workflow_stand(street: Street) -> None:
    assert await badge_of(street) == "roundel: unknown"
    await run(street, "build", failing="build")
    assert await badge_of(street) == "roundel: failing"
    await run(street, "build")
    assert await badge_of(street) == "roundel: passing"
    assert await badge_of(street, "&workflow=main") == "main: passing"
    assert await badge_of(street, "&workflow=<other>") == "<other>: unknown"
    assert await badge_of(street, branch="feature/none") == "roundel: unknown"


async def test_the_feed_lists_failures_with_what_failed(street: Street) -> None:
    street.house.repositories.subject = HOSTILE
    await run(street, "build")
    await run(street, "build", "lint", failing="lint")
    visitor = await street.visitor()
    page = text_of(await visitor.get(f"{ROOT}/badges"))
    feed = re.search(r"(/feed/\S+/failures\.atom\?token=[0-9a-f]+)", page)
    assert feed is not None
    answer = await street.stranger().get(feed.group(1))
    root = ElementTree.fromstring(answer.body)  # noqa: S314  # our own
    (entry,) = root.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "main failed on main (#2)"
    summary = entry.findtext(f"{ATOM}summary") or ""
    assert summary.startswith("<script>alert(1)</script>") and "failed: lint" in summary


async def test_actions_say_why_they_are_not_possible(street: Street) -> None:
    await run(street, "build", "ok?<build")
    visitor = await street.visitor()
    page = text_of(await visitor.get(f"{ROOT}/1"))
    assert "It goes on: cancel it first" in page
    workflow = await street.house.workflow(
        (await street.house.engine.reads.pipelines(projects=[street.house.project.id]))[0].pipeline
    )
    path = f"{ROOT}/1/workflows/{workflow.id}"
    assert (await visitor.post(path, action="cancel")).status == 303
    page = text_of(await visitor.get(path))
    assert "It has ended: canceled" in page
    street.house.clock.forward(91 * DAY)
    visitor = await street.visitor()
    assert "older than 90 days" in text_of(await visitor.get(path))
    assert (await visitor.post(path, action="rerun")).status == 400
    assert (await visitor.post(path, action="odd")).status == 400


async def test_a_server_without_projects_says_how_to_begin(street: Street) -> None:
    visitor = await street.visitor(await street.token("ada"))
    page = text_of(await visitor.get("/pipelines"))
    assert "Your first green pipeline" in page


async def test_a_failure_of_ours_is_a_page_without_details(street: Street) -> None:
    visitor = await street.visitor()
    await run(street, "build")
    await street.house.damage("UPDATE pipeline SET trigger_type = 'api', parameters = '[broken'")
    answer = await visitor.get(f"{ROOT}/1")
    assert answer.status == 500
    assert "That is our fault" in text_of(answer)
    assert "Traceback" not in text_of(answer) and "broken" not in text_of(answer)


async def test_what_comes_as_head_gets_the_headers_alone(street: Street) -> None:
    visitor = await street.visitor()
    answer = await visitor._send("HEAD", "/pipelines", b"", {})
    assert (answer.status, answer.body) == (200, b"")
