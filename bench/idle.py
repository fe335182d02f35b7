"""What a server costs that does nothing: time to start, memory."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.client import Client
from tests.e2e.server import program_environment

from bench import figures
from bench.lists import BareServer
from bench.site import serving


def measure_idle() -> None:
    ready, memory, bare_memory = [], [], []
    for _ in range(5):
        with serving("process") as site:
            ready.append(site.server.ready_seconds)
            site.client.request("GET", "/healthz")
            memory.append(megabytes(site.server.pid))
        with tempfile.TemporaryDirectory() as folder, BareServer(b"{}", Path(folder)) as bare:
            Client(bare.url, None).get("/")
            bare_memory.append(megabytes(bare.process.pid))
    imports = [figures.seconds(import_the_libraries) for _ in range(5)]
    figures.cost("server: start to ready", ready, imports)
    figures.cost("server: idle memory", memory, bare_memory, unit="MB")


def import_the_libraries() -> None:
    subprocess.run(
        [sys.executable, "-c", "import uvicorn, starlette.applications"],
        env=program_environment(),
        check=True,
    )


def megabytes(pid: int) -> float:
    """Resident memory of a process and its children."""
    status = Path(f"/proc/{pid}/status").read_text()
    own = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(own.split()[1]) * 1024 / 1e6 + sum(megabytes(int(child)) for child in children)
