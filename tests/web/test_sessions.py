"""Signing in and staying signed in: what opens a session, what ends it, what a form must show."""

import re
from dataclasses import replace

import pytest

from roundel.app.doors import create_doors
from roundel.domain.access import Role
from roundel.domain.clock import DAY, MINUTE
from roundel.domain.sessions import ABSOLUTE_LIMIT, IDLE_LIMIT
from roundel.services.sweeping import sweep_storage
from roundel.vault.tokens import digest_of
from tests.api.client import Answer
from tests.web.conftest import Street
from tests.web.visitor import Visitor, text_of

PASSWORD = "correct horse battery"


def without_tokens(answer: Answer) -> tuple[int, str]:
    return answer.status, re.sub(r'value="[^"]*"', "", text_of(answer))


async def invited(street: Street, login: str = "grace") -> Visitor:
    """A local account that followed an invitation."""
    admin = await street.visitor()
    page = await admin.post("/settings/organization/gh/acme/invite", role="contributor")
    link = re.search(r"/invitation/[\w-]+", text_of(page))
    assert link is not None
    visitor = street.stranger()
    await visitor.get(link.group())
    answer = await visitor.post(link.group(), login=login, password=PASSWORD, again=PASSWORD)
    assert answer.status == 303, text_of(answer)
    return visitor


async def test_a_page_without_a_session_leads_to_the_sign_in_and_back(street: Street) -> None:
    visitor = street.stranger()
    answer = await visitor.get("/pipelines?status=failed")
    assert (answer.status, answer.headers["location"]) == (
        303,
        "/sign-in?next=/pipelines%3Fstatus%3Dfailed",
    )
    await visitor.get(answer.headers["location"])
    answer = await visitor.post(
        "/sign-in", token=street.admin_token, next="/pipelines?status=failed"
    )
    assert (answer.status, answer.headers["location"]) == (303, "/pipelines?status=failed")
    assert (await visitor.get("/pipelines")).status == 200


@pytest.mark.parametrize("away", ["//evil.example", "https://evil.example", "/\\evil.example", "x"])
async def test_the_way_back_never_leads_to_another_site(street: Street, away: str) -> None:
    visitor = street.stranger()
    await visitor.get("/sign-in")
    answer = await visitor.post("/sign-in", token=street.admin_token, next=away)
    assert answer.headers["location"] == "/pipelines"


async def test_a_wrong_token_name_or_password_get_equal_answers(street: Street) -> None:
    await invited(street)
    answers = []
    for fields in (
        {"token": "rdl_unknown"},
        {"login": "nobody", "password": PASSWORD},
        {"login": "grace", "password": "wrong horse battery"},
        {"login": "admin", "password": PASSWORD},  # somebody without a password
    ):
        visitor = street.stranger()
        await visitor.get("/sign-in")
        answers.append(await visitor.post("/sign-in", **fields))
        assert not any("session" in name for name in visitor.cookies)
    shown = [(one[0], one[1].replace(" autofocus", "")) for one in map(without_tokens, answers)]
    assert {status for status, _ in shown} == {401}
    assert len(set(shown)) == 1


async def test_names_that_fail_too_often_have_to_wait(street: Street) -> None:
    await invited(street)
    visitor = street.stranger()
    await visitor.get("/sign-in")
    for _ in range(10):
        await visitor.post("/sign-in", login="grace", password="x" * 2000)
    answer = await visitor.post("/sign-in", login="grace", password=PASSWORD)
    assert answer.status == 401
    assert "Too many attempts" in text_of(answer)
    street.house.clock.forward(11 * MINUTE)
    assert (await visitor.post("/sign-in", login="grace", password=PASSWORD)).status == 303


async def test_only_a_hash_of_the_session_is_kept_and_each_sign_in_begins_a_new_one(
    street: Street,
) -> None:
    visitor = await street.visitor()
    first = visitor.cookies["roundel_session"]
    assert first not in await street.house.dump()
    await visitor.post("/sign-in", token=street.admin_token)
    assert visitor.cookies["roundel_session"] != first
    planted = Visitor(street.doors, cookies={"roundel_session": "chosen-by-somebody-else"})
    await planted.sign_in(street.admin_token)
    assert planted.cookies["roundel_session"] != "chosen-by-somebody-else"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(street: Street) -> None:
    visitor = street.stranger()
    await visitor.get("/sign-in")
    answer = await visitor.post("/sign-in", token=street.admin_token)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    engine = street.house.engine
    engine.settings = replace(engine.settings, public_url="https://ci.example")
    safe = Visitor(create_doors(engine), "https://ci.example")
    await safe.get("/sign-in")
    answer = await safe.post("/sign-in", token=street.admin_token)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-roundel_session=") and "Secure" in cookie
    assert "strict-transport-security" in answer.headers
    assert (await safe.get("/pipelines")).status == 200


async def test_a_session_ends_when_it_was_idle_too_long(street: Street) -> None:
    visitor = await street.visitor()
    street.house.clock.forward(IDLE_LIMIT - DAY)
    assert (await visitor.get("/pipelines")).status == 200
    street.house.clock.forward(IDLE_LIMIT - DAY)
    assert (await visitor.get("/pipelines")).status == 200
    street.house.clock.forward(IDLE_LIMIT)
    assert (await visitor.get("/pipelines")).status == 303


