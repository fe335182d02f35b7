"""A person's own account: where they belong, password, tokens and sessions."""

from typing import Any

from starlette.responses import RedirectResponse, Response

from roundel.domain.access import Need, scopes_for
from roundel.domain.clock import DAY, SECOND
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import TokenId
from roundel.domain.runners import Secret
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.rooms import rooms_of
from roundel.web.settings_pages import DONE, ONLY_WHOLE, done, refuse_scopes

# What a token may do; of nothing: whatever its person may.
SCOPES = {
    "": "everything that you may",
    Need.ADMINISTER.value: "read, trigger and administer",
    Need.WRITE.value: "read and trigger",
    Need.READ.value: "read only",
}
LIVES = {"30": "30 days", "90": "90 days", "365": "one year", "": "never"}
CHOSEN_LIFE = "90"
# What refusals begin with, and the field that is meant.
_OF_TOKEN: Fields = {
    "Name:": ("label", ""),
    "label:": ("label", "Name:"),
    "Scope:": ("scope", ""),
    "Expires:": ("life", ""),
}
_OF_PASSWORD: Fields = {"Password:": ("password", ""), "The two passwords": ("again", "")}
TOKENS = "/settings/user/tokens"
SESSIONS = "/settings/user/sessions"


async def _show(
    visit: Visit[Any], template: str, *, problem: str, status: int, **values: object
) -> Response:
    return visit.page(
        template,
        status=status,
        rooms=await rooms_of(visit),
        problem=problem,
        whole=visit.actor.scopes is None,
        said=DONE,
        **values,
    )


async def account(visit: Visit[None], *, problem: str = "", status: int = 200) -> Response:
    organizations = await visit.app.reads.organizations(visit.actor)
    return await _show(
        visit, "account.html", problem=problem, status=status, organizations=organizations
    )


@refused_on(account, _OF_PASSWORD)
async def change_password(visit: Visit[None]) -> Response:
    """Set a local account's password; all of its sessions end, this one included."""
    refuse_scopes(visit.actor)
    if visit.field("password") != visit.field("again"):
        raise Invalid("The two passwords are not the same.")
    await visit.hall.use_cases.change_password(visit.actor.id, Secret(visit.field("password")))
    return RedirectResponse("/sign-in", status_code=303)


async def tokens(visit: Visit[None], *, problem: str = "", status: int = 200) -> Response:
    return await _tokens(visit, problem=problem, status=status)


async def _tokens(
    visit: Visit[None], *, problem: str = "", status: int = 200, secret: str = ""
) -> Response:
    return await _show(
        visit,
        "account_tokens.html",
        problem=problem,
        status=status,
        tokens=await visit.app.sessions.tokens_of(visit.actor.id),
        secret=secret,
        scopes=SCOPES,
        lives=LIVES,
        life=CHOSEN_LIFE,
        only_whole=ONLY_WHOLE,
    )


@refused_on(tokens, _OF_TOKEN)
async def make_token(visit: Visit[None]) -> Response:
    """Make a token and show it, this once."""
    refuse_scopes(visit.actor)
    label, scope, life = visit.field("label").strip(), visit.field("scope"), visit.field("life")
    if not label:
        raise Invalid("Name: say what the token is for, so that you know later which to revoke.")
    if scope not in SCOPES:
        raise Invalid(f"Scope: there is no {scope[:40]!r}; choose one of the list.")
    if life not in LIVES:
        raise Invalid(f"Expires: there is no {life[:40]!r}; choose one of the list.")
    secret = await visit.hall.use_cases.make_own_token(
        label,
        int(life) * (DAY // SECOND) if life else None,
        scopes_for(Need(scope)) if scope else None,
        visit.actor,
    )
    return await _tokens(visit, secret=secret)


@refused_on(tokens)
async def revoke_token(visit: Visit[None]) -> Response:
    """Revoke one of one's own tokens; sessions that began with it end as well."""
    refuse_scopes(visit.actor)
    text = visit.field("token").lower()
    if text not in {it.id for it in await visit.app.sessions.tokens_of(visit.actor.id)}:
        raise NotFound("This token is not there any more.")
    await visit.hall.use_cases.revoke_token(TokenId(text), visit.actor)
    return done(TOKENS, "revoked")


async def sessions(visit: Visit[None], *, problem: str = "", status: int = 200) -> Response:
    found = await visit.app.sessions.sessions_of(visit.actor.id)
    mine = await visit.app.sessions.tokens_of(visit.actor.id)
    return await _show(
        visit,
        "account_sessions.html",
        problem=problem,
        status=status,
        sessions=found,
        labels={it.id: it.label or it.prefix for it in mine},
    )


@refused_on(sessions)
async def end_session(visit: Visit[None]) -> Response:
    """End one of one's own sessions, or all but this one."""
    refuse_scopes(visit.actor)
    here = visit.session.digest if visit.session is not None else b""
    wanted = visit.field("session")
    found = await visit.app.sessions.sessions_of(visit.actor.id)
    ended = [it for it in found if it.digest.hex() == wanted or wanted == "others"]
    if not ended:
        raise NotFound("This session has ended already.")
    for it in ended:
        if it.digest != here or wanted != "others":
            await visit.hall.use_cases.sign_out(it.digest)
    return done(SESSIONS, "ended")


PAGES: list[AnyPage] = [
    Page(method="GET", path="/account", need=Need.SIGNED_IN, handler=account),
    Page(method="POST", path="/account/password", need=Need.SIGNED_IN, handler=change_password),
    Page(method="GET", path=TOKENS, need=Need.SIGNED_IN, handler=tokens),
    Page(method="POST", path=TOKENS, need=Need.SIGNED_IN, handler=make_token, deed="createToken"),
    Page(
        method="POST",
        path=f"{TOKENS}/revoke",
        need=Need.SIGNED_IN,
        handler=revoke_token,
        deed="revokeToken",
    ),
    Page(method="GET", path=SESSIONS, need=Need.SIGNED_IN, handler=sessions),
    Page(method="POST", path=f"{SESSIONS}/end", need=Need.SIGNED_IN, handler=end_session),
]
