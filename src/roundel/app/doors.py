"""The doors of a server behind one address: the API, and the pages for everything else."""

from functools import cache
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from roundel.api.app import create_api
from roundel.api.auth import Callers
from roundel.api.openapi import write_document
from roundel.api.ports import ApiSettings
from roundel.api.table import operations
from roundel.app.engine import Engine
from roundel.app.use_cases import UseCases
from roundel.app.web_cases import WebUseCases
from roundel.domain.limits import DEFAULT_LIMITS
from roundel.web.app import create_web
from roundel.web.ports import WebSettings


def create_doors(engine: Engine) -> ASGIApp:
    """Return the application of a whole server.

    What begins like any operation of the API's table is the API's, also where it is refused.
    """
    key, public_url = engine.signing_key(), engine.settings.public_url
    limits = {**DEFAULT_LIMITS, **dict(engine.settings.rate_limits)}
    api_settings = ApiSettings(signing_key=key, public_url=public_url, limits=limits)
    callers = Callers(engine.reads, engine.clock)
    api = create_api(engine, UseCases(engine), api_settings, callers)
    web_settings = WebSettings(
        signing_key=key, public_url=public_url, shells=engine.settings.shells
    )

    @cache
    def document() -> dict[str, Any]:
        return write_document(operations(), public_url)

    web = create_web(
        engine, WebUseCases(engine), web_settings, changed=callers.forget, document=document
    )
    first_parts = {(it.prefix + it.path).split("/")[1] for it in operations()}

    async def doors(scope: Scope, receive: Receive, send: Send) -> None:
        # A client whose base address ends with a slash doubles the first one.
        first = scope.get("path", "/").lstrip("/").partition("/")[0]
        to_api = scope["type"] == "lifespan" or first in first_parts
        await (api if to_api else web)(scope, receive, send)

    return doors