async def test_a_session_ends_however_busy_it_is(street: Street) -> None:
    visitor = await street.visitor()
    for _ in range(ABSOLUTE_LIMIT // (5 * DAY) - 1):
        street.house.clock.forward(5 * DAY)
        assert (await visitor.get("/pipelines")).status == 200
    street.house.clock.forward(5 * DAY)
    assert (await visitor.get("/pipelines")).status == 303


async def test_signing_out_ends_the_session_for_good(street: Street) -> None:
    visitor = await street.visitor()
    kept = dict(visitor.cookies)
    answer = await visitor.post("/sign-out")
    assert answer.headers["location"] == "/sign-in"
    assert "roundel_session" not in visitor.cookies
    assert (await Visitor(street.doors, cookies=kept).get("/pipelines")).status == 303


async def test_a_session_of_a_token_ends_with_the_token(street: Street) -> None:
    token = await street.token("ada", acme=Role.CONTRIBUTOR)
    visitor = await street.visitor(token)
    assert (await visitor.get("/pipelines/gh/acme/web")).status == 200
    actor = await street.house.engine.reads.actor(digest_of(token))
    assert actor is not None
    (row,) = await street.house.rows(
        "SELECT id FROM token WHERE person_id <> (SELECT id FROM person WHERE login = 'admin')"
    )
    await street.house.use.revoke_token(row[0], actor)
    assert (await visitor.get("/pipelines/gh/acme/web")).status == 303


async def test_a_form_without_its_token_changes_nothing(street: Street) -> None:
    visitor = await street.visitor()
    other = await street.visitor()
    path = "/settings/organization/gh/acme/invite"
    before = await street.house.dump()
    for fields in ({}, {"form_token": "0" * 64}, {"form_token": other.form_token}):
        answer = await visitor.send_form(path, {"role": "viewer", **fields})
        assert answer.status == 403, text_of(answer)
    good = {"role": "viewer", "form_token": visitor.form_token}
    for headers in ({"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site"}):
        assert (await visitor.send_form(path, good, headers)).status == 403
    assert await street.house.dump() == before
    assert (await visitor.send_form(path, good)).status == 200


async def test_the_form_of_the_sign_in_is_tied_to_the_browser(street: Street) -> None:
    one, other = street.stranger(), street.stranger()
    await one.get("/sign-in")
    await other.get("/sign-in")
    answer = await one.send_form(
        "/sign-in", {"token": street.admin_token, "form_token": other.form_token}
    )
    assert answer.status == 403
    assert "roundel_session" not in one.cookies


async def test_an_invitation_makes_one_account_with_its_role(street: Street) -> None:
    admin = await street.visitor()
    page = await admin.post("/settings/organization/gh/acme/invite", role="viewer")
    link = re.search(r"/invitation/([\w-]+)", text_of(page))
    assert link is not None
    assert link.group(1) not in await street.house.dump()
    visitor = street.stranger()
    assert "viewer" in text_of(await visitor.get(link.group()))
    for fields, why in (
        ({"login": "grace", "password": "short", "again": "short"}, "12 to"),
        ({"login": "grace", "password": PASSWORD, "again": "x"}, "not the same"),
        ({"login": "admin", "password": PASSWORD, "again": PASSWORD}, "taken"),
        ({"login": "a b", "password": PASSWORD, "again": PASSWORD}, "letters"),
    ):
        answer = await visitor.post(link.group(), **fields)
        assert answer.status == 400
        assert why in text_of(answer)
    answer = await visitor.post(link.group(), login="grace", password=PASSWORD, again=PASSWORD)
    assert answer.status == 303
    assert (await visitor.get("/pipelines/gh/acme/web")).status == 200
    assert (await street.stranger().get(link.group())).status == 404


async def test_an_invitation_is_over_after_a_week(street: Street) -> None:
    admin = await street.visitor()
    page = await admin.post("/settings/organization/gh/acme/invite", role="viewer")
    link = re.search(r"/invitation/[\w-]+", text_of(page))
    assert link is not None
    street.house.clock.forward(7 * DAY)
    assert (await street.stranger().get(link.group())).status == 404


async def test_a_new_password_ends_all_sessions_and_opens_new_ones(street: Street) -> None:
    visitor = await invited(street)
    second = street.stranger()
    await second.get("/sign-in")
    assert (await second.post("/sign-in", login="grace", password=PASSWORD)).status == 303
    await visitor.get("/account")
    fresh = "another horse battery"
    answer = await visitor.post("/account/password", password=fresh, again=fresh)
    assert answer.status == 303
    assert (await second.get("/pipelines")).status == 303
    await second.get("/sign-in")
    assert (await second.post("/sign-in", login="grace", password=fresh)).status == 303


async def test_sessions_that_are_over_are_removed_by_the_sweep(street: Street) -> None:
    await street.visitor()
    street.house.clock.forward(ABSOLUTE_LIMIT)
    await sweep_storage(street.house.engine)
    assert await street.house.rows("SELECT * FROM session") == []


async def test_every_answer_carries_the_headers_that_protect_it(street: Street) -> None:
    visitor = await street.visitor()
    for path in ("/sign-in", "/pipelines", "/nowhere", "/favicon/ok.svg", "/static/nothing.js"):
        answer = await visitor.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
