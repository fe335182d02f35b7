"""One's own account: tokens that are shown once, sessions that can be ended from elsewhere."""

import re

import pytest

from roundel.domain.access import Need, Role, scopes_for
from roundel.domain.clock import DAY
from roundel.vault.tokens import digest_of
from tests.web.conftest import Street
from tests.web.test_organization_settings import done, problem_of
from tests.web.visitor import Visitor, text_of

TOKENS = "/settings/user/tokens"
SESSIONS = "/settings/user/sessions"


async def made(visitor: Visitor, **fields: str) -> str:
    answer = await visitor.post(TOKENS, **{"label": "script", "scope": "", "life": "", **fields})
    found = re.search(r'value="(rdl_[\w-]+)" aria-label="Personal API token"', text_of(answer))
    assert answer.status == 200 and found is not None, problem_of(answer)
    return found.group(1)


async def test_a_token_is_shown_once_does_what_was_chosen_and_expires(street: Street) -> None:
    ada = await street.visitor(await street.token("ada", acme=Role.ADMINISTRATOR))
    text = await made(ada, label="deploy script", scope="read", life="30")
    page = text_of(await ada.get(TOKENS))
    assert "deploy script" in page and "read only" in page and text not in page
    house = street.house
    assert text not in await house.dump()
    actor = await house.engine.reads.actor(digest_of(text))
    assert actor is not None and actor.login == "ada"
    assert actor.may(Need.READ, house.project.organization.id)
    assert not actor.may(Need.WRITE, house.project.organization.id)
    house.clock.forward(30 * DAY)
    assert await house.engine.reads.actor(digest_of(text)) is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"label": " "}, "say what the token is for"),
        ({"label": "x" * 101}, "at most 100 characters"),
        ({"scope": "everything"}, "choose one of the list"),
        ({"scope": "nothing"}, "choose one of the list"),
        ({"life": "-1"}, "choose one of the list"),
    ],
)
async def test_a_token_that_cannot_be_is_refused(
    street: Street, fields: dict[str, str], why: str
) -> None:
    admin = await street.visitor()
    before = await street.house.dump()
    answer = await admin.post(TOKENS, **{"label": "a", "scope": "", "life": "", **fields})
    assert answer.status == 400 and why in problem_of(answer)
    assert await street.house.dump() == before


async def test_only_ones_own_tokens_are_listed_and_revoked(street: Street) -> None:
    ada, admin = await street.visitor(await street.token("ada")), await street.visitor()
    text = await made(admin, label="of the administrator")
    page = text_of(await admin.get(TOKENS))
    token = re.search(r'of the administrator.*?name="token" value="([0-9a-f-]{36})"', page, re.S)
    assert token is not None
    assert "of the administrator" not in text_of(await ada.get(TOKENS))
    answer = await ada.post(f"{TOKENS}/revoke", token=token.group(1))
    assert answer.status == 404 and "not there any more" in problem_of(answer)
    assert await street.house.engine.reads.actor(digest_of(text)) is not None
    await done(admin, f"{TOKENS}/revoke", token=token.group(1))
    assert await street.house.engine.reads.actor(digest_of(text)) is None
    assert "of the administrator" not in text_of(await admin.get(TOKENS))


async def test_sessions_are_listed_and_ended_from_another_one(street: Street) -> None:
    admin, second, third = [await street.visitor() for _ in range(3)]
    ada = await street.visitor(await street.token("ada"))
    page = text_of(await admin.get(SESSIONS))
    assert page.count("this session") >= 1
    shown = set(re.findall(r'name="session" value="([0-9a-f]{64})"', page))
    cookie = second.cookies["roundel_session"]
    assert cookie not in page and digest_of(cookie).hex() in shown and len(shown) == 3
    answer = await ada.post(f"{SESSIONS}/end", session=digest_of(cookie).hex())
    assert answer.status == 404 and "ended already" in problem_of(answer)
    assert (await second.get("/pipelines")).status == 200
    await done(admin, f"{SESSIONS}/end", session=digest_of(cookie).hex())
    assert (await second.get("/pipelines")).status == 303
    await done(admin, f"{SESSIONS}/end", session="others")
    assert (await third.get("/pipelines")).status == 303
    assert (await admin.get("/pipelines")).status == 200
    assert (await ada.get("/pipelines")).status == 200


async def test_a_token_with_scopes_neither_widens_itself_nor_ends_others(street: Street) -> None:
    house = street.house
    scoped = await house.use.create_token(None, None, house.admin, scopes_for(Need.ADMINISTER))
    visitor, other = await street.visitor(scoped.text), await street.visitor()
    before = await house.dump()
    for path in (TOKENS, f"{TOKENS}/revoke", f"{SESSIONS}/end", "/account/password"):
        answer = await visitor.post(path, label="x", scope="", life="", session="others")
        assert answer.status == 403, path
        assert "token that has scopes" in problem_of(answer), path
    assert await house.dump() == before
    for path in (TOKENS, SESSIONS, "/account"):
        page = text_of(await visitor.get(path))
        assert "This session began with a token that has scopes" in page, path
    assert (await other.get("/pipelines")).status == 200


async def test_the_account_says_where_one_belongs(street: Street) -> None:
    ada = await street.visitor(await street.token("ada", acme=Role.VIEWER))
    page = text_of(await ada.get("/account"))
    assert 'href="/settings/organization/github/acme">gh/acme</a>' in page and "viewer" in page
    lone = await street.visitor(await street.token("lone"))
    assert "You belong to no organization yet" in text_of(await lone.get("/account"))
