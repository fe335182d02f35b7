"""The least web server on the same libraries: `python -m bench.bare PORT FILE`."""

import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.e2e.server import READY


def main() -> None:
    port, file = int(sys.argv[1]), Path(sys.argv[2])
    body = file.read_bytes()

    async def answer(_: Request) -> Response:
        return Response(body, media_type="application/json")

    app = Starlette(routes=[Route("/{path:path}", answer)])
    settings = uvicorn.Config(app, log_level="error", access_log=False)
    with socket.create_server(("127.0.0.1", port)) as listening:
        # Connections wait in the backlog until the loop takes them, so this is true already.
        print(f"{READY}http://127.0.0.1:{port}", flush=True)
        uvicorn.Server(settings).run(sockets=[listening])


if __name__ == "__main__":
    main()
