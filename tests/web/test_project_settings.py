"""The settings of a project: who may change what, what is refused and how, what is shown."""

import re
from dataclasses import replace

from roundel.domain.access import Role
from roundel.domain.audit import AuditFilter
from roundel.domain.clock import rfc3339_seconds
from roundel.domain.definitions import DefinitionId
from roundel.domain.presets import EventPreset
from roundel.domain.schedules import Schedule, Timetable
from roundel.domain.webhooks import DeliveryStatus, Webhook
from roundel.services.definitions import digest_of_secret
from roundel.vault.key_pairs import make_key_pair
from tests.inline_compiler import InlineCompiler
from tests.scenarios.test_keeping import cached, start
from tests.web.conftest import Street
from tests.web.refused import Refused
from tests.web.test_organization_settings import done, problem_of
from tests.web.visitor import text_of

ROOT = "/settings/project/gh/acme/web"
HERE = "/settings/project/github/acme/web"
NIGHTLY = {
    "name": "nightly",
    "branch": "main",
    "weekday": "MON",
    "hours": "3, 15",
    "per_hour": "2",
    "attribution": "current",
    "parameters": "deploy=true\r\nword=yes",
}
MOVED = {"name": "site", "repository_url": "/srv/moved.git", "default_branch": "trunk"}
NIGHTLY_CONFIG = """version: 2.1
jobs: {build: {docker: [{image: x}], steps: [run: echo hi]}}
workflows:
  nights:
    triggers: [schedule: {cron: "30 2 * * *", filters: {branches: {only: main}}}]
    jobs: [build]
"""
SECTIONS = ("", "/environment-variables", "/ssh", "/webhooks", "/schedules", "/definitions")


