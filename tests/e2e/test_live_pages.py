"""Pages that change while one looks on: output as it is written, statuses, a cancel."""

import asyncio
import re

from playwright.async_api import expect

from tests.e2e.looking import IN_A_BROWSER, Look
from tests.e2e.site import Site

pytestmark = IN_A_BROWSER


SLOW = """version: 2.1
jobs:
  wait:
    docker: [{image: cimg/base:current}]
    steps:
      - run: {name: Wait for the word, command: "COMMAND"}
      - run: {name: Afterwards, command: "echo 'and <i>more'"}
workflows: {main: {jobs: [wait]}}
"""


async def test_live_output_and_statuses_come_by_themselves(look: Look, process_site: Site) -> None:
    site, page = process_site, look.page
    go, seen = asyncio.Event(), asyncio.Event()
    words = iter([go, seen])

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(words).wait()
        writer.write(b"go\n")
        writer.close()

    async with await asyncio.start_server(say, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        wait = f"read -r x < /dev/tcp/127.0.0.1/{port}"
        green = r"printf '\\033[32mgreen\\033[0m <i>end\\n'"
        command = f"echo begun; {wait}; {green}; {wait}"
        project = site.project(SLOW.replace("COMMAND", command))
        site.client.trigger(project.slug, branch="main")
        await look.at(project.pages)
        await expect(page.locator(".row .state .status")).to_have_text("running")
        await look.at(f"{project.pages}/1")
        await page.get_by_role("link", name=re.compile("^wait running")).click()
        await expect(page.locator(".log").last).to_contain_text("begun")
        assert "Running" in await page.title()
        go.set()
        await expect(page.locator(".log .f2")).to_have_text("green")
        await expect(page.locator(".log-row", has_text="green <i>end")).to_have_count(1)
        seen.set()
        await expect(page.locator(".head .status")).to_have_text("success")
        # What went well is folded, with all that it wrote up to its end.
        for name, row in (("Afterwards", "and <i>more"), ("Wait for the word", "begun")):
            step = page.locator(".step", has_text=name)
            await expect(step).not_to_have_attribute("open", "")
            await step.locator("summary").first.click()
            await expect(step.locator(".log-row").first).to_contain_text(row)
        assert "Success" in await page.title()
        icon = page.locator("link[rel=icon]")
        assert await icon.get_attribute("href") == "/favicon/ok.svg"


async def test_a_running_job_is_canceled_from_its_page(look: Look, process_site: Site) -> None:
    site, page = process_site, look.page
    project = site.project(SLOW.replace("COMMAND", "sleep 600"))
    site.client.trigger(project.slug, branch="main")
    await look.at(f"{project.pages}/1")
    await page.get_by_role("link", name=re.compile("^wait running")).click()
    await page.get_by_role("button", name="Cancel job").click()
    await page.locator(".ask").get_by_role("button", name="Cancel job").click()
    await expect(page.locator(".head .status")).to_have_text("canceled")
