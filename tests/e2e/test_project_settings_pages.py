"""The settings of a project in a real browser: every page and every action."""

from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect

from roundel.vault.key_pairs import make_key_pair
from tests.e2e.looking import IN_A_BROWSER, MODES, Look, looking
from tests.e2e.site import Site

pytestmark = IN_A_BROWSER

CONFIG = """version: 2.1
jobs: {a: {docker: [{image: x}], steps: [run: echo hi]}}
workflows: {m: {jobs: [a]}}
"""


@dataclass(frozen=True)
class Desk:
    """A project that has one of everything, and where its pages are."""

    site: Site
    slug: str
    id: str
    webhook: str
    schedule: str
    root: str


@pytest.fixture(scope="module")
def desk(process_site: Site) -> Desk:
    site = process_site
    one = site.project(CONFIG)
    slug = one.slug
    client, path = site.client, f"/api/v2/project/{slug}"
    client.request("POST", f"{path}/envvar", body={"name": "API_KEY", "value": "open-sesame"})
    client.request("POST", f"{path}/checkout-key", body={"type": "deploy-key"})
    project = client.get(path)
    hook = {
        "name": "chat",
        "events": ["workflow-completed"],
        "url": "https://hook.example/",
        "scope": {"id": project["id"], "type": "project"},
    }
    made = client.request("POST", "/api/v2/webhook", body=hook).json()["id"]
    client.request("POST", f"/api/roundel/webhook/{made}/ping", body={})
    nightly = {
        "name": "nightly",
        "timetable": {"per-hour": 1, "hours-of-day": [3], "days-of-week": ["MON", "FRI"]},
        "attribution-actor": "current",
        "parameters": {"branch": "main"},
    }
    schedule = client.request("POST", f"{path}/schedule", body=nightly).json()["id"]
    return Desk(site, slug, project["id"], made, schedule, one.settings)


def addresses(desk: Desk) -> list[str]:
    sections = ("", "/environment-variables", "/ssh", "/webhooks", "/schedules", "/definitions")
    things = (f"/webhooks/{desk.webhook}", f"/schedules/{desk.schedule}", f"/definitions/{desk.id}")
    return [f"{desk.root}{section}" for section in (*sections, *things)]


@pytest.mark.parametrize("mode", MODES)
async def test_every_page_is_whole_readable_and_light(
    browser: Browser, desk: Desk, mode: str
) -> None:
    async with looking(browser, desk.site.server.url, **MODES[mode]) as look:
        await look.sign_in(desk.site.server.token)
        troubles = {path: await look.trouble_at(path, mode) for path in addresses(desk)}
        assert {path: found for path, found in troubles.items() if found} == {}


async def agree(page: Page, row: str, button: str) -> None:
    """Open the question of a row by its button, and agree to it."""
    place = page.get_by_role("row").filter(has_text=row) if row else page
    await place.get_by_role("button", name=button, exact=True).first.click()
    await page.locator(".ask:popover-open").get_by_role("button", name=button).click()


async def test_how_it_is_built(look: Look, desk: Desk) -> None:
    page = look.page
    await look.at("/pipelines" + desk.root.removeprefix("/settings/project"))
    await page.get_by_role("link", name="Settings", exact=True).click()
    await page.get_by_label("Cancel what runs on a branch").check()
    await page.get_by_label("Jobs at once").fill("3")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved")
    await expect(page.get_by_label("Cancel what runs on a branch")).to_be_checked()
    await expect(page.get_by_label("Jobs at once")).to_have_value("3")


async def test_variables_are_added_refused_replaced_and_removed(look: Look, desk: Desk) -> None:
    page = look.page
    await look.at(f"{desk.root}/environment-variables")
    await page.get_by_label("Name").fill("9lives")
    await page.get_by_label("Value").fill("never shown")
    await page.get_by_role("button", name="Save variable").click()
    await expect(page.get_by_role("alert")).to_contain_text("begins with no digit")
    assert "never shown" not in await page.content()
    look.troubles.clear()  # the browser itself reports the 400
    for value in ("never shown", "never known"):
        await page.get_by_label("Name").fill("NINE")
        await page.get_by_label("Value").fill(value)
        await page.get_by_role("button", name="Save variable").click()
        await expect(page.get_by_role("row").filter(has_text="NINE")).to_contain_text(value[-4:])
        assert value not in await page.content()
    await agree(page, "NINE", "Remove")
    await expect(page.get_by_role("row").filter(has_text="NINE")).to_have_count(0)


async def test_keys_are_made_preferred_added_and_deleted(look: Look, desk: Desk) -> None:
    page = look.page
    await look.at(f"{desk.root}/ssh")
    await page.get_by_label("Type").select_option("github-user-key")
    await page.get_by_role("button", name="Make key pair").click()
    made = page.get_by_role("row").filter(has_text="github-user-key")
    await expect(made).to_contain_text("preferred")
    await made.get_by_text("Public key").click()
    assert (await made.get_by_role("textbox").input_value()).startswith("ssh-ed25519 ")
    await page.get_by_role("button", name="Prefer", exact=True).click()
    await expect(page.get_by_role("row").filter(has_text="deploy-key")).to_contain_text("preferred")
    await agree(page, "github-user-key", "Delete")
    await expect(made).to_have_count(0)
    await page.get_by_label("Host name").fill("git.example")
    await page.get_by_label("Private key").fill(make_key_pair("browser").private)
    await page.get_by_role("button", name="Add key").click()
    await agree(page, "git.example", "Delete")
    await expect(page.get_by_text("No additional key")).to_be_visible()


