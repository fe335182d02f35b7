"""What a log of 1,000,000 lines costs in a browser: first line, the way to the end, memory."""

import asyncio
import re
import statistics
from pathlib import Path

from playwright.async_api import Browser, CDPSession, Page
from tests.e2e.client import until
from tests.e2e.looking import Look, chromium, looking
from tests.e2e.site import Site

from bench import figures
from bench.site import serving

LINES = 1_000_000
TIMES = 5
LINE = " of a long log, as a build of a large program writes it when it tells of each file".ljust(
    190
)
CONFIG = """version: 2.1
jobs:
  talk:
    docker: [{image: x}]
    steps:
      - run: {name: Talk, no_output_timeout: 30m, command: "TALK"}
workflows: {main: {jobs: [talk]}}
"""
# Where an output is before it is anything else: in the document, or in the viewer.
FIRST_LINE = """() => {
  const seen = () => {
    if (!document.querySelector(".log li, .log-row")) requestAnimationFrame(seen);
    else requestAnimationFrame(() => { window.firstLine = performance.now(); });
  };
  seen();
}"""
# Scrolls, and takes the time until the line that is looked for is in the page.
SCROLLED = """([part, wanted]) => new Promise((resolve) => {
  const box = document.querySelector(".lines");
  const began = performance.now();
  box.scrollTop = part * (box.scrollHeight - box.clientHeight);
  const look = () => {
    const rows = [...box.querySelectorAll(".log-number")].map((it) => Number(it.textContent));
    if (rows[0] <= wanted && wanted <= rows[rows.length - 1]) resolve(performance.now() - began);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


def measure_long_log(lines: int = LINES) -> None:
    with serving("process") as site:
        path = talked(site, lines)
        asyncio.run(_looked_at(site, path, lines))


def talked(site: Site, lines: int) -> str:
    """Run a job that writes so many lines and fails; return the path of its page."""
    text = CONFIG.replace("TALK", f"seq -f '%.0f{LINE}' 1 {lines}; exit 1")
    project = site.project(text)
    pipeline = site.client.trigger(project.slug, branch="main")
    site.client.compiled(pipeline["id"])
    workflow = site.client.workflows(pipeline["id"])["main"]["id"]
    until(
        lambda: site.client.get(f"/api/v2/workflow/{workflow}")["status"],
        lambda status: status == "failed",
        within=900,
    )
    number = site.client.jobs(workflow)["talk"]["job_number"]
    root = "/pipelines/" + project.slug.replace("gh/", "github/")
    return f"{root}/1/workflows/{workflow}/jobs/{number}"


async def _looked_at(site: Site, path: str, lines: int) -> None:
    first: list[float] = []
    end: list[float] = []
    middle: list[float] = []
    memory = 0
    async with chromium() as browser:
        for _ in range(TIMES):
            async with looking(browser, site.server.url) as look:
                await look.sign_in(site.server.token)
                first.append(await _first_line(look, path))
                page = look.page
                await page.locator(".lines").wait_for()
                await page.evaluate(SCROLLED, [0, 1])
                end.append(await page.evaluate(SCROLLED, [1, lines]) / 1000)
                middle.append(await page.evaluate(SCROLLED, [0.5, lines // 2]) / 1000)
                memory = await memory_of(browser, page)
    name = f"log of {lines:,} lines"
    for what, seconds in (
        ("time to the first visible line", first),
        ("scroll to the end", end),
        ("scroll to the middle", middle),
    ):
        figures.tally(f"{name}: {what}", round(statistics.median(seconds) * 1000), unit="ms")
    figures.tally(f"{name}: memory of the page's process", memory, unit="B")


async def _first_line(look: Look, path: str) -> float:
    """From the beginning of the navigation to the picture that has a line, in seconds."""
    await look.page.add_init_script(f"({FIRST_LINE})()")
    await look.at(path)
    await look.page.wait_for_function("window.firstLine")
    return float(await look.page.evaluate("window.firstLine")) / 1000


async def memory_of(browser: Browser, page: Page) -> int:
    """Return the bytes that the process of the page has for itself, its garbage taken out."""
    own: CDPSession = await page.context.new_cdp_session(page)
    await own.send("HeapProfiler.collectGarbage")
    session = await browser.new_browser_cdp_session()
    found = await session.send("SystemInfo.getProcessInfo")
    pids = [it["id"] for it in found["processInfo"] if it["type"] == "renderer"]
    return max(_private(pid) for pid in pids)


def _private(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kib) for kib in re.findall(r"^Private_\w+:\s+(\d+)", text, re.MULTILINE)) * 1024
