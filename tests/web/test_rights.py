"""Who sees what on the pages: default deny, and two organizations apart from each other."""

import re
from collections.abc import Mapping

import pytest

from roundel.domain.access import Need, Role
from roundel.domain.definitions import DefinitionId, SourceProvider
from roundel.domain.outbox import EventKind
from roundel.domain.schedules import Attribution, Timetable
from roundel.domain.webhooks import WebhookChange
from roundel.services.definitions import CreateTrigger, SourceWanted
from roundel.web.page import Page
from roundel.web.table import pages
from tests.builders import a_plan
from tests.web.conftest import Street
from tests.web.visitor import Visitor, text_of

_NAME = re.compile(r"\{(\w+)(?::\w+)?\}")


async def names_of_acme(street: Street) -> Mapping[str, str]:
    """One of everything that acme has, by the names that paths give it."""
    house = street.house
    pipeline = await house.trigger(a_plan("build", "ok?<build"))
    await house.runner.run_all()
    workflow = await house.workflow(pipeline)
    job = (await house.jobs(workflow.id))["build"]
    view = await house.engine.reads.job(house.project.id, job.number or 0)
    assert view is not None
    organization = house.project.organization.id
    context = await house.use.secrets.create_context(organization, "keys")
    group = await house.use.organizations.create_group(organization, "ops", "")
    classes = await house.use.add_resource_class("acme/linux", "", house.admin)
    webhook = await house.use.webhooks.add_webhook(
        house.project,
        WebhookChange(
            name="hook", url="https://hook.example/", events=(EventKind.JOB_COMPLETED,), secret=""
        ),
    )
    schedule = await house.use.create_schedule(
        house.project,
        name="nightly",
        description=None,
        timetable=Timetable(per_hour=1, hours_of_day=(3,), days_of_week=("MON",)),
        attribution=Attribution.SYSTEM,
        parameters={"branch": "main"},
        by=house.admin,
    )
    made = await house.use.definitions.create_trigger(
        CreateTrigger(
            project=house.project,
            definition=DefinitionId(house.project.id),
            source=SourceWanted(provider=SourceProvider.WEBHOOK),
        )
    )
    now = house.clock.now()
    export = await house.use.ask_for_export(organization, (), now, now)
    await house.engine.ticks.tick()  # behind it nothing is written any more
    await house.engine.ticks.settled()
    return {
        "vcs": "gh",
        "organization": "acme",
        "project": "web",
        "number": "1",
        "workflow": workflow.id,
        "job": "1",
        "node": "0",
        "step": "0",
        "path": "report.txt",
        "pipeline": pipeline.id,
        "execution": view.nodes[0].execution_id,
        "branch": "main",
        "tone": "ok",
        "secret": "none",
        "webhook": webhook.id,
        "schedule": schedule.id,
        "definition": house.project.id,
        "trigger": made.trigger.id,
        "context": context.id,
        "group": group.id,
        "class_id": classes.id,
        "export": export.id,
    }


async def call(visitor: Visitor, page: Page[object], names: Mapping[str, str]) -> int:
    path = _NAME.sub(lambda found: names[found.group(1)], page.path)
    answer = await (visitor.get(path) if page.method == "GET" else visitor.post(path))
    if answer.status == 200 and page.need is not Need.NOTHING:
        assert "acme" not in text_of(answer), path
    return answer.status


async def test_nobody_of_another_organization_finds_anything(street: Street) -> None:
    names = await names_of_acme(street)
    eve = await street.visitor(await street.token("eve", globex=Role.ADMINISTRATOR))
    assert (await eve.get("/pipelines/gh/globex/own")).status == 200
    before = await street.house.dump()
    for page in pages():
        if page.subject is not None:
            assert await call(eve, page, names) == 404, (page.method, page.path)
    assert await street.house.dump() == before


async def test_what_is_not_there_looks_like_what_one_may_not_see(street: Street) -> None:
    await names_of_acme(street)
    eve = await street.visitor(await street.token("eve", globex=Role.ADMINISTRATOR))
    theirs = await eve.get("/pipelines/gh/acme/web/1")
    nowhere = await eve.get("/pipelines/gh/acme/none/1")
    assert text_of(theirs).replace("/web/", "/none/") == text_of(nowhere)


async def test_lists_and_searches_hold_only_ones_own(street: Street) -> None:
    await names_of_acme(street)
    eve = await street.visitor(await street.token("eve", globex=Role.ADMINISTRATOR))
    for path in (
        "/pipelines",
        "/search?q=web",
        "/search?q=1",
        "/search?q=4b825dc",
        "/search?q=mai",
        "/search?q=this+is",
    ):
        answer = await eve.get(path)
        assert answer.status == 200
        assert "acme" not in text_of(answer), path
    asked = text_of(await eve.get("/search?q=this+is&in=gh/acme/web"))
    assert "<mark>" not in asked and "Nothing found" in asked


async def test_nothing_but_the_sign_in_opens_without_a_session(street: Street) -> None:
    names = await names_of_acme(street)
    for page in pages():
        if page.need is Need.NOTHING:
            continue
        visitor = street.stranger()
        await visitor.get("/sign-in")
        expected = 303 if page.method == "GET" else 401
        assert await call(visitor, page, names) == expected, (page.method, page.path)


async def test_badges_and_feeds_tell_strangers_nothing(street: Street) -> None:
    await names_of_acme(street)
    stranger = street.stranger()
    real = await stranger.get("/badge/gh/acme/web.svg")
    assert real.body == (await stranger.get("/badge/gh/acme/none.svg")).body
    assert (await stranger.get("/feed/gh/acme/web/failures.atom")).status == 404
    assert (await stranger.get("/feed/gh/acme/web/failures.atom?token=x")).status == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CONTRIBUTOR])
async def test_who_lacks_a_role_is_refused_and_told_so(street: Street, role: Role) -> None:
    names = await names_of_acme(street)
    visitor = await street.visitor(await street.token("vic", acme=role))
    needs = {Need.ADMINISTER} if role is Role.CONTRIBUTOR else {Need.ADMINISTER, Need.WRITE}
    for page in pages():
        if page.need in needs:
            assert await call(visitor, page, names) == 403, (page.method, page.path)
    page = text_of(await visitor.get("/pipelines/gh/acme/web/1"))
    assert ("Your role in this organization is to look on" in page) == (role is Role.VIEWER)


async def test_a_page_that_does_not_say_what_it_needs_cannot_be_made() -> None:
    async def handler(visit: object) -> None: ...

    with pytest.raises(TypeError):
        Page(method="GET", path="/x", handler=handler)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Page(method="GET", path="/x", need=Need.READ, handler=handler)  # type: ignore[arg-type]
