"""The composition root: settings to real adapters to a server that can be started and stopped.

The one place on the server's side that knows all rooms.
"""

from roundel.app.engine import Adapters, CannotServe, Engine, build
from roundel.app.start import Announce, serve
from roundel.app.use_cases import UseCases

__all__ = ["Adapters", "Announce", "CannotServe", "Engine", "UseCases", "build", "serve"]
