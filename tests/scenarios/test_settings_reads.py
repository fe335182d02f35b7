"""What the settings pages read, on both databases."""

from roundel.app.web_cases import WebUseCases
from roundel.domain.access import Need, Role, scopes_for
from roundel.domain.audit import LOOKED_THROUGH, AuditFilter
from roundel.domain.clock import DAY
from roundel.domain.runners import Secret
from roundel.domain.sessions import IDLE_LIMIT
from roundel.domain.usage import ExportState
from roundel.vault.tokens import digest_of
from tests.scenarios.conftest import House

# Entries of the log in one statement that both databases take; every hundredth is grace's.
MANY = """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
INSERT INTO audit (number, at, operation, target, status, actor_id, actor_login,
 organization_id, digest) SELECT i, i, CASE WHEN i % 2 = 0 THEN 'deleteContext' ELSE 'put_100%'
 END, '/x', 200, 'a', CASE WHEN i % 100 = 0 THEN 'grace' ELSE 'ada' END, '{organization}', ''
 FROM n"""


async def test_tokens_that_ended_are_not_listed(house: House) -> None:
    use, sessions, admin = WebUseCases(house.engine), house.engine.sessions, house.admin
    await use.make_own_token("short", 3600, None, admin)
    await use.make_own_token("reads", None, scopes_for(Need.READ), admin)
    (*_, first) = await sessions.tokens_of(admin.id)
    found = {it.label: it for it in await sessions.tokens_of(admin.id)}
    assert set(found) == {first.label, "short", "reads"}
    assert found["reads"].scopes == scopes_for(Need.READ) and found["short"].scopes is None
    house.clock.forward(DAY)
    assert "short" not in {it.label for it in await sessions.tokens_of(admin.id)}
    await use.revoke_token(found["reads"].id, admin)
    assert [it.id for it in await sessions.tokens_of(admin.id)] == [first.id]


async def test_sessions_that_ended_by_time_or_token_are_not_listed(house: House) -> None:
    use, sessions, admin = WebUseCases(house.engine), house.engine.sessions, house.admin
    token = await use.make_own_token("for a session", None, None, admin)
    secret = await use.sign_in_with_token(token)
    first = Secret((house.folder / "admin-token").read_text().strip())
    other = await use.sign_in_with_token(first)
    listed = {it.digest for it in await sessions.sessions_of(admin.id)}
    assert listed == {digest_of(secret), digest_of(other)}
    made = next(it for it in await sessions.tokens_of(admin.id) if it.label)
    await use.revoke_token(made.id, admin)
    assert [it.digest for it in await sessions.sessions_of(admin.id)] == [digest_of(other)]
    house.clock.forward(IDLE_LIMIT)
    assert await sessions.sessions_of(admin.id) == []


async def test_invitations_are_listed_until_they_are_used_over_or_taken_back(
    house: House,
) -> None:
    use, sessions = WebUseCases(house.engine), house.engine.sessions
    organization = house.project.organization.id
    used = await use.invite(organization, Role.VIEWER, house.admin)
    kept = await use.invite(organization, Role.ADMINISTRATOR, house.admin)
    back = await use.invite(organization, Role.VIEWER, house.admin)
    await use.accept_invitation(used, "grace", "", Secret("correct horse battery"))
    await use.withdraw_invitation(organization, digest_of(back))
    (found,) = await sessions.invitations_of(organization)
    assert found.invitation.digest == digest_of(kept)
    assert (found.invitation.role, found.invited_by) == (Role.ADMINISTRATOR, "admin")
    house.clock.forward(7 * DAY)
    assert await sessions.invitations_of(organization) == []


async def test_exports_are_listed_newest_first(house: House) -> None:
    organization, now = house.project.organization.id, house.clock.now()
    async with house.unwatched():  # nobody begins them
        first = await house.use.ask_for_export(organization, (), now, now)
        house.clock.forward(DAY)
        second = await house.use.ask_for_export(organization, (), now, now)
        found = await house.engine.usage.exports(organization, 30)
    assert [it.id for it in found] == [second.id, first.id]
    assert found[0].state is ExportState.CREATED
    assert [it.id for it in await house.engine.usage.exports(organization, 1)] == [second.id]


async def test_a_filter_looks_through_so_many_entries_then_goes_on(house: House) -> None:
    organization = house.project.organization.id
    await house.damage(MANY.format(count=LOOKED_THROUGH + 200, organization=organization))
    reads = house.engine.audit
    page = await reads.searched(organization, AuditFilter(actor="grace"), before=None, limit=40)
    assert [it.number for it in page.entries[:2]] == [5200, 5100] and page.before == 1300
    page = await reads.searched(organization, AuditFilter(actor="grace"), before=1300, limit=40)
    assert len(page.entries) == 12 and page.before is None
    nobody = AuditFilter(actor="eve")
    page = await reads.searched(organization, nobody, before=None, limit=40)
    assert (list(page.entries), page.before) == ([], 201)
    page = await reads.searched(organization, nobody, before=201, limit=40)
    assert (list(page.entries), page.before) == ([], None)
    for text, operation in (("DELETEc", "deleteContext"), ("t_100%", "put_100%"), ("_1_", None)):
        page = await reads.searched(organization, AuditFilter(text=text), before=9, limit=2)
        assert {it.deed.operation for it in page.entries} == ({operation} if operation else set())
