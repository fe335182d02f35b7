"""What the demo stands on: where its jobs run, its repository, its server."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from importlib.resources import as_file, files
from pathlib import Path

from roundel.cli.interrupts import Interrupts
from roundel.cli.output import Failure
from roundel.domain.records import dataclass

READY = "Roundel is ready at "
READY_WITHIN_SECONDS = 30.0
STOP_WITHIN_SECONDS = 20.0
ENGINE_SOCKET = Path("/var/run/docker.sock")  # without DOCKER_HOST, as the engine's own client
ENGINE_WITHIN_SECONDS = 3.0
# Images known to have bash, git and python3, best first.  Nothing is ever pulled for the demo.
SUITABLE = ("cimg/python:*", "cimg/base:*", "python:3.1?", "python:3", "python:latest")
AUTHOR = {
    "GIT_AUTHOR_NAME": "Roundel",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "Roundel",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,  # no hook and no signing of the user's applies here
    "GIT_CONFIG_NOSYSTEM": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where the demo's jobs run; `image` is None for processes of this machine."""

    image: str | None
    why: str

    @property
    def options(self) -> tuple[str, ...]:
        if self.image is None:
            return ("--backend", "process")
        return ("--backend", "docker", "--image-map", f"cimg/*={self.image}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The demo's server, ready to be asked."""

    url: str
    data: Path

    @property
    def token(self) -> str:
        return (self.data / "admin-token").read_text().strip()


def find_ground(image: str | None) -> Ground:
    """Take containers if an engine answers and has an image that will do, else processes."""
    tags, problem = local_images()
    if problem is not None:
        return Ground(image=None, why=problem)
    if image is not None:
        return Ground(image=image, why=f"in containers of {image}")
    for pattern in SUITABLE:
        for tag in sorted(tags):
            if fnmatchcase(tag, pattern):
                return Ground(image=tag, why=f"in containers of {tag}")
    return Ground(
        image=None,
        why="a container engine answers, but none of its images is known to have bash, git and "
        "python3 (name one with --image)",
    )


def local_images() -> tuple[list[str], str | None]:
    """Return the tags that the engine has, or why there are none to be had."""
    address = os.environ.get("DOCKER_HOST")
    if address is None and ENGINE_SOCKET.exists():
        address = f"unix://{ENGINE_SOCKET}"
    tags = None if address is None else asyncio.run(tags_at(address))
    return (tags, None) if tags is not None else ([], "no container engine answers")


async def tags_at(address: str) -> list[str] | None:
    """Return the tags of an engine's images, None if it does not answer."""
    import aiodocker  # only here: a machine without an engine need not load it
    import aiohttp

    try:
        async with asyncio.timeout(ENGINE_WITHIN_SECONDS), aiodocker.Docker(address) as engine:
            images = await engine.images.list()
    except (ValueError, OSError, TimeoutError, aiohttp.ClientError, aiodocker.DockerError):
        return None
    return [tag for image in images for tag in image["RepoTags"] or ()]


def make_repository(path: Path) -> Path:
    """Write the sample repository to `path`, with one commit on `main`."""
    with as_file(files("roundel.cli") / "sample") as sample:
        shutil.copytree(sample, path, ignore=shutil.ignore_patterns("__pycache__"))
    for arguments in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "Count words and lines"],
    ):
        subprocess.run(["git", *arguments], cwd=path, env={**os.environ, **AUTHOR}, check=True)
    return path


@contextmanager
def serving(data: Path, ground: Ground, interrupts: Interrupts) -> Iterator[Stage]:
    """Run `roundel serve` on a free port; it is stopped however the block is left."""
    with interrupts.holding(lambda: Said(_started(data, ground)), Said.end) as said:
        yield Stage(url=said.address(), data=data)


def _started(data: Path, ground: Ground) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "roundel", "serve", "--data", str(data)),
            *("--port", "0", "--slots", "4", *ground.options),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is for us, who stop the server in order
    )


class Said:
    """What the server says: taken all the time, so that it never waits for us."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: deque[str] = deque(maxlen=1000)
        self._url: str | None = None
        self._known = threading.Event()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        # Signals are for the main thread: one that came here would not wake it from its wait.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        for line in self._process.stdout or ():
            self._lines.append(line)
            if line.startswith(READY):
                self._url = line.removeprefix(READY).strip()
                self._known.set()
        self._known.set()  # nothing more will come: whoever waits finds no address

    def address(self) -> str:
        """Return where the server answers, or fail with its own words."""
        self._known.wait(READY_WITHIN_SECONDS)
        if self._url is None:
            raise Failure("the server did not start:\n" + "".join(self._lines))
        return self._url

    def end(self) -> None:
        """Stop the server and hear its last words."""
        stop(self._process)
        self._thread.join(STOP_WITHIN_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()


def stop(process: subprocess.Popen[str]) -> None:
    """End the server politely, then by force; nothing of it is left when this returns."""
    process.terminate()
    try:
        process.wait(STOP_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
