"""The settings of an organization: who may change what, what is refused and how, what is shown."""

import re

from roundel.domain.access import Need, Role, scopes_for
from roundel.domain.audit import AuditFilter
from roundel.domain.contexts import OwnerKind, SecretOwner
from roundel.web.table import pages
from tests.api.client import Answer, Client
from tests.web.conftest import Street
from tests.web.visitor import Visitor, text_of

ROOT = "/settings/organization/gh/acme"
SECTIONS = ("", "/people", "/groups", "/contexts", "/runners", "/policies", "/orbs", "/usage")


def problem_of(answer: Answer) -> str:
    found = re.search(r'<p class="problem" role="alert">(.*?)</p>', text_of(answer), re.DOTALL)
    return found.group(1) if found is not None else ""


async def done(visitor: Visitor, path: str, /, **fields: str) -> str:
    """Send a form that is carried out; return where it leads to, if the page there says so."""
    answer = await visitor.post(path, **fields)
    assert answer.status == 303, (answer.status, problem_of(answer))
    place, asks, _ = answer.headers["location"].partition("?")
    if asks:
        page = text_of(await visitor.get(answer.headers["location"]))
        assert '<p class="said" role="status">' in page
    return place


async def test_members_come_change_their_role_and_go(street: Street) -> None:
    await street.token("grace")
    admin = await street.visitor()
    await done(admin, f"{ROOT}/people", login="grace", role="viewer")
    grace = await street.visitor(await street.token("grace"))
    assert (await grace.get(f"{ROOT}/people")).status == 200
    await done(admin, f"{ROOT}/people", login="grace", role="contributor")
    assert "contributor" in text_of(await grace.get(f"{ROOT}/people"))
    await done(admin, f"{ROOT}/people/remove", login="grace")
    assert (await grace.get(f"{ROOT}/people")).status == 404


