"""The composition root: settings to real adapters to a server that can be started and stopped.

The one place on the server's side that knows all rooms.
"""

from collections.abc import Callable

from roundel.app.engine import Adapters, CannotServe, Engine, build
from roundel.app.use_cases import UseCases
from roundel.settings import Settings

__all__ = ["Adapters", "CannotServe", "Engine", "UseCases", "build", "serve"]


def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` hears the address once it answers."""
    from roundel.app.serving import serve  # the web server and the runner, which tests do without

    serve(settings, announce=announce)
