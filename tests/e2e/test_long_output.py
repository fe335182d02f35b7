"""An output of 200,000 lines in a real browser: seen at once, scrolled, searched, linked to."""

import re
from dataclasses import dataclass

import pytest
from playwright.async_api import expect

from tests.e2e.looking import IN_A_BROWSER, MODES, Look, chromium, looking
from tests.e2e.site import Site

pytestmark = IN_A_BROWSER

LINES = 200_000
MOST_ROWS = 100
BEFORE = "row => /^\"\\d\\d:\\d\\d/.test(getComputedStyle(row.children[1], '::before').content)"
CONFIG = r"""version: 2.1
jobs:
  talk:
    docker: [{image: cimg/base:current}]
    steps:
      - run:
          name: Talk
          command: |
            seq -f 'line %.0f of many' 1 150000
            printf '\033[31merror\033[0m: <b>here</b>\n'
            head -c 1000000 /dev/zero | tr '\0' x; echo
            seq -f 'line %.0f of many' 150003 200000
            exit 1
workflows: {main: {jobs: [talk]}}
"""


@dataclass(frozen=True)
class Talk:
    site: Site
    path: str


@pytest.fixture(scope="session")
def talk(process_site: Site) -> Talk:
    """A job that has said much and failed."""
    site = process_site
    project = site.project(CONFIG)
    workflow = site.begun(project)
    site.ends_as(workflow, "failed")
    return Talk(site, site.job_page(project, workflow, "talk"))


@pytest.mark.parametrize("mode", MODES)
async def test_a_long_output_is_scrolled_searched_and_linked_to(mode: str, talk: Talk) -> None:
    async with (
        chromium() as browser,
        looking(browser, talk.site.server.url, **MODES[mode]) as look,
    ):
        await look.sign_in(talk.site.server.token)
        await look.at(talk.path)
        await the_end_is_shown_first(look)
        rows, page = look.page.locator(".log-row"), look.page
        await page.locator(".lines").evaluate("it => { it.scrollTop = 0; }")
        await expect(rows.first).to_contain_text("line 1 of many")
        heights = "them => [...new Set(them.map((it) => it.getBoundingClientRect().height))]"
        assert await rows.evaluate_all(heights) == [19]  # by which the place of each is computed
        assert await rows.count() < MOST_ROWS
        await page.locator(".lines").focus()
        await page.keyboard.press("e")
        await expect(page.locator(".lines .marked")).to_contain_text("error: <b>here</b>")
        await expect(page.locator(".lines .f1")).to_have_text("error")
        await expect(page.get_by_text("this line is longer")).to_have_count(1)
        await page.locator(".lines").focus()
        await page.keyboard.press("/")
        await page.keyboard.type("LINE 77777 OF")
        await page.keyboard.press("Enter")
        await expect(page.locator(".lines .marked")).to_have_text("77777line 77777 of many")
        await expect(page.locator(".find [role=status]")).to_have_text("1 of 1, line 77777")
        assert await rows.count() < MOST_ROWS
        for name in ("Times", "Wrap"):
            await page.get_by_role("button", name=name).click()
            await expect(page.locator(".lines .marked")).to_have_text("77777line 77777 of many")
            assert await rows.count() < MOST_ROWS
        assert await rows.last.evaluate(BEFORE)
        await page.locator(".lines").evaluate("it => { it.scrollTop = it.scrollHeight; }")
        await expect(rows.last).to_contain_text("Exited with code exit status 1")
        await expect(rows.last).to_be_in_viewport()
        await page.get_by_role("button", name="Wrap").click()
        await page.locator(".lines").focus()
        await page.keyboard.press("/")
        await page.keyboard.press("Enter")
        await page.locator(".log-row.marked .log-number").click()
        await expect(page).to_have_url(re.compile(r"#step-\d+-77777$"))
        await page.reload()
        await expect(page.locator(".lines .marked")).to_have_text("77777line 77777 of many")
        await expect(rows.filter(has_text="line 77778 of many")).to_have_count(1)
        assert await look.violations() == []
        assert sum(look.weights.values()) < 60_000
        assert look.troubles == []


async def the_end_is_shown_first(look: Look) -> None:
    rows = look.page.locator(".log-row")
    await expect(rows.last).to_contain_text("Exited with code exit status 1")
    await expect(rows.filter(has_text=f"line {LINES} of many")).to_have_count(1)
    assert await rows.count() < MOST_ROWS
    await expect(look.page.locator(".find [role=status]")).to_have_text("200,002 lines")
