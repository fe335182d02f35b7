"""How many list requests a second one server answers."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.e2e.server import READY, free_port, program_environment

from bench import configs, figures
from bench.site import serving

PIPELINES = 25  # a full page of 20 and the start of another
REQUESTS = 2000
CONNECTIONS = 4


def measure_lists() -> None:
    with serving("process") as site:
        project = site.project(configs.ONE.replace("jobs: [only]", "when: false, jobs: [only]"))
        for _ in range(PIPELINES):
            site.client.compiled(site.client.trigger(project.slug, branch="main")["id"])
        path = f"/api/v2/project/{project.slug}/pipeline"
        answer = site.client.request("GET", path)
        assert len(answer.json()["items"]) == 20
        with BareServer(answer.body, site.folder) as bare:
            values, floors = figures.in_turns(
                6,
                lambda: requests_a_second(site.server.url, path, site.server.token),
                lambda: requests_a_second(bare.url, path, site.server.token),
            )
    # The first round warms both up.
    figures.rate("api: list of 20 pipelines", values[1:], floors[1:], unit="requests/s")


class BareServer:
    """Starlette on uvicorn with one route that answers the same bytes."""

    def __init__(self, body: bytes, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.file = folder / "answer.json"
        self.file.write_bytes(body)

    def __enter__(self) -> "BareServer":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.bare", str(self.port), str(self.file)],
            env=program_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(READY), line
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def requests_a_second(url: str, path: str, token: str, requests: int = REQUESTS) -> float:
    return asyncio.run(load(url, path, token, requests))


async def load(url: str, path: str, token: str, requests: int) -> float:
    """Send `requests` over kept connections, each waiting for its answer."""
    where = urlsplit(url)
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nCircle-Token: {token}\r\n\r\n"
    ).encode()

    async def one_connection(count: int) -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(
                line.split(b":")[1]
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(int(length))
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*(one_connection(requests // CONNECTIONS) for _ in range(CONNECTIONS)))
    return requests / (time.perf_counter() - began)
