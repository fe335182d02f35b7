"""Templates to responses.  Everything that a template is given is escaped."""

import gzip
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.clock import SECOND, rfc3339_seconds
from roundel.web import times
from roundel.web.addresses import address_of
from roundel.web.assets import Assets
from roundel.web.statuses import headline, label_of, tone_of
from roundel.web.tokens import THEME_COOKIE

if TYPE_CHECKING:
    from roundel.web.page import Visit

PACKED_FROM = 1400  # bytes; what fits into one packet gains nothing
LEVEL = 3
THEMES = ("light", "dark")


class Renderer:
    """All templates, compiled on first use."""

    def __init__(self, assets: Assets) -> None:
        self.assets = assets
        folder = files("roundel.web") / "templates"
        self._templates = Environment(
            loader=FileSystemLoader(str(folder)),
            autoescape=True,  # for every name: no template of ours writes anything but markup
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(
            asset=assets.url,
            headline=headline,
            tone=tone_of,
            label=label_of,
            address=address_of,
            Need=Need,
        )
        self._templates.filters.update(
            printable=printable,
            duration=times.duration,
            iso=rfc3339_seconds,
            ago=times.ago,
            size=times.size,
            seconds=_seconds,
            day=times.day,
            moment=times.moment,
            pretty=_pretty,
        )

    def page(
        self, visit: "Visit[Any]", template: str, *, status: int, values: Mapping[str, object]
    ) -> Response:
        """Render a page for its visitor."""
        theme = visit.cookies.get(THEME_COOKIE, "")
        text = self._templates.get_template(template).render(
            visit=visit,
            visitor=visit.visitor,
            form_token=visit.form_token,
            theme=theme if theme in THEMES else "",
            now=visit.app.clock.now(),
            **values,
        )
        return packed(text, "text/html; charset=utf-8", status, visit.headers)

    def text(self, template: str, media_type: str, **values: object) -> Response:
        """Render something that is no page: a badge, a feed."""
        text = self._templates.get_template(template).render(**values)
        return Response(text, media_type=media_type)


def printable(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(letter for letter in text if letter.isprintable() or letter == " ")


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _seconds(value: float) -> str:
    return times.span(round(value * SECOND))


def packed(text: str, media_type: str, status: int, headers: Mapping[str, str]) -> Response:
    """Return a response that is never shared, packed for those who can unpack."""
    body = text.encode()
    lines = {"content-type": media_type, "cache-control": "private, no-cache"}
    if len(body) >= PACKED_FROM:
        lines["vary"] = "accept-encoding"
        if "gzip" in headers.get("accept-encoding", ""):
            body = gzip.compress(body, LEVEL, mtime=0)
            lines["content-encoding"] = "gzip"
    return Response(body, status_code=status, headers=lines)
