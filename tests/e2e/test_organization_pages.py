"""The settings of organizations and people in a real browser: every page and every action."""

import re
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.looking import IN_A_BROWSER, MODES, Look, looking
from tests.e2e.site import Site

pytestmark = [*IN_A_BROWSER, pytest.mark.usefixtures("hall")]

ROOT = "/settings/organization/github/acme"
CONFIG = """version: 2.1
jobs: {a: {docker: [{image: x}], steps: [run: echo hi]}}
workflows: {m: {jobs: [a]}}
"""


@dataclass(frozen=True)
class Hall:
    """An organization that has one of everything, and where its pages are."""

    site: Site
    context: str
    group: str
    resource_class: str


@pytest.fixture(scope="session")
def hall(process_site: Site) -> Hall:
    site = process_site
    project = site.project(CONFIG)
    client = site.client
    id_ = client.get(f"/api/v2/project/{project.slug}")["organization_id"]
    pipeline = client.trigger(project.slug, branch="main")
    client.compiled(pipeline["id"])
    owner = {"id": id_, "type": "organization"}
    context = site.make("/api/v2/context", name="deploy keys", owner=owner)
    path = f"/api/v2/context/{context}"
    client.request("PUT", f"{path}/environment-variable/API_KEY", body={"value": "s3cret"})
    restriction = {"restriction_type": "expression", "restriction_value": "pipeline.number > 0"}
    site.make(f"{path}/restrictions", **restriction)
    group = site.make(f"/api/v2/organizations/{id_}/groups", name="ops", description="On call")
    name = "acme/linux"
    resource_class = site.make("/api/v3/runner/resource", resource_class=name, description="Big")
    site.make("/api/v3/runner/token", resource_class=name, nickname="builder-1")
    orbs = "/api/v2/organization/gh/acme/url-orb-allow-list"
    site.make(orbs, name="tools", prefix="https://git.example/orbs/")
    return Hall(site, context, group, resource_class)


def addresses(hall: Hall) -> list[str]:
    return [
        *(f"{ROOT}{section}" for section in ("", "/people", "/groups", "/contexts", "/runners")),
        *(f"{ROOT}{section}" for section in ("/policies", "/orbs", "/usage", "/audit")),
        f"{ROOT}/audit?actor=nobody",
        f"{ROOT}/contexts/{hall.context}",
        f"{ROOT}/groups/{hall.group}",
        f"{ROOT}/runners/{hall.resource_class}",
        *("/account", "/settings/user/tokens", "/settings/user/sessions"),
    ]


@pytest.mark.parametrize("mode", MODES)
async def test_every_page_is_whole_readable_and_light(
    browser: Browser, hall: Hall, mode: str
) -> None:
    async with looking(browser, hall.site.server.url, **MODES[mode]) as look:
        await look.sign_in(hall.site.server.token)
        troubles = {path: await look.trouble_at(path, mode) for path in addresses(hall)}
        assert {path: found for path, found in troubles.items() if found} == {}


async def agree(page: Page, button: str) -> None:
    """Open a question by its button, and agree to it."""
    await page.get_by_role("button", name=button, exact=True).first.click()
    await page.locator(".ask:popover-open").get_by_role("button", name=button).click()


