"""When a browser shows the first content of each page, and what it takes over the wire for it."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import Browser
from tests.e2e.looking import chromium, looking

from bench import figures
from bench.lists import BareServer

TIMES = 7
# The paint may be told after the page is loaded; bytes are those of the document and of all files.
PAINTED = """() => new Promise((resolve) => {
  const tell = (list) => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (!paint) return;
    const all = ["navigation", "resource"].flatMap((it) => performance.getEntriesByType(it));
    resolve([paint.startTime, all.reduce((sum, it) => sum + it.transferSize, 0)]);
  };
  new PerformanceObserver(tell).observe({ type: "paint", buffered: true });
})"""


async def measure_paints(url: str, token: str, pages: Mapping[str, str], group: str) -> None:
    """Measure pages by name and path as a first visit (nothing kept) and as a later one.

    The floor is a page of a few words from the least server, shown by the same browser.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        BareServer(b'"a few words"', Path(folder)) as bare,
    ):
        async with chromium() as browser:
            floors = [await _first_paint(browser, bare.url) for _ in range(TIMES)]
            for name, path in pages.items():
                await _measure(browser, url, token, f"{group} {name}", path, floors)


async def _first_paint(browser: Browser, url: str) -> float:
    async with looking(browser, url) as look:
        look.page.set_default_timeout(60_000)
        await look.page.goto(url)
        paint, _ = await look.page.evaluate(PAINTED)
        look.troubles.clear()
        return float(paint) / 1000


async def _measure(
    browser: Browser, url: str, token: str, name: str, path: str, floors: list[float]
) -> None:
    firsts: list[float] = []
    laters: list[float] = []
    taken = 0
    for _ in range(TIMES):
        async with looking(browser, url) as look:
            await look.sign_in(token)
            cdp = await look.page.context.new_cdp_session(look.page)
            await cdp.send("Network.clearBrowserCache")
            for values in (firsts, laters):
                response = await look.at(path)
                assert response.status == 200, (path, response.status)
                paint, size = await look.page.evaluate(PAINTED)
                values.append(float(paint) / 1000)
                taken = max(taken, int(size))
    figures.cost(f"{name}: first contentful paint, first visit", firsts, floors)
    figures.cost(f"{name}: first contentful paint, later visit", laters, floors)
    figures.tally(f"{name}: all over the wire at the first visit", taken, unit="B")
