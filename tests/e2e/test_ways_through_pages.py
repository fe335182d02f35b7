"""Ways through the pages in a real browser: lists that keep their place, folds, previews, names."""

import asyncio
import re
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.e2e.looking import IN_A_BROWSER, MODES, Look, looking
from tests.e2e.site import Project, Site

pytestmark = IN_A_BROWSER

CONFIG = """version: 2.1
jobs:
  prepare:
    docker: [{image: x}]
    environment: {COLOUR: mauve-of-the-job}
    steps:
      - run: "mkdir r; echo '<script>document.title=1</script>' > r/page.html; sleep 0.3"
      - store_artifacts: {path: r}
  unit:
    parameters: {version: {type: string}}
    docker: [{image: x}]
    steps: [run: "true"]
  other: {docker: [{image: x}], steps: [run: "true"]}
workflows:
  main:
    jobs:
      - prepare
      - other
      - unit: {requires: [prepare, other], matrix: {parameters: {version: ["1", "2", "3", "4"]}}}
"""
SECRET = "open-sesame-qzx9"


@dataclass(frozen=True)
class Mill:
    """A project of which a pipeline has succeeded, and where it is."""

    site: Site
    project: Project
    root: str
    prepare: str


@pytest.fixture(scope="session")
def mill(process_site: Site) -> Mill:
    site = process_site
    project = site.project(CONFIG)
    body = {"name": "API_KEY", "value": SECRET}
    site.client.request("POST", f"/api/v2/project/{project.slug}/envvar", body=body)
    workflow = site.begun(project)
    site.ends_as(workflow, "success")
    return Mill(site, project, project.pages, site.job_page(project, workflow, "prepare"))


async def test_a_list_keeps_its_place_while_rows_come_and_on_the_way_back(
    browser: Browser, mill: Mill
) -> None:
    client, slug = mill.site.client, mill.project.slug
    for _ in range(14):
        client.trigger(slug, branch="main")
    async with looking(browser, mill.site.server.url, **MODES["narrow"]) as look:
        page = look.page
        await look.sign_in(mill.site.server.token)
        await look.at(mill.root)
        row = page.locator(".row").filter(has_text="#5 ")
        await row.scroll_into_view_if_needed()
        await page.evaluate("scrollBy(0, 200)")
        before = await top_of(page, "#5 ")
        made = client.trigger(slug, branch="main")
        await expect(page.locator(".row").filter(has_text=f"#{made['number']} ")).to_have_count(1)
        assert abs(await top_of(page, "#5 ") - before) < 3, "a new row moved what is read"
        await row.get_by_role("link").first.click()
        await page.wait_for_url("**/5")
        await page.go_back()
        await expect(row).to_be_in_viewport()


async def top_of(page: Page, text: str) -> float:
    box = await page.locator(".row").filter(has_text=text).bounding_box()
    assert box is not None
    return box["y"]


async def test_a_project_is_chosen_by_keys(look: Look, mill: Mill) -> None:
    page, name = look.page, mill.project.slug.rpartition("/")[2]
    await look.at("/pipelines")
    await page.keyboard.press("p")
    await expect(page.locator("#rooms")).to_be_visible()
    await page.keyboard.type(name)
    links = page.locator("#rooms .inner:visible")
    await expect(links).to_have_count(1)
    assert await look.violations() == []
    await links.first.click()
    await page.wait_for_url(f"**{mill.root}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(name)


async def test_matrices_are_folded_and_the_critical_path_is_marked(look: Look, mill: Mill) -> None:
    page = look.page
    await look.at(f"{mill.root}/1")
    graph = page.locator("svg.graph")
    await expect(graph.locator(".node")).to_have_count(3)
    await expect(graph).to_contain_text("4 jobs: 4 passed")
    await expect(page.locator(".legend")).to_contain_text("critical path")
    await expect(graph.locator(".node.critical").first).to_contain_text("prepare")
    await expect(graph.locator(".node").filter(has_text="other")).not_to_have_class(
        re.compile("critical")
    )
    await expect(graph.locator(".edge.critical")).to_have_count(1)
    await graph.get_by_role("link", name=re.compile("^unit")).click()
    await expect(graph.locator(".node")).to_have_count(6)
    await page.get_by_role("link", name="fold matrices").click()
    await expect(graph.locator(".node")).to_have_count(3)
    await page.get_by_role("link", name="Time", exact=True).click()
    bars = page.locator("svg.gantt .ran")
    await expect(bars).to_have_count(6)
    await expect(page.locator("svg.gantt g.critical").first).to_contain_text("prepare")


async def test_a_job_names_its_environment_and_shows_no_secret(look: Look, mill: Mill) -> None:
    page = look.page
    await look.at(mill.prepare)
    await page.get_by_text("Preparing environment variables").click()
    output = page.locator(".step[open] .out")
    for name in ("API_KEY", "COLOUR", "CIRCLE_JOB"):
        await expect(output).to_contain_text(name)
    assert SECRET not in await page.content()


async def test_a_step_opened_before_the_script_is_there_shows_its_output(
    look: Look, mill: Mill
) -> None:
    page = look.page
    arrived = asyncio.Event()

    async def late(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await page.route(re.compile(r"/static/output\."), late)
    await look.at(mill.prepare)
    await page.get_by_text("Preparing environment variables").click()
    await expect(page.locator(".step[open] .unread")).to_be_visible()
    arrived.set()
    await expect(page.locator(".step[open] .out")).to_contain_text("CIRCLE_JOB")


async def test_an_artifact_is_looked_at_and_cannot_act(look: Look, mill: Mill) -> None:
    page = look.page
    await look.at(mill.prepare)
    await page.get_by_role("link", name="r/page.html").click()
    await page.wait_for_url("**/r/page.html")
    assert await page.title() != "1", "a script of an artifact has run"
    response = await page.request.get(page.url)
    assert (await response.text()).startswith("<script>")
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    look.troubles.clear()  # the browser itself reports what it refused


async def test_a_pipeline_can_be_previewed(look: Look, mill: Mill) -> None:
    await look.at(f"{mill.root}/1")
    preview = look.page.locator('meta[property="og:title"]')
    assert await preview.get_attribute("content") == f"{mill.project.slug} #1: success"
    assert await look.page.title() == f"Success · {mill.root.rpartition('/')[2]} #1"


async def test_on_a_phone_the_search_opens_over_the_bar(browser: Browser, mill: Mill) -> None:
    async with looking(browser, mill.site.server.url, **MODES["narrow"]) as look:
        await look.sign_in(mill.site.server.token)
        search = look.page.get_by_role("searchbox", name="Search")
        closed = await search.bounding_box()
        await search.click()
        opened = await search.bounding_box()
        assert closed is not None and closed["width"] < 60
        assert opened is not None and opened["width"] > 340
        await search.fill("#1")
        assert await look.violations() == []
        await search.press("Enter")
        await look.page.wait_for_url("**/search?q=%231")
        await expect(look.page.get_by_role("searchbox", name="Search")).to_have_value("#1")
