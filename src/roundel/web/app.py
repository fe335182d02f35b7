"""The pages as one ASGI application: the table of pages behind sessions, forms and headers."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from roundel.domain.access import Need
from roundel.domain.audit import Deed
from roundel.domain.errors import (
    DomainError,
    Invalid,
    NotAllowed,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from roundel.domain.ids import OrganizationId
from roundel.domain.sessions import Visitor
from roundel.vault.tokens import digest_of
from roundel.web import tokens
from roundel.web.assets import PREFIX, Assets
from roundel.web.attempts import Attempts
from roundel.web.headers import with_headers
from roundel.web.lines import LineIndexes
from roundel.web.origins import is_foreign
from roundel.web.page import FOREIGN_FORM, NOTHING_HERE, SIGN_IN, AnyPage, Found, Hall, Visit
from roundel.web.ports import WebApp, WebSettings, WebUseCases
from roundel.web.rendering import Renderer
from roundel.web.shell_door import ShellDoor
from roundel.web.stream import Streams
from roundel.web.table import pages
from roundel.wire.statuses import status_of

log = logging.getLogger("roundel.web")

DENIED = "Your role does not allow this."
NO_TEXT = "A value has a character that is no text."
TOO_LARGE = "This form is larger than the server takes."
MOST_FIELDS = 500


class _Gone(Exception):
    """The visitor went away before the request was complete."""


def create_web(
    app: WebApp,
    use_cases: WebUseCases,
    settings: WebSettings,
    changed: Callable[[], None] = lambda: None,
    *,
    document: Callable[[], Mapping[str, Any]],
) -> ASGIApp:
    """Return the pages: everything that is not the API's.

    `changed` is called after each form, for whoever remembers rights; `document` returns the
    API's live document, which has its own pages.
    """
    streams = Streams(app, settings.heartbeat_seconds)
    renderer = Renderer(Assets())
    hall = Hall(app, use_cases, settings, renderer, streams, Attempts(), LineIndexes(), document)
    return with_headers(_Doorman(hall, changed), secure=_is_secure(settings.public_url))


def _is_secure(public_url: str | None) -> bool:
    return public_url is not None and public_url.startswith("https://")


class _Route:
    """A page with its path made ready; HEAD goes where GET goes."""

    def __init__(self, page: AnyPage) -> None:
        self.page = page
        self._pattern, _, self._convertors = compile_path(page.path)

    def match(self, path: str) -> dict[str, Any] | None:
        found = self._pattern.match(path)
        if found is None:
            return None
        values = found.groupdict()
        return {key: self._convertors[key].convert(value) for key, value in values.items()}


class _Doorman:
    """Finds the page, checks the visitor's right and the form's token, renders refusals."""

    def __init__(self, hall: Hall, changed: Callable[[], None]) -> None:
        self._hall = hall
        self._changed = changed
        self._routes = [_Route(page) for page in pages()]
        self._shells = ShellDoor(hall)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._shells(scope, receive, send)
            return
        visit = self._visit(scope)
        try:
            response = await self._answer(visit, scope, receive)
        except (_Gone, ClientDisconnect):
            return
        if scope["method"] == "HEAD":
            response = Response(status_code=response.status_code, headers=dict(response.headers))
        await response(scope, receive, send)

    async def _answer(self, visit: Visit[Any], scope: Scope, receive: Receive) -> Response:
        try:
            if scope["path"].startswith(PREFIX):
                name = scope["path"].removeprefix(PREFIX)
                asset = self._hall.renderer.assets.response(name, dict(visit.headers))
                if asset is None:
                    raise NotFound(NOTHING_HERE)
                return asset
            return await self._page(visit, scope, receive)
        except Unauthenticated as error:
            return _to_sign_in(visit, error)
        except DomainError as error:
            status = status_of(error)
            return visit.page("error.html", status=status, code=status, message=str(error))
        except Unavailable as error:
            log.warning("unavailable: %s", error)
            return visit.page("error.html", status=503, code=503, message="")
        except _Gone:
            raise
        except Exception:
            log.exception("page_failed path=%s", scope["path"])
            return visit.page("error.html", status=500, code=500, message="")

    async def _page(self, visit: Visit[Any], scope: Scope, receive: Receive) -> Response:
        secure = _is_secure(visit.origin)
        secret = tokens.session_secret(visit.cookies, secure=secure)
        known = None if secret is None else await self._known(secret)
        if known is not None:
            visit.visitor, visit.session = known.actor, known.session
            await self._hall.use_cases.note_visit(known.session)
        tied = secret if known is not None else tokens.form_secret(visit.cookies, secure=secure)
        fresh = tied is None
        tied = tied or tokens.new_form_secret()
        visit.form_token = tokens.form_token(self._hall.settings.signing_key, tied)
        page = self._route(visit, scope)
        _refuse_nul(visit.path.values(), NotFound(NOTHING_HERE))
        _refuse_nul(visit.query.values(), Invalid(NO_TEXT))
        if page.method == "POST":
            await self._read_form(visit, receive, tied=None if fresh else tied)
        organization, subject = await self._admit(page, visit)
        response = await page.handler(replace(visit, subject=subject))
        await self._record(page, visit, organization, response.status_code)
        if fresh and page.need is Need.NOTHING and visit.method == "GET":
            response.headers.append("set-cookie", tokens.form_cookie(tied, secure=secure))
        return response

    async def _known(self, secret: str) -> Visitor | None:
        return await self._hall.app.sessions.visitor(digest_of(secret))

    def _route(self, visit: Visit[Any], scope: Scope) -> AnyPage:
        wanted = "GET" if visit.method == "HEAD" else visit.method
        path = scope["path"]
        if len(path) > 1:
            path = path.rstrip("/")
        for route in self._routes:
            if route.page.method == wanted and (values := route.match(path)) is not None:
                visit.path = values
                return route.page
        raise NotFound(NOTHING_HERE)

    async def _record(
        self, page: AnyPage, visit: Visit[Any], organization: OrganizationId | None, status: int
    ) -> None:
        """Write down what a form has changed, as the API does; refused ones leave nothing."""
        if page.method != "POST" or page.need is Need.NOTHING or status >= 400:
            return
        self._changed()
        deed = Deed(
            operation=page.deed or f"{page.method} {page.path}",
            target=visit.target.partition("?")[0],
            status=status,
            actor_id=visit.actor.id,
            actor_login=visit.actor.login,
            organization_id=organization,
        )
        await self._hall.use_cases.audit.record(deed)

    async def _admit(
        self, page: AnyPage, visit: Visit[Any]
    ) -> tuple[OrganizationId | None, object]:
        """Return whose it is and what the path names, or refuse.

        Nothing is found for those who may not read.
        """
        if page.need is Need.NOTHING:
            return None, None
        if visit.visitor is None:
            raise Unauthenticated(SIGN_IN)
        if page.subject is None:
            return None, None
        found: Found[object] | None = await page.subject(self._hall.app, visit.path)
        if found is None or not visit.visitor.may(Need.READ, found.organization):
            raise NotFound(NOTHING_HERE)
        if found.thing is None:
            raise NotFound(NOTHING_HERE)
        if not visit.visitor.may(page.need, found.organization):
            raise NotAllowed(DENIED)
        return found.organization, found.thing

    async def _read_form(self, visit: Visit[Any], receive: Receive, *, tied: str | None) -> None:
        """Read the fields of a form; refuse one that was not given out to this browser."""
        if is_foreign(visit.headers, visit.origin):
            raise NotAllowed(FOREIGN_FORM)
        body = await _body(receive, self._hall.settings.max_form_bytes)
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise Invalid(FOREIGN_FORM) from error
        form: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            form[name] = (*form.get(name, ()), value)
        _refuse_nul((value for _, value in pairs), Invalid(NO_TEXT))
        visit.form = form
        if tied is None or not tokens.fits(visit.form_token, visit.field("form_token")):
            raise NotAllowed(FOREIGN_FORM)

    def _visit(self, scope: Scope) -> Visit[Any]:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = scope["query_string"].decode("latin-1")
        pairs = parse_qsl(query, keep_blank_values=True, errors="replace") if query else []
        target = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        own = f"{scope.get('scheme', 'http')}://{headers.get('host', '127.0.0.1')}"
        return Visit(
            hall=self._hall,
            method=scope["method"],
            target=f"{target}?{query}" if query else target,
            origin=self._hall.settings.public_url or own,
            visitor=None,
            session=None,
            form_token="",
            cookies=tokens.read_cookies(headers.get("cookie", "")),
            path={},
            query=dict(pairs),
            form={},
            headers=headers,
            subject=None,
        )


def _refuse_nul(values: Iterable[object], refusal: DomainError) -> None:
    """Refuse what no database takes as text; it is in no name of anything."""
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise refusal


async def _body(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > limit:
            raise Invalid(TOO_LARGE)
        if not message.get("more_body", False):
            return bytes(body)


def _to_sign_in(visit: Visit[Any], error: Unauthenticated) -> Response:
    """Lead to the sign-in and back; what is no page of a browser hears 401."""
    if visit.method == "GET" and "text/html" in visit.headers.get("accept", "text/html"):
        back = re.sub(r"[?&]$", "", visit.target)
        return RedirectResponse(f"/sign-in?next={quote(back, safe='/')}", status_code=303)
    return visit.page("error.html", status=401, code=401, message=str(error))
