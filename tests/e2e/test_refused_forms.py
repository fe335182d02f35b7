"""Forms that are refused, in a real browser: one is led to the field at fault, and types once."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from tests.e2e.looking import IN_A_BROWSER, MODES, Look, looking
from tests.e2e.site import Site

pytestmark = IN_A_BROWSER

CONFIG = """version: 2.1
jobs: {a: {docker: [{image: x}], steps: [run: echo hi]}}
workflows: {m: {jobs: [a]}}
"""
ACME = "/settings/organization/github/acme"


@dataclass(frozen=True)
class Case:
    """A form by its page and button; what is typed into it, by name; the field at fault."""

    page: str
    button: str
    typed: Mapping[str, str]
    fault: str
    why: str


CASES = (
    Case("P/schedules", "Make schedule", {"name": "n", "hours": "noon"}, "hours", "such as 6, 18"),
    Case("P/schedules", "Make schedule", {"name": "n", "hours": "25"}, "hours", "between 0 and 24"),
    Case("P/schedules", "Make schedule", {"hours": "6", "name": " "}, "name", "must have one"),
    Case("P", "Save", {"keep_logs_days": "0"}, "keep_logs_days", "from 1 to"),
    Case("P", "Change name", {"name": "a b"}, "name", "letters, digits"),
    Case("P", "Delete gh/", {"confirm": "no"}, "confirm", "Nothing was deleted"),
    Case("P/environment-variables", "Save", {"variable": "9x"}, "variable", "begins with no digit"),
    Case("P/ssh", "Add key", {"hostname": "h", "private_key": "x"}, "private_key", "key"),
    Case("P/webhooks", "Make", {"name": "n", "url": "ftp://x"}, "url", "Address: "),
    Case("P/definitions", "Make", {"name": "n", "file_path": "../a"}, "file_path", "Config file: "),
    Case("P/definitions/ID", "Save", {"file_path": "../a"}, "file_path", "Config file: "),
    Case("A", "Save", {"max_running_jobs": "many"}, "max_running_jobs", "whole number"),
    Case("A", "Delete gh/", {"confirm": "no"}, "confirm", "Nothing was deleted"),
    Case("A/people", "Add", {"login": "nobody"}, "login", "Nobody is called"),
    Case("A/groups", "Make", {"name": " ", "description": "d"}, "name", "can be read"),
    Case("A/groups/GROUP", "Put in", {"login": "nobody"}, "login", "Member not found"),
    Case("A/contexts", "Make", {"name": "twice"}, "name", "already exists"),
    Case("A/contexts/CONTEXT", "Save", {"variable": "9x"}, "variable", "begins with no digit"),
    Case("A/contexts/CONTEXT", "Restrict by", {"restricted_to": "a =="}, "restricted_to", "not an"),
    Case("A/runners", "Make class", {"name": "a b", "description": "d"}, "name", "namespace/name"),
    Case("A/orbs", "Allow", {"name": "n", "prefix": "http://x"}, "prefix", "https://"),
    Case("A/usage", "Ask for", {"start": "2026-03-01", "end": "2026-01-01"}, "end", "before"),
    Case("/account", "Set", {"password": "long enough now", "again": "another"}, "again", "same"),
    Case("/settings/user/tokens", "Make", {"label": " "}, "label", "what the token is for"),
    Case("/projects/add", "Add", {"repository": "/srv/x", "project": "a/b"}, "project", "slash"),
    Case("T", "Trigger", {"branch": "main", "parameters": "odd"}, "parameters", "name=value"),
)
# Secrets come back to nobody, nor do fields of whom browsers forget what was typed.
NOT_KEPT = ("value", "private_key", "password", "again", "secret")


@dataclass(frozen=True)
class Places:
    """Where the forms are; `P`, `A` and `T` stand for a project, an organization, a trigger."""

    site: Site
    slug: str
    ids: Mapping[str, str]

    def path(self, case: Case) -> str:
        roots = {
            "P": f"/settings/project/{self.slug}",
            "A": ACME,
            "T": f"/pipelines/{self.slug}/start",
        }
        root, slash, rest = case.page.partition("/")
        for name, id_ in self.ids.items():
            rest = rest.replace(name, id_)
        return roots.get(root, "") + slash + rest


@pytest.fixture(scope="session")
def places(process_site: Site) -> Places:
    slug = process_site.project(CONFIG).slug
    project = process_site.client.get(f"/api/v2/project/{slug}")
    owner = {"id": project["organization_id"], "type": "organization"}
    context = process_site.make("/api/v2/context", name="twice", owner=owner)
    path = f"/api/v2/organizations/{owner['id']}/groups"
    group = process_site.make(path, name="refused", description="")
    ids = {"CONTEXT": context, "GROUP": group, "ID": project["id"]}
    return Places(process_site, slug.replace("gh/", "github/", 1), ids)


@pytest_asyncio.fixture(loop_scope="session", params=["light", "without a script"])
async def look(
    browser: Browser, places: Places, request: pytest.FixtureRequest
) -> AsyncIterator[Look]:
    scripted = request.param in MODES
    options = MODES["light"] | {"java_script_enabled": scripted}
    async with looking(browser, places.site.server.url, **options) as opened:
        await opened.sign_in(places.site.server.token)
        yield opened


async def test_who_is_refused_stands_at_the_field_at_fault(look: Look, places: Places) -> None:
    for case in CASES:
        await look.at(places.path(case))
        form = form_of(look, case)
        await form.evaluate("it => { it.noValidate = true; }")  # the server's word is asked for
        for name, text in case.typed.items():
            await form.locator(f"[name={name}]").fill(text)
        await form.get_by_role("button", name=case.button).click()
        form = form_of(look, case)
        field = form.locator(f"[name={case.fault}]")
        await expect(field, case.page).to_be_focused()
        await expect(field, case.page).to_have_attribute("aria-invalid", "true")
        why = re.compile(re.escape(case.why))
        await expect(field, case.page).to_have_accessible_description(why)
        await expect(form.locator(f"#wrong-{case.fault}"), case.page).to_be_in_viewport()
        for name, text in case.typed.items():
            kept = text.strip() if name not in NOT_KEPT else ""
            shown = await form.locator(f"[name={name}]").input_value()
            assert shown.strip() == kept, (case.page, name)
        assert await look.page.locator("[aria-invalid]").count() == 1, case.page
        look.troubles.clear()  # the browser itself reports the 400


async def test_marked_fields_are_readable(browser: Browser, places: Places) -> None:
    for mode in MODES:
        async with looking(browser, places.site.server.url, **MODES[mode]) as look:
            await look.sign_in(places.site.server.token)
            await look.at(f"/settings/project/{places.slug}/webhooks")
            await look.page.get_by_label("Name").fill("n")
            await look.page.get_by_label("Address").fill("https://x.example/")
            for event in ("Workflow completed", "Job completed"):
                await look.page.get_by_label(event).uncheck()
            await look.page.get_by_role("button", name="Make webhook").click()
            await expect(look.page.get_by_label("Workflow completed")).to_be_focused()
            await expect(look.page.get_by_label("Job completed")).not_to_be_checked()
            assert await look.violations() == [], mode
            await look.page.get_by_label("Workflow completed").check()
            await look.page.get_by_label("Address").fill("https://no_host")
            await look.page.get_by_label("Name").fill(" ")
            await look.page.get_by_role("button", name="Make webhook").click()
            name, other = look.page.get_by_label("Name"), look.page.get_by_label("Address")
            await expect(name).to_be_focused()
            borders = {
                await it.evaluate("it => getComputedStyle(it).borderColor") for it in (name, other)
            }
            assert len(borders) == 2, "the field at fault looks as the others do"
            look.troubles.clear()  # the browser itself reports the 400


def form_of(look: Look, case: Case) -> Locator:
    button = look.page.get_by_role("button", name=case.button)
    return look.page.locator("main form").filter(has=button).last