async def test_members_and_invitations(look: Look, hall: Hall, browser: Browser) -> None:
    page = look.page
    await look.at(f"{ROOT}/people")
    await page.get_by_role("button", name="Make a link").click()
    link = await page.get_by_label("Invitation link").input_value()
    assert await look.violations() == []
    async with looking(browser, hall.site.server.url) as other:
        await other.at(link.removeprefix(hall.site.server.url))
        await other.page.get_by_label(re.compile("Name to sign in with")).fill("grace")
        for field in await other.page.locator("input[type=password]").all():
            await field.fill("correct horse battery")
        await other.page.locator("main form button").click()
        await other.page.wait_for_url("**/pipelines")
        await other.at(f"{ROOT}/contexts/{hall.context}")
        await expect(other.page.get_by_label("Value")).to_be_visible()
        await expect(other.page.get_by_text("Your role does not let you").first).to_be_visible()
        await look.at(f"{ROOT}/people")
        await page.get_by_label("Role of grace", exact=True).select_option("viewer")
        await page.get_by_role("button", name="Change the role of grace").click()
        await expect(page.get_by_label("Role of grace", exact=True)).to_have_value("viewer")
        await other.at(f"{ROOT}/contexts/{hall.context}")
        await expect(other.page.get_by_label("Value")).to_have_count(0)
        assert await other.violations() == []
        row = page.get_by_role("row", name=re.compile("^grace"))
        await row.get_by_role("button", name="Remove").first.click()
        await page.locator(".ask:popover-open").get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0)
    await page.get_by_label("Name to sign in with").fill("grace")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_label("Role of grace", exact=True)).to_have_value("contributor")
    await page.get_by_role("button", name="Make a link").click()
    await agree(page, "Take back")
    await expect(page.get_by_text("None: every link was used")).to_be_visible()


async def test_a_group_from_its_making_to_its_end(look: Look) -> None:
    page = look.page
    await look.at(f"{ROOT}/groups")
    await page.get_by_label("Name", exact=True).fill("night shift")
    await page.get_by_role("button", name="Make group").click()
    await expect(page.get_by_role("heading", name="night shift")).to_be_visible()
    await page.get_by_label("Member of the organization").fill("admin")
    await page.get_by_role("button", name="Put in").click()
    await agree(page, "Take out")
    await expect(page.get_by_text("Nobody is in it yet")).to_be_visible()
    await agree(page, "Delete group")
    await page.wait_for_url(re.compile(r"/groups\?done="))
    await expect(page.get_by_text("night shift")).to_have_count(0)


async def test_a_context_from_its_making_to_its_end(look: Look) -> None:
    page = look.page
    await look.at(f"{ROOT}/contexts")
    await page.get_by_label("Name").fill("night keys")
    await page.get_by_role("button", name="Make context").click()
    await page.get_by_label("Name").fill("9lives")
    await page.get_by_label("Value").fill("never shown")
    await page.get_by_role("button", name="Save variable").click()
    await expect(page.get_by_role("alert")).to_contain_text("begins with no digit")
    assert "never shown" not in await page.content()
    look.troubles.clear()  # the browser itself reports the 400
    await page.get_by_label("Name").fill("NINE")
    await page.get_by_label("Value").fill("never shown")
    await page.get_by_role("button", name="Save variable").click()
    await expect(page.get_by_role("rowheader", name="NINE")).to_be_visible()
    assert "never shown" not in await page.content()
    for button, kind in (
        ("Restrict to project", "project"),
        ("Restrict to group", "group"),
    ):
        await page.get_by_role("button", name=button).click()
        await expect(page.get_by_role("rowheader", name=kind)).to_be_visible()
    await page.get_by_label("Expression").fill('pipeline.git.branch == "main"')
    await page.get_by_role("button", name="Restrict by expression").click()
    row = page.get_by_role("row", name=re.compile("^expression"))
    await row.get_by_role("button", name="Remove").first.click()
    await page.locator(".ask:popover-open").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)
    row = page.get_by_role("row", name=re.compile("^NINE"))
    await row.get_by_role("button", name="Remove").first.click()
    await page.locator(".ask:popover-open").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("No variable yet")).to_be_visible()
    await agree(page, "Delete context")
    await page.wait_for_url(re.compile(r"/contexts\?done="))
    await expect(page.get_by_text("night keys")).to_have_count(0)