async def test_what_holds_for_all_projects_is_saved_as_the_form_says(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    organization = house.project.organization.id
    await done(admin, ROOT, block_new_work="1", max_running_jobs="7", keep_logs_days="")
    settings = await house.engine.reads.organization_settings(organization)
    assert (settings.block_new_work, settings.approve_strangers) == (True, False)
    assert (settings.max_running_jobs, settings.keep_logs_days) == (7, None)
    await done(admin, ROOT)
    settings = await house.engine.reads.organization_settings(organization)
    assert (settings.block_new_work, settings.max_running_jobs) == (False, None)


async def test_an_invitation_is_shown_once_and_can_be_taken_back(street: Street) -> None:
    admin = await street.visitor()
    answer = await admin.post(f"{ROOT}/invite", role="viewer")
    link = re.search(r"/invitation/[\w-]+", text_of(answer))
    assert answer.status == 200 and link is not None
    page = text_of(await admin.get(f"{ROOT}/people"))
    assert link.group() not in page
    digest = re.search(r'name="invitation" value="([0-9a-f]{64})"', page)
    assert digest is not None
    assert (await street.stranger().get(link.group())).status == 200
    await street.token("eve", globex=Role.ADMINISTRATOR)
    eve = await street.visitor(await street.token("eve"))
    theirs = "/settings/organization/gh/globex/invite/withdraw"
    assert (await eve.post(theirs, invitation=digest.group(1))).status == 404
    await done(admin, f"{ROOT}/invite/withdraw", invitation=digest.group(1))
    assert (await street.stranger().get(link.group())).status == 404


async def test_groups_are_made_filled_emptied_and_deleted(street: Street) -> None:
    await street.token("grace", acme=Role.VIEWER)
    await street.token("eve", globex=Role.VIEWER)
    admin = await street.visitor()
    path = await done(admin, f"{ROOT}/groups", name="ops", description="On call")
    answer = await admin.post(f"{ROOT}/groups", name="ops")
    assert (answer.status, problem_of(answer)) == (409, "A group named ops already exists.")
    await done(admin, f"{path}/members", login="grace")
    page = text_of(await admin.get(path))
    assert "<strong>grace</strong>" in page and "On call" in page
    answer = await admin.post(f"{path}/members", login="eve")
    assert (answer.status, problem_of(answer)) == (404, "Member not found.")
    await done(admin, f"{path}/members/remove", login="grace")
    assert "Nobody is in it yet" in text_of(await admin.get(path))
    assert await done(admin, f"{path}/delete") == "/settings/organization/github/acme/groups"
    assert (await admin.get(path)).status == 404


async def test_values_of_a_context_go_in_and_never_come_out(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    path = await done(admin, f"{ROOT}/contexts", name="deploy keys")
    secret = "open-sesame-qzx9"
    await done(admin, f"{path}/variables", variable="API_KEY", value=secret)
    answer = await admin.post(f"{path}/variables", variable="9lives", value=secret)
    assert answer.status == 400 and "begins with no digit" in problem_of(answer)
    assert secret not in text_of(answer)
    page = text_of(await admin.get(path))
    assert "API_KEY" in page and secret not in page and secret[-4:] not in page
    assert secret not in await house.dump()
    await done(admin, f"{path}/variables", variable="API_KEY", value="another")
    context = (await house.engine.reads.secrets.contexts(house.project.organization.id))[0]
    owner = SecretOwner(
        kind=OwnerKind.CONTEXT, id=context.id, organization_id=context.organization_id
    )
    assert [it.name for it in await house.engine.reads.secrets.variables(owner)] == ["API_KEY"]
    await done(admin, f"{path}/variables/remove", variable="API_KEY")
    assert "No variable yet" in text_of(await admin.get(path))
    await done(admin, f"{path}/delete")
    assert (await admin.get(path)).status == 404


async def test_a_context_is_restricted_to_projects_groups_and_conditions(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    organization = house.project.organization.id
    group = await house.use.organizations.create_group(organization, "ops", "")
    path = await done(admin, f"{ROOT}/contexts", name="keys")
    for kind, value in (
        ("project", house.project.id),
        ("group", group.id),
        ("group", organization),
        ("expression", 'pipeline.git.branch == "main"'),
    ):
        await done(admin, f"{path}/restrictions", kind=kind, restricted_to=value)
    page = text_of(await admin.get(path))
    rows = re.findall(r'<th scope="row">(\w+)</th><td[^>]*>(.*?)</td>', page)
    assert sorted(rows) == [
        ("expression", '<code>pipeline.git.branch == "main"</code>'),
        ("group", "All members"),
        ("group", "ops"),
        ("project", "web"),
    ]
    globex = await house.use.organizations.create_group((await _globex(street)), "theirs", "")
    for kind, value, why in (
        ("group", globex.id, "another organization"),
        ("expression", "((", "not an expression"),
        ("project", "", "choose a project or a group"),
        ("moon", "x", "expected project, expression or group"),
    ):
        answer = await admin.post(f"{path}/restrictions", kind=kind, restricted_to=value)
        assert answer.status == 400 and why in problem_of(answer)
    restriction = re.search(r'name="restriction" value="([0-9a-f-]{36})"', page)
    assert restriction is not None
    await done(admin, f"{path}/restrictions/remove", restriction=restriction.group(1))
    assert restriction.group(1) not in text_of(await admin.get(path))


async def _globex(street: Street) -> str:  # an organization's id
    await street.token("eve", globex=Role.ADMINISTRATOR)
    rows = await street.house.rows("SELECT id FROM organization WHERE name = 'globex'")
    return rows[0][0]


async def test_things_of_another_organization_are_not_reached_through_ones_own(
    street: Street,
) -> None:
    house = street.house
    organization = house.project.organization.id
    context = await house.use.secrets.create_context(organization, "keys")
    group = await house.use.organizations.create_group(organization, "ops", "")
    made = await house.use.add_resource_class("acme/linux", "", house.admin)
    now = house.clock.now()
    export = await house.use.ask_for_export(organization, (), now, now)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    eve = await street.visitor(await street.token("eve", globex=Role.ADMINISTRATOR))
    before = await house.dump()
    own = "/settings/organization/gh/globex"
    for path, posts in (
        (f"contexts/{context.id}", ("variables", "variables/remove", "restrictions", "delete")),
        (f"groups/{group.id}", ("members", "members/remove", "delete")),
        (f"runners/{made.id}", ("tokens", "tokens/remove", "delete")),
        (f"usage/{export.id}/usage.csv.gz", ()),
    ):
        assert (await eve.get(f"{own}/{path}")).status == 404
        for post in posts:
            answer = await eve.post(f"{own}/{path}/{post}", variable="A", value="b", nickname="n")
            assert answer.status == 404, post
    assert await house.dump() == before


async def test_a_runner_token_is_shown_once_and_revoked(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    path = await done(admin, f"{ROOT}/runners", name="linux", description="Big ones")
    answer = await admin.post(f"{ROOT}/runners", name="linux")
    assert answer.status == 409 and "exists already" in problem_of(answer)
    assert (await admin.post(f"{path}/tokens", nickname="")).status == 400
    answer = await admin.post(f"{path}/tokens", nickname="builder-1")
    secret = re.search(r'value="(rdl_[\w-]+)" aria-label="Runner token"', text_of(answer))
    assert answer.status == 200 and secret is not None
    page = text_of(await admin.get(path))
    assert "builder-1" in page and secret.group(1) not in page
    assert secret.group(1) not in await house.dump()
    token = re.search(r'name="token" value="([0-9a-f-]{36})"', page)
    assert token is not None
    await done(admin, f"{path}/tokens/remove", token=token.group(1))
    answer = await admin.post(f"{path}/tokens/remove", token=token.group(1))
    assert answer.status == 404 and "not there any more" in problem_of(answer)
    await done(admin, f"{path}/delete")
    assert (await admin.get(path)).status == 404


async def test_policies_are_switched_and_url_orbs_allowed(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    organization = house.project.organization.id
    await done(admin, f"{ROOT}/policies", enabled="1")
    assert (await house.engine.reads.organization_settings(organization)).config_policies
    assert "Policies judge configs" in text_of(await admin.get(f"{ROOT}/policies"))
    await done(admin, f"{ROOT}/policies", enabled="0")
    assert not (await house.engine.reads.organization_settings(organization)).config_policies
    await done(admin, f"{ROOT}/orbs", name="tools", prefix="https://git.example/orbs/")
    (entry,) = await house.engine.reads.url_orbs(organization)
    answer = await admin.post(f"{ROOT}/orbs", name="again", prefix=entry.prefix)
    assert answer.status == 409
    await done(admin, f"{ROOT}/orbs/remove", entry=entry.id)
    assert await house.engine.reads.url_orbs(organization) == []


async def test_a_usage_export_is_asked_for_written_and_downloaded(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    await done(admin, f"{ROOT}/usage", start="2026-01-01", end="2026-01-05")
    page = text_of(await admin.get(f"{ROOT}/usage"))
    assert "2026-01-01 to 2026-01-05" in page
    (row,) = await house.rows("SELECT id FROM usage_export")
    file = f"{ROOT}/usage/{row[0]}/usage.csv.gz"
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert "Download CSV" in text_of(await admin.get(f"{ROOT}/usage"))
    answer = await admin.get(file)
    assert (answer.status, answer.body[:2]) == (200, b"\x1f\x8b")
    for _ in range(9):
        await done(admin, f"{ROOT}/usage", start="2026-01-01", end="2026-01-05")
    answer = await admin.post(f"{ROOT}/usage", start="2026-01-01", end="2026-01-05")
    assert answer.status == 429 and "Rate limit" in problem_of(answer)


async def test_the_audit_log_is_paged_and_filtered(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    for number in range(60):
        await done(admin, f"{ROOT}/orbs", name="x", prefix=f"https://a.example/{number}/")
    await done(admin, f"{ROOT}/contexts", name="keys")
    first = text_of(await admin.get(f"{ROOT}/audit"))
    assert first.count("createUrlOrbAllowListEntry") == 49
    older = re.search(r'href="(\?before=\d+)"', first)
    assert older is not None
    second = text_of(await admin.get(f"{ROOT}/audit{older.group(1)}"))
    assert second.count("createUrlOrbAllowListEntry") == 11
    found = text_of(await admin.get(f"{ROOT}/audit?text=CREATECONTEXT&actor=admin"))
    assert found.count("<tr><td") == 1 and "/contexts" in found
    assert "No entry fits" in text_of(await admin.get(f"{ROOT}/audit?actor=grace"))
    assert "No entry fits" in text_of(await admin.get(f"{ROOT}/audit?text=%25"))
    page = await house.engine.audit.searched(
        house.project.organization.id, AuditFilter(actor="admin"), before=3, limit=2
    )
    assert [entry.number for entry in page.entries] == [2, 1] and page.before is None


async def test_deleting_an_organization_takes_its_slug_and_is_written_down(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    organization = house.project.organization.id
    assert await done(admin, f"{ROOT}/delete", confirm="gh/acme") == "/pipelines"
    assert (await admin.get(ROOT)).status == 404
    entries = await house.engine.audit.audit(organization, before=None, limit=1)
    assert [it.deed.operation for it in entries] == ["deleteOrganization"]


async def test_viewers_are_told_why_and_shown_no_form(street: Street) -> None:
    house = street.house
    organization = house.project.organization.id
    context = await house.use.secrets.create_context(organization, "keys")
    group = await house.use.organizations.create_group(organization, "ops", "")
    made = await house.use.add_resource_class("acme/linux", "", house.admin)
    vic = await street.visitor(await street.token("vic", acme=Role.VIEWER))
    ones = (f"/contexts/{context.id}", f"/groups/{group.id}", f"/runners/{made.id}")
    for path in (*SECTIONS, *ones):
        answer = await vic.get(ROOT + path)
        page = text_of(answer)
        assert answer.status == 200, path
        assert "Your role does not let you" in page, path
        assert f'action="{ROOT.replace("/gh/", "/github/")}' not in page, path
    assert (await vic.get(f"{ROOT}/audit")).status == 403
    assert "Audit log" not in text_of(await vic.get(ROOT))


async def test_a_token_with_scopes_opens_no_door_to_more(street: Street) -> None:
    house = street.house
    scoped = await house.use.create_token(None, None, house.admin, scopes_for(Need.ADMINISTER))
    visitor = await street.visitor(scoped.text)
    made = await house.use.add_resource_class("acme/linux", "", house.admin)
    before = await house.dump()
    for path in (
        *("/people", "/people/remove", "/invite", "/invite/withdraw", "/runners", "/delete"),
        *(f"/runners/{made.id}/tokens", f"/runners/{made.id}/delete"),
    ):
        answer = await visitor.post(
            ROOT + path,
            login="admin",
            role="administrator",
            name="x",
            nickname="x",
            confirm="gh/acme",
            invitation="00",
        )
        assert answer.status == 403, path
        assert "token that has scopes" in problem_of(answer), path
    assert await house.dump() == before
    page = text_of(await visitor.get(f"{ROOT}/people"))
    assert "This session began with a token that has scopes" in page


async def test_no_form_of_the_settings_is_taken_without_its_token(street: Street) -> None:
    admin = await street.visitor()
    before = await street.house.dump()
    names = {"vcs": "gh", "organization": "acme"}
    for page in pages():
        if page.method == "POST" and page.path.startswith("/settings/"):
            path = re.sub(r"\{(\w+)\}", lambda it: names.get(it.group(1), "x"), page.path)
            assert (await admin.send_form(path, {"form_token": "0" * 64})).status == 403, path
    assert await street.house.dump() == before


async def test_a_page_says_was_done_only_what_it_knows(street: Street) -> None:
    admin = await street.visitor()
    assert "Saved." in text_of(await admin.get(f"{ROOT}?done=saved"))
    for made_up in ("<b>Send%20money", "nothing", ""):
        page = text_of(await admin.get(f"{ROOT}?done={made_up}"))
        assert 'class="said"' not in page


async def test_a_right_taken_on_a_page_is_gone_from_the_api_at_once(street: Street) -> None:
    token = await street.token("grace", acme=Role.CONTRIBUTOR)
    api = Client(street.doors, token)
    admin = await street.visitor()
    assert (await api.get("/api/v2/project/gh/acme/web")).status == 200
    await done(admin, f"{ROOT}/people/remove", login="grace")
    assert (await api.get("/api/v2/project/gh/acme/web")).status == 404


async def test_policies_are_shown_with_who_pushed_them(street: Street) -> None:
    admin, house = await street.visitor(), street.house
    text = 'package org\n\nimport rego.v1\n\npolicy_name contains "no_latest"\n'
    organization = house.project.organization.id
    await house.use.policies.replace_bundle(organization, {"a": text}, house.admin, dry=False)
    page = text_of(await admin.get(f"{ROOT}/policies"))
    assert "no_latest" in page and ">admin</td>" in page
