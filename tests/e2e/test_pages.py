"""The pages in a real browser, on a real server that has run real jobs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.client import until
from tests.e2e.conftest import running_site
from tests.e2e.looking import IN_A_BROWSER, MODES, Look, looking
from tests.e2e.site import Project, Site

pytestmark = IN_A_BROWSER

CONFIG = r"""version: 2.1
parameters:
  deploy: {type: boolean, default: false}
commands:
  greet:
    parameters: {who: {type: string}}
    steps:
      - run: {name: "Greet << parameters.who >>", command: "printf '\\033[31mred\\033[0m <b>\\n'"}
jobs:
  prepare:
    docker: [{image: cimg/base:current}]
    steps: [checkout, greet: {who: world}]
  unit:
    parameters: {version: {type: string}}
    docker: [{image: cimg/base:current}]
    steps: [run: "true"]
  nodes:
    docker: [{image: cimg/base:current}]
    parallelism: 2
    steps:
      - checkout
      - run: "mkdir r; echo hi > r/a.txt; echo '<p>' > r/page.html; cp .circleci/t.xml r/"
      - store_test_results: {path: r}
      - store_artifacts: {path: r}
    environment: {A: b}
  ship:
    docker: [{image: cimg/base:current}]
    steps: [run: {name: Ship it, command: exit 3}]
workflows:
  main:
    jobs:
      - prepare
      - unit: {requires: [prepare], matrix: {parameters: {version: ["1", "2", "3", "4"]}}}
      - nodes: {requires: [prepare], filters: {branches: {ignore: never}}}
      - ship: {requires: [unit, nodes]}
      - prepare: {name: only-tags, filters: {tags: {only: /v.*/}, branches: {ignore: /.*/}}}
  release:
    jobs:
      - hold: {type: approval}
      - prepare: {name: done, requires: [hold]}
  nightly:
    when: << pipeline.parameters.deploy >>
    jobs: [prepare]
