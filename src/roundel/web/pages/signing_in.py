"""Signing in with a token or as a local account, signing out, accepting an invitation."""

from starlette.responses import RedirectResponse, Response

from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotFound, Unauthenticated
from roundel.domain.runners import Secret
from roundel.vault.tokens import digest_of
from roundel.web import tokens
from roundel.web.addresses import is_own_path
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on

NO_INVITATION = "This invitation was used already, or its time is over. Ask for a new one."
# What refusals of who is invited begin with, and the field that is meant.
_FIELDS: Fields = {
    "Name to sign in with:": ("login", ""),
    "The name": ("login", ""),
    "Password:": ("password", ""),
    "The two passwords": ("again", ""),
}
TOO_OFTEN = "Too many attempts with this name. Wait a few minutes, then try again."


async def form(visit: Visit[None]) -> Response:
    if visit.visitor is not None:
        return RedirectResponse(_back(visit), status_code=303)
    return visit.page("sign_in.html", back=_back(visit), problem="", login="")


async def sign_in(visit: Visit[None]) -> Response:
    """Begin a new session, whatever the browser had before: a fixed one is worth nothing."""
    token, login = visit.field("token").strip(), visit.field("login").strip()
    now, attempts = visit.app.clock.now(), visit.hall.attempts
    try:
        if token:
            secret = await visit.hall.use_cases.sign_in_with_token(Secret(token))
        else:
            if not attempts.may_try(login, now):
                raise Unauthenticated(TOO_OFTEN)
            secret = await visit.hall.use_cases.sign_in_with_password(
                login, Secret(visit.field("password"))
            )
    except Unauthenticated as error:
        if not token:
            attempts.failed(login, now)
        return visit.page(
            "sign_in.html", status=401, back=_back(visit), problem=str(error), login=login
        )
    attempts.succeeded(login)
    return _signed_in(visit, secret, _back(visit))


async def sign_out(visit: Visit[None]) -> Response:
    if visit.session is not None:
        await visit.hall.use_cases.sign_out(visit.session.digest)
    response = RedirectResponse("/sign-in", status_code=303)
    cookie = tokens.session_cookie("", secure=visit.origin.startswith("https://"))
    response.headers.append("set-cookie", cookie)
    return response


async def invitation(visit: Visit[None], *, problem: str = "", status: int = 200) -> Response:
    found = await visit.app.sessions.invitation(digest_of(visit.path["secret"]))
    if found is None:
        raise NotFound(NO_INVITATION)
    organization = await visit.app.reads.organization_by_id(found.organization_id)
    return visit.page(
        "invitation.html",
        status=status,
        organization=organization,
        role=found.role,
        problem=problem,
    )


@refused_on(invitation, _FIELDS)
async def accept(visit: Visit[None]) -> Response:
    secret = visit.path["secret"]
    if await visit.app.sessions.invitation(digest_of(secret)) is None:
        raise NotFound(NO_INVITATION)
    login, name = visit.field("login").strip(), visit.field("name").strip()
    if visit.field("password") != visit.field("again"):
        raise Invalid("The two passwords are not the same.")
    session = await visit.hall.use_cases.accept_invitation(
        secret, login, name, Secret(visit.field("password"))
    )
    return _signed_in(visit, session, "/pipelines")


def _back(visit: Visit[None]) -> str:
    wanted = visit.field("next") or visit.query.get("next", "")
    return wanted if is_own_path(wanted) else "/pipelines"


def _signed_in(visit: Visit[None], secret: Secret, back: str) -> Response:
    response = RedirectResponse(back, status_code=303)
    cookie = tokens.session_cookie(secret, secure=visit.origin.startswith("https://"))
    response.headers.append("set-cookie", cookie)
    return response


PAGES: list[AnyPage] = [
    Page(method="GET", path="/sign-in", need=Need.NOTHING, handler=form),
    Page(method="POST", path="/sign-in", need=Need.NOTHING, handler=sign_in),
    Page(method="POST", path="/sign-out", need=Need.NOTHING, handler=sign_out),
    Page(method="GET", path="/invitation/{secret}", need=Need.NOTHING, handler=invitation),
    Page(method="POST", path="/invitation/{secret}", need=Need.NOTHING, handler=accept),
]
