"""The composition root: settings to real adapters to a server that can be started and stopped.

The one place on the server's side that knows all rooms.  Its parts are loaded when first used: a
local run needs no doors, and waits for none.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roundel.app.engine import Adapters, CannotServe, Engine, build
    from roundel.app.use_cases import UseCases
    from roundel.settings import Settings

__all__ = ["Adapters", "CannotServe", "Engine", "UseCases", "build", "serve"]

_HOMES = {
    "Adapters": "engine",
    "CannotServe": "engine",
    "Engine": "engine",
    "UseCases": "use_cases",
    "build": "engine",
}


def serve(settings: "Settings", *, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` hears the address once it answers."""
    from roundel.app.serving import serve  # the web server and the runner, which tests do without

    serve(settings, announce=announce)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