async def test_settings_are_saved_as_the_form_says(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    overrides = "main\r\n\r\n release \r\n"
    await done(
        admin,
        ROOT,
        autocancel_builds="1",
        max_running_jobs="7",
        pr_only_branch_overrides=overrides,
    )
    settings = await house.engine.reads.project_settings(house.project.id)
    assert (settings.autocancel_builds, settings.set_github_status) == (True, False)
    assert (settings.max_running_jobs, settings.keep_logs_days) == (7, None)
    assert settings.pr_only_branch_overrides == ("main", "release")
    await done(admin, ROOT, set_github_status="1")
    settings = await house.engine.reads.project_settings(house.project.id)
    assert (settings.autocancel_builds, settings.set_github_status) == (False, True)


async def test_settings_that_only_administrators_change_show_others_why(street: Street) -> None:
    admin = await street.visitor()
    await done(admin, ROOT, write_settings_requires_admin="1")
    grace = await street.visitor(await street.token("grace", acme=Role.CONTRIBUTOR))
    page = text_of(await grace.get(ROOT))
    assert "it takes an administrator" in page and "autocancel_builds" not in page
    assert "Only administrators" in problem_of(await grace.post(ROOT))


async def test_a_value_goes_in_and_comes_out_masked(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    path, secret = f"{ROOT}/environment-variables", "open-sesame-qzx9"
    await done(admin, path, variable="API_KEY", value=secret)
    page = text_of(await admin.get(path))
    assert "API_KEY" in page and "xxxxqzx9" in page and secret not in page
    answer = await admin.post(path, variable="9lives", value=secret)
    assert secret not in text_of(answer) and "9lives" in text_of(answer)
    assert secret not in await house.dump()
    await done(admin, path, variable="API_KEY", value="another-value-1234")
    assert "xxxx1234" in text_of(await admin.get(path))
    await done(admin, f"{path}/remove", variable="API_KEY")
    assert "No variable yet" in text_of(await admin.get(path))


async def test_checkout_keys_are_made_preferred_and_deleted(street: Street) -> None:
    admin, house = await street.visitor(), street.house

    async def preferred() -> list[bool]:
        found = await house.engine.checkout_keys.checkout_keys(house.project.id)
        return [key.preferred for key in found]

    await done(admin, f"{ROOT}/ssh/checkout", type="deploy-key")
    await done(admin, f"{ROOT}/ssh/checkout", type="github-user-key")
    assert await preferred() == [False, True]
    first, second = await house.engine.checkout_keys.checkout_keys(house.project.id)
    page = text_of(await admin.get(f"{ROOT}/ssh"))
    for key in (first, second):
        assert key.sha256 in page and key.md5 in page and key.public_key in page
    await done(admin, f"{ROOT}/ssh/checkout/prefer", fingerprint=first.md5)
    assert await preferred() == [True, False]
    await done(admin, f"{ROOT}/ssh/checkout/remove", fingerprint=first.md5)
    assert await preferred() == [True]


async def test_an_additional_key_is_given_and_never_shown(street: Street) -> None:
    admin = await street.visitor()
    pair = make_key_pair("test")
    private = pair.private.replace("\n", "\r\n")
    await done(admin, f"{ROOT}/ssh/additional", hostname="git.example", private_key=private)
    page = text_of(await admin.get(f"{ROOT}/ssh"))
    assert "git.example" in page and pair.sha256 in page and "PRIVATE KEY" not in page
    fields = {"hostname": "git.example", "fingerprint": pair.md5}
    await done(admin, f"{ROOT}/ssh/additional/remove", **fields)
    assert "No additional key" in text_of(await admin.get(f"{ROOT}/ssh"))


async def test_a_webhook_from_its_making_to_its_end(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    fields = {"name": "chat", "url": "https://chat.example/in", "event": "job-completed"}
    path = await done(admin, f"{ROOT}/webhooks", secret="sign-qzx9", verify_tls="1", **fields)
    assert "sign-qzx9" not in text_of(await admin.get(path))
    assert "sign-qzx9" not in await house.dump()

    async def hook() -> Webhook:
        (found,) = await house.engine.webhooks.webhooks(house.project.id)
        return found

    assert (await hook()).verify_tls and (await hook()).secret is not None
    await done(admin, path, **(fields | {"name": "talk"}))
    assert ((await hook()).name, (await hook()).verify_tls) == ("talk", False)
    assert (await hook()).secret is not None
    await done(admin, path, unsigned="1", **fields)
    assert (await hook()).secret is None
    async with house.unwatched():  # nobody tries to deliver it meanwhile
        await done(admin, f"{path}/ping")
        (delivery,) = await house.engine.webhooks.deliveries((await hook()).id)
        page = text_of(await admin.get(path))
        assert '<th scope="row">ping' in page
        answer = await admin.post(f"{path}/redeliver", delivery=delivery.id)
        assert (answer.status, problem_of(answer)) == (409, "The delivery is on its way still.")
        given_up = replace(delivery, status=DeliveryStatus.FAILED, attempts=8, problem="no answer")
        await house.engine.database.write(lambda tx: tx.webhooks.save_delivery(given_up))
        assert "given up, 8 attempts" in text_of(await admin.get(path))
        await done(admin, f"{path}/redeliver", delivery=delivery.id)
        (delivery,) = await house.engine.webhooks.deliveries((await hook()).id)
        assert delivery.status is DeliveryStatus.WAITING
    await street.token("eve", globex=Role.ADMINISTRATOR)
    eve = await street.visitor(await street.token("eve"))
    globex = "/settings/project/gh/globex/own/webhooks"
    theirs = await done(eve, globex, **fields)
    assert (await eve.post(f"{theirs}/redeliver", delivery=delivery.id)).status == 404
    assert (await eve.get(f"{globex}/{(await hook()).id}")).status == 404
    await done(admin, f"{path}/delete")
    assert (await admin.get(path)).status == 404


async def test_a_schedule_from_its_making_to_its_end(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    path = await done(admin, f"{ROOT}/schedules", **NIGHTLY)

    async def one() -> Schedule:
        (found,) = await house.engine.reads.schedules(house.project.id)
        return found

    made = await one()
    assert made.parameters == {"branch": "main", "deploy": True, "word": "yes"}
    assert made.timetable == Timetable(per_hour=2, hours_of_day=(3, 15), days_of_week=("MON",))
    page = text_of(await admin.get(path))
    assert "deploy=true\nword=yes" in page and "On behalf of admin" in page
    assert page.count("<li><time") == 3 and made.next_at is not None
    assert rfc3339_seconds(made.next_at) in page
    changed = {"weekday": "", "days": "1 15", "month": "FEB", "branch": "", "tag": "v1"}
    fields = {name: value for name, value in (NIGHTLY | changed).items() if value}
    await done(admin, path, **(fields | {"attribution": "system"}))
    after = await one()
    assert (after.timetable.days_of_month, after.timetable.days_of_week) == ((1, 15), ())
    assert (after.timetable.months, after.parameters["tag"]) == (("FEB",), "v1")
    assert after.actor.login == "system-actor"
    await done(admin, f"{path}/delete")
    assert (await admin.get(path)).status == 404


async def test_definitions_and_their_triggers_from_making_to_end(street: Street) -> None:
    admin, reads = await street.visitor(), street.house.engine.definitions
    own = street.house.project.id
    answer = await admin.post(f"{ROOT}/definitions/{own}/delete")
    assert (answer.status, "default definition stays" in problem_of(answer)) == (400, True)
    fields = {"name": "docs", "file_path": ".circleci/docs.yml"}
    path = await done(admin, f"{ROOT}/definitions", **fields)
    await done(admin, path, **(fields | {"name": "manual", "description": "Words"}))
    page = text_of(await admin.get(f"{ROOT}/definitions"))
    assert "manual" in page and ".circleci/docs.yml" in page and "Words" in page
    (definition,) = [it for it in await reads.definitions(own) if not it.is_default]
    answer = await admin.post(f"{path}/triggers", preset="sometimes")
    assert (answer.status, "Events: expected one of" in problem_of(answer)) == (400, True)
    assert Refused(answer).fault == "preset"
    await done(admin, f"{path}/triggers", preset="only-tags", event_name="releases")
    (trigger,) = await reads.triggers(definition.id)
    await done(admin, f"{path}/triggers/{trigger.id}", preset="all-pushes", checkout_ref="next")
    (trigger,) = await reads.triggers(definition.id)
    assert (trigger.preset, trigger.disabled) == (EventPreset.ALL_PUSHES, True)
    assert trigger.checkout_ref == "next"
    wrong = f"{ROOT}/definitions/{own}/triggers/{trigger.id}/delete"
    assert (await admin.post(wrong)).status == 404
    await done(admin, f"{path}/triggers/{trigger.id}/delete")
    assert await reads.triggers(definition.id) == []
    await done(admin, f"{path}/delete")
    assert (await admin.get(path)).status == 404


async def test_a_refused_trigger_keeps_what_came_and_says_which_field(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    own = house.project.id
    path = f"{ROOT}/definitions/{own}"
    sent = {"preset": "only-tags", "event_name": "kept name", "checkout_ref": "x" * 300}
    answer = await admin.post(f"{path}/triggers", **sent)
    page = text_of(answer)
    assert answer.status == 400
    assert page.count("aria-invalid") == 1 and page.count('value="kept name"') == 1
    assert re.search(r'name="checkout_ref"[^>]*value="x{300}"[^>]*aria-invalid="true"', page)
    assert '<p id="wrong-checkout_ref" class="wrong-at">Check out: longer than' in page
    assert '<option value="only-tags" selected>' in page
    answer = await admin.post(f"{path}/addresses", event_name="kept name", sender="s" * 201)
    page = text_of(answer)
    assert re.search(r'name="sender"[^>]*value="s{201}"[^>]*aria-invalid="true"', page)
    assert page.count("aria-invalid") == 1 and page.count('value="kept name"') == 1
    answer = await admin.post(f"{path}/triggers", preset="only-tags", repo="elsewhere")
    assert re.search(r'<select name="repo" aria-invalid="true"', text_of(answer))
    await done(admin, f"{path}/triggers", preset="only-tags", event_name="before")
    (trigger,) = await house.engine.definitions.triggers(DefinitionId(own))
    answer = await admin.post(f"{path}/triggers/{trigger.id}", preset="often", event_name="after")
    page = text_of(answer)
    assert "<details open><summary>Change" in page and 'value="after"' in page
    assert re.search(r'<select name="preset" aria-invalid="true"', page)
    assert page.count("aria-invalid") == 1


async def test_what_configs_schedule_is_shown_with_where_it_is_written(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    assert "show here once a pipeline" in text_of(await admin.get(f"{ROOT}/schedules"))
    house.engine.compiler = InlineCompiler()
    house.repositories.config = NIGHTLY_CONFIG
    await house.trigger()
    page = text_of(await admin.get(f"{ROOT}/schedules"))
    (cron,) = await house.engine.pages.cron_triggers(house.project.id)
    assert cron.next_at is not None and rfc3339_seconds(cron.next_at) in page
    assert "<code>30 2 * * *</code>" in page and "nights" in page
    link = re.search(r'href="(/pipelines/github/acme/web/1/config)">config of <code>main<', page)
    assert link is not None
    assert "nights" in text_of(await admin.get(link.group(1)))


async def test_a_project_is_renamed_on_its_page_and_old_links_go_on(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    ada = await street.visitor(await street.token("ada", acme=Role.CONTRIBUTOR))
    assert (await ada.post(f"{ROOT}/project", **MOVED)).status == 403
    assert "rename a project or change its repository" in text_of(await ada.get(ROOT))
    where = await done(admin, f"{ROOT}/project", **MOVED)
    assert where == "/settings/project/github/acme/site"
    for path in (where, ROOT, "/pipelines/gh/acme/web"):
        assert "gh/acme/site" in text_of(await admin.get(path)), path
    project = await house.engine.reads.project_by_id(house.project.id)
    assert project is not None
    assert (project.repository_url, project.default_branch) == ("/srv/moved.git", "trunk")
    answer = await admin.post(f"{where}/project", **(MOVED | {"name": "odd name"}))
    page = text_of(answer)
    assert re.search(
        r'name="name"[^>]*value="odd name"[^>]*aria-describedby="wrong-name name-hint"', page
    )
    entries = await house.engine.audit.searched(
        house.project.organization.id, AuditFilter(), before=None, limit=1
    )
    assert entries.entries[0].deed.operation == "changeProject"


async def test_caches_are_cleared_by_contributors_who_said_so(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    lease = (await start(house)).lease
    await cached(house, lease, "one")
    viewer = await street.visitor(await street.token("vera", acme=Role.VIEWER))
    assert (await viewer.post(f"{ROOT}/caches/clear")).status == 403
    assert await house.engine.runners.find_cache(lease, ["one"]) is not None
    assert "Let go of all caches of gh/acme/web" in text_of(await admin.get(ROOT))
    assert await done(admin, f"{ROOT}/caches/clear") == HERE
    assert await house.engine.runners.find_cache(lease, ["one"]) is None
    page = await house.engine.audit.searched(
        house.project.organization.id, AuditFilter(), before=None, limit=1
    )
    assert page.entries[0].deed.operation == "clearCachesV1"


async def test_the_address_of_a_trigger_is_shown_once(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    path = f"{ROOT}/definitions/{house.project.id}"
    answer = await admin.post(f"{path}/addresses", event_name="nightly data", sender="cron")
    found = re.search(r"http://\S+/api/roundel/trigger/[\w-]+\?secret=(\w+)", text_of(answer))
    assert answer.status == 200 and found is not None
    page = text_of(await admin.get(path))
    assert "nightly data" in page and found.group(1) not in page
    assert found.group(1) not in await house.dump()
    (trigger,) = await house.engine.definitions.triggers(DefinitionId(house.project.id))
    assert trigger.secret_digest == digest_of_secret(found.group(1))
    await done(admin, f"{path}/triggers/{trigger.id}/delete")
    assert "No trigger of its own" in text_of(await admin.get(path))


async def test_who_may_only_look_sees_why_and_no_form(street: Street) -> None:
    viewer = await street.visitor(await street.token("vera", acme=Role.VIEWER))
    for section in SECTIONS:
        page = text_of(await viewer.get(ROOT + section))
        assert "Your role does not let you" in page, section
        assert f'action="{HERE}' not in page, section


async def test_a_form_without_its_token_is_refused(street: Street) -> None:
    admin = await street.visitor()
    before = await street.house.dump()
    answer = await admin.send_form(
        f"{ROOT}/environment-variables", {"variable": "A", "value": "b", "form_token": "0" * 64}
    )
    assert answer.status == 403
    assert await street.house.dump() == before


async def test_a_project_goes_only_by_its_slug_written_out(street: Street) -> None:
    admin = await street.visitor()
    where = await done(admin, f"{ROOT}/delete", confirm="gh/acme/web")
    assert where == "/pipelines/github/acme"
    assert (await admin.get(ROOT)).status == 404


async def test_the_audit_log_names_what_the_pages_did_as_the_api_does(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    await done(admin, f"{ROOT}/environment-variables", variable="A_KEY", value="value-never-told")
    await done(admin, f"{ROOT}/ssh/checkout", type="deploy-key")
    page = await house.engine.audit.searched(
        house.project.organization.id, AuditFilter(), before=None, limit=10
    )
    assert {"createEnvVar", "createCheckoutKey"} <= {it.deed.operation for it in page.entries}
    assert not re.search("value-never-told", await house.dump())