"""
TESTS = """<testsuite><testcase classname="a" name="adds" time="0.1"/>
<testcase classname="a" name="divides" time="0.2"><failure message="by zero">x</failure></testcase>
</testsuite>"""


@dataclass(frozen=True)
class Town:
    """A project that has run, and where its pages are."""

    site: Site
    project: Project
    root: str
    workflow: str
    jobs: dict[str, int]

    def job(self, name: str) -> str:
        return f"{self.root}/1/workflows/{self.workflow}/jobs/{self.jobs[name]}"


@pytest.fixture(scope="session")
def town(process_site: Site) -> Town:
    site = process_site
    project = site.project(CONFIG)
    (project.repository.path / ".circleci" / "t.xml").write_text(TESTS)
    project.repository.commit("Add <script>alert('subject')</script> & tests")
    project.repository.git("checkout", "-q", "-b", "odd/<img/src=x/onerror=alert(1)>")
    project.repository.git("checkout", "-q", "-b", "broken")
    project.repository.write_config("version: 2.1\njobs: {a: {docker: [{image: x}], stepz: []}}\n")
    project.repository.commit("Break it")
    workflow = site.begun(project)
    site.ends_as(workflow, "failed")
    jobs = site.client.jobs(workflow)
    odd = site.client.trigger(project.slug, branch="odd/<img/src=x/onerror=alert(1)>")
    site.client.compiled(odd["id"])
    site.client.trigger(project.slug, branch="broken")
    until(
        lambda: site.client.get(f"/api/v2/project/{project.slug}/pipeline/3")["state"],
        lambda state: state == "errored",
    )
    figures = f"/api/v2/insights/{project.slug}/workflows"
    until(lambda: site.client.get(figures)["items"], lambda found: len(found) > 0)
    numbers = {name: it["job_number"] for name, it in jobs.items() if "job_number" in it}
    return Town(site, project, project.pages, workflow, numbers)


def addresses(town: Town) -> dict[str, str]:
    return {
        "all": "/pipelines",
        "organization": "/pipelines/github/acme",
        "project": town.root,
        "filtered": f"{town.root}?status=success&branch=none",
        "pipeline": f"{town.root}/1",
        "unfolded": f"{town.root}/1?fold=no",
        "time": f"{town.root}/1?view=time",
        "odd": f"{town.root}/2",
        "broken": f"{town.root}/3",
        "workflow": f"{town.root}/1/workflows/{town.workflow}",
        "config": f"{town.root}/1/config",
        "failed job": town.job("ship"),
        "job with tests": town.job("nodes"),
        "output": town.job("prepare") + "?step=3",
        "start": f"{town.root}/start",
        "badges": f"{town.root}/badges",
        "insights": town.root.replace("/pipelines", "/insights", 1),
        "insights of a workflow": town.root.replace("/pipelines", "/insights", 1)
        + "/workflow?name=main",
        "add": "/projects/add",
        "search": "/search?q=main",
        "operations": "/docs/api",
        "operations of a noun": "/docs/api/context",
        "found nothing": "/search?q=zzzz",
        "log lines": "/search?q=red+%3Cb",
        "account": "/account",
        "invite": "/settings/organization/gh/acme/invite",
    }


@pytest.mark.parametrize("mode", MODES)
async def test_every_page_is_whole_readable_and_light(
    browser: Browser, town: Town, mode: str
) -> None:
    async with looking(browser, town.site.server.url, **MODES[mode]) as look:
        await look.at("/sign-in")
        assert await look.violations() == []
        await look.sign_in(town.site.server.token)
        troubles = {
            name: await look.trouble_at(path, mode) for name, path in addresses(town).items()
        }
        assert {name: found for name, found in troubles.items() if found} == {}


async def test_pages_are_read_without_a_script(browser: Browser, town: Town) -> None:
    url = town.site.server.url
    async with looking(browser, url, java_script_enabled=False) as look:
        await look.sign_in(town.site.server.token)
        await look.at(f"{town.root}/1")
        await expect(look.page.get_by_role("link", name=re.compile("^ship failed"))).to_be_visible()
        await look.at(town.job("ship"))
        await expect(look.page.get_by_text("exit 3", exact=True)).to_be_visible()
        await look.at(town.job("prepare"))
        await look.page.get_by_text("Greet world").click()
        await look.page.get_by_role("link", name="Show the output").last.click()
        await expect(look.page.get_by_text("red <b>")).to_be_visible()


async def test_names_of_others_are_shown_as_text(look: Look, town: Town) -> None:
    dialogs: list[str] = []
    look.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for path in (town.root, f"{town.root}/1", f"{town.root}/2", "/search?q=<script>alert(1)"):
        await look.at(path)
        await look.page.wait_for_load_state("load")
    await look.at(f"{town.root}/2")
    await expect(look.page.get_by_text("odd/<img/src=x/onerror=alert(1)>").first).to_be_visible()
    assert dialogs == []


async def test_a_failing_line_is_one_click_from_the_pipeline(look: Look, town: Town) -> None:
    await look.at(f"{town.root}/1")
    await look.page.get_by_role("link", name=re.compile("^ship failed")).click()
    await expect(look.page.locator(".step[open] .log")).to_contain_text("status 3")


async def test_a_click_on_a_compiled_step_shows_the_line_that_made_it(
    look: Look, town: Town
) -> None:
    await look.at(f"{town.root}/1/config")
    await look.page.get_by_role("link", name="name: Greet world").first.click()
    lit = look.page.locator("ol.code li.lit").first
    await expect(lit).to_contain_text("Greet << parameters.who >>")
    await look.page.reload()  # its address says which line it was
    await expect(lit).to_contain_text("Greet << parameters.who >>")


async def test_a_failed_test_shows_how_it_did_before(browser: Browser, town: Town) -> None:
    client = town.site.client
    made = client.trigger(town.project.slug, branch="main")
    client.compiled(made["id"])
    workflow = client.workflows(made["id"])["main"]["id"]
    nodes = until(lambda: client.jobs(workflow)["nodes"], lambda job: job["status"] == "success")
    path = f"{town.root}/{made['number']}/workflows/{workflow}/jobs/{nodes['job_number']}"
    for mode in ("light", "narrow"):
        async with looking(browser, town.site.server.url, **MODES[mode]) as look:
            await look.sign_in(town.site.server.token)
            assert await look.trouble_at(path, mode) == []
            await look.page.get_by_role("link", name="#1: failure").first.click()
            await look.page.wait_for_url(f"**{town.job('nodes')}#tests")


async def test_what_did_not_run_says_why(look: Look, town: Town) -> None:
    await look.at(f"{town.root}/1")
    for summary in await look.page.get_by_text(re.compile("did not run")).all():
        await summary.click()
    await expect(look.page.get_by_role("cell", name="all of it")).to_be_visible()
    await expect(look.page.get_by_role("cell", name="only-tags")).to_be_visible()


async def test_errors_of_a_config_show_place_and_caret(look: Look, town: Town) -> None:
    await look.at(f"{town.root}/3")
    await expect(look.page.locator(".caret").first).to_contain_text("config.yml:2:")
    await expect(look.page.locator(".caret").first).to_contain_text("^")
    assert "config error" in (await look.page.title()).lower()
    icon = look.page.locator("link[rel=icon]")
    assert await icon.get_attribute("href") == "/favicon/bad.svg"


async def test_keys_search_walk_and_open(look: Look, town: Town) -> None:
    await look.at(town.root)
    await look.page.keyboard.press("/")
    await look.page.keyboard.type("#1")
    await look.page.keyboard.press("Enter")
    await look.page.wait_for_url("**/search?q=%231&near=gh*")
    await look.page.keyboard.press("j")
    await look.page.keyboard.press("Enter")
    await look.page.wait_for_url(re.compile("/pipelines/github/.*/1$"))
    await look.page.keyboard.press("?")
    await expect(look.page.locator("#keys")).to_be_visible()


async def test_a_line_of_a_log_is_found_and_opened_where_it_stands(look: Look, town: Town) -> None:
    await look.at(town.root)
    await look.page.keyboard.press("/")
    await look.page.keyboard.type("RED <b>")
    await look.page.keyboard.press("Enter")
    await expect(look.page.locator("mark").first).to_have_text("red <b>")
    await look.page.locator(".found .title").first.click()
    await look.page.wait_for_url(re.compile(r"/jobs/\d+\?node=0&step=\d+#step-\d+-1$"))
    await expect(look.page.locator(".log-row.marked")).to_contain_text("red <b>")


async def test_the_theme_is_kept(look: Look, town: Town) -> None:
    await look.at(town.root)
    await look.page.get_by_role("button", name=re.compile("^Theme")).click()
    await expect(look.page.locator("html")).to_have_attribute("data-theme", "dark")
    await look.at("/pipelines")
    await expect(look.page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_an_address_that_leads_nowhere_says_what_to_do(browser: Browser, town: Town) -> None:
    async with looking(browser, town.site.server.url) as look:
        await look.sign_in(town.site.server.token)
        response = await look.at(f"{town.root}/99")
        assert response.status == 404
        await expect(
            look.page.get_by_role("link", name="All pipelines", exact=True)
        ).to_be_visible()
        assert await look.violations() == []
        look.troubles.clear()  # the browser itself reports the 404


async def test_an_approval_a_rerun_and_a_cancel_happen_on_the_page(look: Look, town: Town) -> None:
    site, page = town.site, look.page
    made = site.client.trigger(town.project.slug, branch="main")
    site.client.compiled(made["id"])
    await look.at(f"{town.root}/{made['number']}")
    await page.get_by_role("button", name="Approve").first.click()
    await page.locator(".ask").get_by_role("button", name="Approve").click()
    await page.wait_for_url("**/workflows/*")
    await expect(page.locator(".flow-sheet .status").first).to_have_text("success")
    until(
        lambda: site.client.workflows(made["id"])["main"]["status"],
        lambda status: status == "failed",
    )
    main = site.client.workflows(made["id"])["main"]["id"]
    for action, expected in (("Rerun from failed", "ship"), ("Rerun from start", "prepare")):
        await look.at(f"{town.root}/{made['number']}/workflows/{main}")
        await page.get_by_role("button", name=action).first.click()
        await page.locator(".ask:popover-open").get_by_role("button", name=action).click()
        await page.wait_for_url(lambda url: main not in url)
        await expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
        await expect(page.locator("svg.graph")).to_contain_text(expected)
    await look.at(f"{town.root}/{made['number']}/workflows/{main}")
    await page.get_by_role("button", name="Rerun chosen jobs").first.click()
    sheet = page.locator(".ask:popover-open")
    await sheet.get_by_label("ship").check()
    await sheet.get_by_role("button", name="Rerun chosen jobs").click()
    await page.wait_for_url(lambda url: main not in url)
    await look.at(f"{town.root}/{made['number']}/workflows/{main}")
    await page.get_by_role("button", name="Cancel", exact=True).click(force=True)
    await expect(page.locator(".ask:popover-open")).to_contain_text("It has ended: failed.")


@pytest.fixture
def empty_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with running_site("process", tmp_path, request) as started:
        yield started


async def test_an_empty_server_leads_to_the_first_green_pipeline(
    browser: Browser, empty_site: Site, town: Town
) -> None:
    async with looking(browser, empty_site.server.url) as look:
        page = look.page
        await look.sign_in(empty_site.server.token)
        assert await look.violations() == []
        await page.get_by_role("link", name="Add a project").first.click()
        repository = town.site.project(
            "version: 2.1\njobs: {a: {docker: [{image: x}], steps: [run: echo hi]}}\n"
            "workflows: {m: {jobs: [a]}}\n"
        ).repository
        await page.get_by_role("textbox", name="Repository").fill(str(repository.path))
        await page.get_by_role("textbox", name="Organization").fill("acme")
        await page.get_by_role("textbox", name="Project").fill("first")
        await page.get_by_role("button", name="Add and check its config").click()
        await expect(page.get_by_text("The config compiles")).to_be_visible()
        await page.get_by_role("button", name="Trigger pipeline").click()
        await page.wait_for_url("**/acme/first/1")
        await expect(page.locator(".head .status")).to_have_text("success", timeout=30_000)
