"""The small things: where one begins, the theme, the icon that shows a state."""

from starlette.responses import RedirectResponse, Response

from roundel.domain.access import Need
from roundel.domain.errors import NotFound
from roundel.web import tokens
from roundel.web.addresses import is_own_path
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.rendering import THEMES
from roundel.web.statuses import TONES

# The same colours in light and dark: an icon stands on the browser's ground, not on ours.
_INK = {
    "ok": "#1a7f37",
    "bad": "#cf222e",
    "run": "#0969da",
    "hold": "#8250df",
    "wait": "#57606a",
    "off": "#6e7781",
    "none": "#57606a",
}
_SIGN = {
    "ok": '<path d="M10 16.5l4 4 8-9"/>',
    "bad": '<path d="M11 11l10 10M21 11L11 21"/>',
    "run": '<path d="M12.5 10v12l9-6z" fill="#fff" stroke-linejoin="round"/>',
    "hold": '<path d="M12.5 11v10M19.5 11v10"/>',
    "wait": '<path d="M16 10v6.5l4 2.5"/>',
    "off": '<path d="M10 16h12"/>',
    "none": '<path d="M4 16h24"/>',
}


async def begin(_: Visit[None]) -> Response:
    return RedirectResponse("/pipelines", status_code=303)


async def theme(visit: Visit[None]) -> Response:
    """Remember light, dark, or what the system says; works without a script."""
    wanted = visit.field("theme")
    back = visit.field("back")
    response = RedirectResponse(back if is_own_path(back) else "/pipelines", status_code=303)
    secure = visit.origin.startswith("https://")
    chosen = wanted if wanted in THEMES else ""
    response.headers.append("set-cookie", tokens.theme_cookie(chosen, secure=secure))
    return response


async def icon(visit: Visit[None]) -> Response:
    tone = visit.path["tone"]
    if tone not in (*TONES, "none"):
        raise NotFound("There is no such icon.")
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="#fff"'
        f' stroke-width="3.4" stroke-linecap="round"><circle cx="16" cy="16" r="15" stroke="none"'
        f' fill="{_INK[tone]}"/>{_SIGN[tone]}</svg>'
    )
    headers = {"cache-control": "public, max-age=86400"}
    return Response(drawing, media_type="image/svg+xml", headers=headers)


async def robots(_: Visit[None]) -> Response:
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain")


PAGES: list[AnyPage] = [
    Page(method="GET", path="/", need=Need.NOTHING, handler=begin),
    Page(method="POST", path="/theme", need=Need.NOTHING, handler=theme),
    Page(method="GET", path="/favicon/{tone}.svg", need=Need.NOTHING, handler=icon),
    Page(method="GET", path="/robots.txt", need=Need.NOTHING, handler=robots),
]
