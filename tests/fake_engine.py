"""A container engine made by hand: it has every image, starts nothing, and fails as it is told."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

HANGS_UP = 0  # as a status: the connection ends without an answer


@dataclass(slots=True)
class FakeEngine:
    """`failing` are the answers of calls, by their method and last words; `left` its containers."""

    url: str = ""
    failing: dict[str, tuple[int, str]] = field(default_factory=dict)
    pulling: str | None = None  # no image is here, and this is the error that a pull ends with
    asked: list[str] = field(default_factory=list)
    left: dict[str, dict[str, str]] = field(default_factory=dict)  # id to labels

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        words = request.path.strip("/").split("/")
        words = words[1:] if words[0].startswith("v1.") else words
        call = f"{request.method} {words[0]}"
        if len(words) > 1:
            call += f" {words[-1] if len(words) > 2 or words[-1] in _VERBS else 'one'}"
        self.asked.append(call)
        if call in self.failing:
            status, message = self.failing[call]
            if status == HANGS_UP:
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            return _said({"message": message}, status)
        match call:
            case "GET version":
                return _said({"ApiVersion": "1.41"})
            case "GET images json" if self.pulling is not None:
                return _said({"message": "No such image"}, 404)
            case "GET images json":
                return _said({"Id": "sha256:abc", "Config": {}})
            case "POST images create":
                return _said({"error": self.pulling})
            case "POST containers create":
                made = f"c{len(self.asked)}"
                self.left[made] = (await request.json())["Labels"]
                return _said({"Id": made}, 201)
            case "GET containers json":
                (wanted,) = json.loads(request.query["filters"])["label"]
                found = [
                    {"Id": name, "Labels": labels, "State": "created"}
                    for name, labels in self.left.items()
                    if wanted in {f"{key}={value}" for key, value in labels.items()}
                ]
                return _said(found)
            case "DELETE containers one":
                del self.left[words[1]]
        return web.Response(status=204)


_VERBS = ("json", "create")


def _said(found: object, status: int = 200) -> web.Response:
    # An engine names no charset, and the client looks for these very words.
    headers = {"Content-Type": "application/json"}
    return web.Response(body=json.dumps(found).encode(), status=status, headers=headers)


@contextlib.asynccontextmanager
async def fake_engine(folder: Path) -> AsyncIterator[FakeEngine]:
    """Serve on a socket in a folder, until the block ends."""
    engine = FakeEngine(url=f"unix://{folder}/e.sock")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", engine.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(folder / "e.sock")).start()
        yield engine
    finally:
        await runner.cleanup()
