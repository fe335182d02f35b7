"""The doors of a server behind one address: the API, and the pages for everything else."""

from starlette.types import ASGIApp, Receive, Scope, Send

from roundel.api.app import create_api
from roundel.api.ports import ApiSettings
from roundel.app.engine import Engine
from roundel.app.use_cases import UseCases
from roundel.app.web_cases import WebUseCases
from roundel.web.app import create_web
from roundel.web.ports import WebSettings

# What the API's table has; everything below it, and these.
API_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
API_FOLDERS = ("/api/", "/docs/")


def create_doors(engine: Engine, public_url: str | None) -> ASGIApp:
    """Return the application of a whole server."""
    key = engine.signing_key()
    api = create_api(engine, UseCases(engine), ApiSettings(signing_key=key, public_url=public_url))
    web = create_web(
        engine, WebUseCases(engine), WebSettings(signing_key=key, public_url=public_url)
    )

    async def doors(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        to_api = scope["type"] == "lifespan" or path in API_PATHS or path.startswith(API_FOLDERS)
        await (api if to_api else web)(scope, receive, send)

    return doors