async def test_a_webhook_is_made_tried_changed_and_deleted(look: Look, desk: Desk) -> None:
    page = look.page
    await look.at(f"{desk.root}/webhooks")
    await page.get_by_label("Name").fill("talk")
    await page.get_by_label("Address").fill("https://hook.example/in")
    await page.get_by_label("Secret").fill("never shown")
    await page.get_by_label("Job completed").uncheck()
    await page.get_by_role("button", name="Make webhook").click()
    await expect(page.get_by_role("status")).to_contain_text("Added")
    await expect(page.get_by_label("Job completed")).not_to_be_checked()
    assert "never shown" not in await page.content()
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.get_by_role("rowheader", name="ping")).to_be_visible()
    await page.get_by_text("What is sent").click()
    await expect(page.get_by_label("What is sent")).to_contain_text('"type": "ping"')
    assert await look.violations() == []
    await page.get_by_label("Name").fill("chatter")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="chatter")).to_be_visible()
    await agree(page, "", "Delete webhook")
    await page.wait_for_url("**/webhooks?done=removed")
    await expect(page.get_by_role("link", name="chatter")).to_have_count(0)


async def test_a_schedule_is_made_changed_and_deleted(look: Look, desk: Desk) -> None:
    page = look.page
    await look.at(f"{desk.root}/schedules")
    await page.get_by_label("Name").fill("hourly")
    await page.get_by_label("Hours, in UTC").fill("noon")
    await page.get_by_role("button", name="Make schedule").click()
    await expect(page.get_by_role("alert")).to_contain_text("expected whole numbers")
    look.troubles.clear()  # the browser itself reports the 400
    await expect(page.get_by_label("Name")).to_have_value("hourly")
    await page.get_by_label("Hours, in UTC").fill("6, 18")
    await page.get_by_role("button", name="Make schedule").click()
    await expect(page.get_by_role("listitem").locator("time")).to_have_count(3)
    await page.get_by_label("Description").fill("Twice a day")
    await page.get_by_label("Parameters").fill("deploy=true")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Parameters")).to_have_value("deploy=true")
    await agree(page, "", "Delete schedule")
    await page.wait_for_url("**/schedules?done=removed")
    await expect(page.get_by_role("link", name="hourly")).to_have_count(0)


async def test_a_definition_and_its_triggers(look: Look, desk: Desk) -> None:
    page = look.page
    await look.at(f"{desk.root}/definitions")
    await page.get_by_label("Name").fill("docs")
    await page.get_by_role("button", name="Make definition").click()
    await expect(page.get_by_role("heading", name="docs", exact=True)).to_be_visible()
    await page.get_by_label("Events").select_option("only-tags")
    await page.get_by_role("button", name="Add trigger").click()
    row = page.get_by_role("row").filter(has_text="Tags")
    await row.get_by_text("Change").click()
    await row.get_by_label("Starts pipelines").uncheck()
    await row.get_by_role("button", name="Save trigger").click()
    await expect(row.get_by_role("cell", name="off")).to_be_visible()
    await page.get_by_label("Sender").fill("cron")
    await page.get_by_role("button", name="Make address").click()
    address = await page.get_by_label("Address of the trigger").input_value()
    assert "/api/roundel/trigger/" in address and "?secret=" in address
    assert await look.violations() == []
    await look.at(page.url.removeprefix(look.url).removesuffix("/addresses"))
    assert address not in await page.content()
    await agree(page, "by cron", "Delete")
    await expect(page.get_by_role("row").filter(has_text="by cron")).to_have_count(0)
    await page.get_by_label("Config file").fill(".circleci/docs.yml")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_label("Config file")).to_have_value(".circleci/docs.yml")
    await agree(page, "", "Delete definition")
    await page.wait_for_url("**/definitions?done=removed")
    await expect(page.get_by_role("link", name="docs", exact=True)).to_have_count(0)


async def test_a_project_is_deleted_without_a_script(browser: Browser, desk: Desk) -> None:
    project = desk.site.project(CONFIG)
    doomed, root = project.slug, project.settings
    async with looking(browser, desk.site.server.url, java_script_enabled=False) as look:
        await look.sign_in(desk.site.server.token)
        await look.at(root)
        await look.page.get_by_label(f"Write {doomed}").fill(doomed)
        await look.page.get_by_role("button", name=f"Delete {doomed}").click()
        await look.page.wait_for_url("**/pipelines/github/*")
        assert (await look.at(root)).status == 404
        look.troubles.clear()  # the browser itself reports the 404


async def test_a_project_is_renamed_and_a_refusal_stands_at_its_field(
    look: Look, desk: Desk
) -> None:
    page, slug = look.page, desk.site.project(CONFIG).slug
    await look.at(f"/settings/project/{slug}")
    kept = await page.get_by_label("Repository", exact=True).input_value()
    await page.get_by_label("Name", exact=True).fill("moved-here")
    await page.get_by_label("Repository", exact=True).fill("../elsewhere")
    await page.get_by_role("button", name="Change name and repository").click()
    await expect(page.locator("#wrong-repository_url")).to_contain_text("absolute path")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("moved-here")
    await expect(page.get_by_label("Repository", exact=True)).to_be_focused()
    assert await look.violations() == []
    look.troubles.clear()  # the browser itself reports the 400
    await page.get_by_label("Repository", exact=True).fill(kept)
    await page.get_by_role("button", name="Change name and repository").click()
    await page.wait_for_url("**/acme/moved-here?done=saved")
    await page.get_by_role("button", name="Clear caches").click()
    await page.locator(".ask:popover-open").get_by_role("button", name="Clear caches").click()
    await page.wait_for_url("**/acme/moved-here?done=cleared")
    response = await look.at(f"/settings/project/{slug}")
    assert response.status == 200
    await expect(page.get_by_text("gh/acme/moved-here").first).to_be_visible()
