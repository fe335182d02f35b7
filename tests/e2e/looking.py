"""Looking at pages in Debian's Chromium, and hearing what a person would not see."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Response, async_playwright

from tests.npm import packages

# The marks of tests that look at pages.
IN_A_BROWSER = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.npm,
    pytest.mark.asyncio(loop_scope="session"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MODES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1360, "height": 850}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1360, "height": 850}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 390, "height": 800}},
}
# Light is held to all rules; the others to those by which they differ from it.
RULES: dict[str, tuple[str, ...]] = {
    "light": (),
    "dark": ("color-contrast", "link-in-text-block"),
    "narrow": ("scrollable-region-focusable", "target-size", "meta-viewport"),
}
MOST_SCRIPT_AND_STYLE = 60_000  # bytes over the wire, for any page
SERIOUS = ("serious", "critical")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser that the system has; none is downloaded."""
    path = shutil.which("chromium")
    assert path is not None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@dataclass
class Look:
    """One window.  `troubles` are errors of the console, of scripts, and of the policy."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)  # bytes over the wire, by address

    async def at(self, path: str) -> Response:
        """Go to a page."""
        self.weights.clear()
        response = await self.page.goto(self.url + path)
        assert response is not None
        return response

    async def sign_in(self, token: str) -> None:
        await self.at("/sign-in")
        await self.page.get_by_label("Personal API token").fill(token)
        await self.page.get_by_role("button", name="Sign in with the token").click()
        await self.page.wait_for_url("**/pipelines")

    async def trouble_at(self, path: str, mode: str) -> list[str]:
        """Go to a page; return what is wrong with it in one of `MODES`."""
        response = await self.at(path)
        await self.page.locator("main :is(h1, h2)").first.wait_for()
        found = await self.violations(*RULES[mode])
        if response.status != 200:
            found.append(f"status {response.status}")
        if await self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append("wider than the window")
        if not 0 < sum(self.weights.values()) < MOST_SCRIPT_AND_STYLE:
            found.append(f"weighs {self.weights}")
        return found

    async def violations(self, *rules: str) -> list[str]:
        """What axe-core finds serious on the page as it is now, by all of its rules or by some."""
        await self.page.evaluate(axe())
        options: dict[str, object] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = list(rules)
        found = await self.page.evaluate("options => axe.run(options)", options)
        return [
            f"{it['id']}: {it['help']}: {json.dumps([node['html'][:160] for node in it['nodes']])}"
            for it in found["violations"]
            if it["impact"] in SERIOUS
        ]


@cache
def axe() -> str:
    return (packages() / "axe-core" / "axe.min.js").read_text("utf-8")


@asynccontextmanager
async def looking(browser: Browser, url: str, **options: Any) -> AsyncIterator[Look]:
    """Open a window; at the end nothing may have gone wrong in it."""
    context: BrowserContext = await browser.new_context(**options)
    page = await context.new_page()
    look = Look(page, url)
    page.on("console", lambda it: look.troubles.append(it.text) if it.type == "error" else None)
    page.on("pageerror", lambda error: look.troubles.append(error.stack or str(error)))

    def weigh(response: Response) -> None:
        if response.request.resource_type in ("script", "stylesheet"):
            look.weights[response.url] = int(response.headers.get("content-length", 0))

    page.on("response", weigh)
    yield look
    assert look.troubles == [], look.troubles
    await context.close()
