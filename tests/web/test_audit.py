"""The audit log tells of forms as it tells of calls."""

from roundel.domain.access import Role
from roundel.domain.audit import Deed
from tests.web.conftest import Street


async def newest(street: Street) -> list[Deed]:
    found = await street.house.engine.audit.audit(None, before=None, limit=20)
    return [entry.deed for entry in found]


async def test_what_a_form_changes_is_written_down_as_the_api_would(street: Street) -> None:
    ada = await street.visitor(await street.token("ada", acme=Role.CONTRIBUTOR))
    await ada.post("/pipelines/gh/acme/web/start", branch="main")
    (deed,) = await newest(street)
    assert deed.operation == "triggerPipeline"
    assert (deed.target, deed.status) == ("/pipelines/gh/acme/web/start", 303)
    assert deed.actor_login == "ada"
    assert deed.organization_id == street.house.project.organization.id
    assert await street.house.engine.audit.broken() is None


async def test_looking_being_refused_and_signing_in_leave_no_entry(street: Street) -> None:
    eve = await street.visitor(await street.token("eve", globex=Role.ADMINISTRATOR))
    await eve.get("/pipelines/gh/globex/own")
    assert (await eve.post("/pipelines/gh/acme/web/start", branch="main")).status == 404
    assert (await eve.post("/projects/add", vcs="gh", organization="", project="")).status == 400
    vic = await street.visitor(await street.token("vic", acme=Role.VIEWER))
    assert (await vic.post("/pipelines/gh/acme/web/start", branch="main")).status == 403
    assert await newest(street) == []
