"""Who may do what: the first administrator, tokens, organisations and their projects."""

import stat

import pytest

from roundel.domain.access import Actor, Need
from roundel.domain.clock import DAY
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import TokenId
from roundel.domain.projects import Slug
from roundel.vault.tokens import digest_of
from tests.scenarios.conftest import House


async def signed_in(house: House, text: str) -> Actor | None:
    return await house.engine.reads.actor(digest_of(text))


async def somebody(house: House, login: str) -> Actor:
    made = await house.use.create_token(login, None, house.admin)
    actor = await signed_in(house, made.text)
    assert actor is not None
    return actor


async def test_the_first_start_writes_a_token_that_nobody_else_may_read(house: House) -> None:
    path = house.folder / "admin-token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(house.folder.stat().st_mode) == 0o700
    assert (house.admin.login, house.admin.server_administrator) == ("admin", True)


async def test_the_text_of_a_token_is_nowhere_in_the_database(house: House) -> None:
    made = await house.use.create_token(None, None, house.admin)
    dump = await house.dump()
    assert "admin" in dump
    assert made.text not in dump
    assert made.text[:10] in dump  # the prefix by which it is known


async def test_a_token_works_until_it_expires(house: House) -> None:
    made = await house.use.create_token(None, 90 * 24 * 3600, house.admin)
    assert await signed_in(house, made.text) is not None
    house.clock.forward(91 * DAY)
    assert await signed_in(house, made.text) is None
    with pytest.raises(Invalid, match="in the future"):
        await house.use.create_token(None, 0, house.admin)


async def test_a_revoked_token_is_refused_at_once(house: House) -> None:
    made = await house.use.create_token(None, None, house.admin)
    await house.use.revoke_token(made.id, house.admin)
    assert await signed_in(house, made.text) is None
    with pytest.raises(NotFound, match="Token not found"):
        await house.use.revoke_token(TokenId("nope"), house.admin)


async def test_only_administrators_of_the_server_make_tokens_for_others(house: House) -> None:
    bob = await somebody(house, "bob")
    with pytest.raises(NotAllowed):
        await house.use.create_token("admin", None, bob)
    own = await house.use.create_token(None, None, bob)
    assert own.login == "bob"
    theirs = await house.use.create_token(None, None, house.admin)
    with pytest.raises(NotFound):
        await house.use.revoke_token(theirs.id, bob)


async def test_a_cut_down_token_makes_no_other_that_may_more(house: House) -> None:
    from dataclasses import replace

    cut_down = replace(house.admin, scopes=frozenset({Need.READ}))
    made = await house.use.create_token(None, None, cut_down)
    actor = await signed_in(house, made.text)
    assert actor is not None
    assert actor.scopes == frozenset({Need.READ})
    with pytest.raises(NotAllowed):
        await house.use.create_token("bob", None, cut_down)


async def test_who_adds_the_first_project_administers_its_organization(house: House) -> None:
    bob = await somebody(house, "bob")
    project = await house.use.add_project(Slug.parse("gh/bobs/app"), "/srv/app", "trunk", bob)
    assert project.default_branch == "trunk"
    again = await house.engine.reads.person(bob.id)
    assert again is not None
    assert again.may(Need.ADMINISTER, project.organization.id)
    assert not again.may(Need.READ, house.project.organization.id)
    assert [found.slug for found in await house.engine.reads.projects(again)] == [project.slug]
    with pytest.raises(NotAllowed, match="gh/acme"):
        await house.use.add_project(Slug.parse("gh/acme/other"), "/srv/x", None, bob)


async def test_adding_a_project_again_moves_it(house: House) -> None:
    slug = house.project.slug
    moved = await house.use.add_project(slug, "/srv/elsewhere.git", None, house.admin)
    assert (moved.id, moved.repository_url, moved.default_branch) == (
        house.project.id,
        "/srv/elsewhere.git",
        "main",
    )
    assert await house.engine.reads.project(slug) == moved


async def test_an_address_that_git_must_not_see_is_refused(house: House) -> None:
    with pytest.raises(Invalid):
        await house.use.add_project(Slug.parse("gh/acme/x"), "ftp://x", None, house.admin)