async def test_a_class_of_runners_from_its_making_to_its_end(look: Look) -> None:
    page = look.page
    await look.at(f"{ROOT}/runners")
    await page.get_by_label(re.compile("^Name")).fill("night")
    await page.get_by_role("button", name="Make class").click()
    await page.get_by_label("Nickname").fill("owl")
    await page.get_by_role("button", name="Make token").click()
    secret = await page.get_by_label("Runner token").input_value()
    await expect(page.get_by_text(f"--token {secret}")).to_be_visible()
    assert await look.violations() == []
    await agree(page, "Revoke")
    await expect(page.get_by_text("No token yet")).to_be_visible()
    await agree(page, "Delete class")
    await page.wait_for_url(re.compile(r"/runners\?done="))
    await expect(page.get_by_text("acme/night")).to_have_count(0)


async def test_policies_orbs_and_what_holds_for_all(look: Look) -> None:
    page = look.page
    await look.at(f"{ROOT}/policies")
    await page.get_by_role("button", name="Let policies judge configs").click()
    await page.get_by_role("button", name="Let no policy judge").click()
    await expect(page.get_by_role("heading", name="Policies do not judge")).to_be_visible()
    await look.at(f"{ROOT}/orbs")
    await page.get_by_label("Name").fill("night")
    await page.get_by_label("Prefix").fill("https://night.example/")
    await page.get_by_role("button", name="Allow").click()
    row = page.get_by_role("row", name=re.compile("^night"))
    await row.get_by_role("button", name="Remove").first.click()
    await page.locator(".ask:popover-open").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)
    await look.at(ROOT)
    await page.get_by_label("Jobs at once").fill("50")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Jobs at once")).to_have_value("50")


async def test_usage_and_the_audit_log(look: Look) -> None:
    page = look.page
    await look.at(f"{ROOT}/usage?window=last-7-days")
    await page.get_by_role("button", name="Ask for the file").click()
    await page.wait_for_url(re.compile(r"/usage\?done="))
    link = page.get_by_role("link", name=re.compile("^Download CSV"))
    for _ in range(200):
        if await link.count():
            break
        await page.reload()
    async with page.expect_download() as begun:
        await link.first.click()
    assert (await begun.value).suggested_filename.endswith(".csv.gz")
    await look.at(f"{ROOT}/audit?text=createUsageExport&actor=admin")
    await expect(page.get_by_role("rowheader", name="createUsageExport").first).to_be_visible()


async def test_ones_own_tokens_and_sessions(look: Look, hall: Hall, browser: Browser) -> None:
    page = look.page
    await look.at("/settings/user/tokens")
    await page.get_by_label("Name").fill("night script")
    await page.get_by_label("It may").select_option("read")
    await page.get_by_role("button", name="Make token").click()
    secret = await page.get_by_label("Personal API token").input_value()
    assert await look.violations() == []
    async with looking(browser, hall.site.server.url) as other:
        await other.sign_in(secret)
        await look.at("/settings/user/sessions")
        row = page.get_by_role("row", name=re.compile("night script"))
        await row.get_by_role("button", name="End").first.click()
        await page.locator(".ask:popover-open").get_by_role("button", name="End").click()
        await expect(row).to_have_count(0)
        await other.at("/pipelines")
        await other.page.wait_for_url(re.compile("/sign-in"))
    await look.at("/settings/user/tokens")
    row = page.get_by_role("row", name=re.compile("night script"))
    await row.get_by_role("button", name="Revoke").first.click()
    await page.locator(".ask:popover-open").get_by_role("button", name="Revoke").click()
    await expect(row).to_have_count(0)


async def test_it_all_works_without_a_script(browser: Browser, hall: Hall) -> None:
    async with looking(browser, hall.site.server.url, java_script_enabled=False) as look:
        page = look.page
        await look.sign_in(hall.site.server.token)
        await look.at("/pipelines/github/acme")
        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("link", name="Contexts").click()
        await page.get_by_label("Name").fill("plain")
        await page.get_by_role("button", name="Make context").click()
        await agree(page, "Delete context")
        await page.wait_for_url(re.compile(r"/contexts\?done="))
        await expect(page.get_by_text("plain")).to_have_count(0)
