"""What the demo stands on: where its jobs run, its repository, its server."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import as_file, files
from pathlib import Path

import click

READY = "Roundel is ready at "
READY_WITHIN_SECONDS = 30.0
STOP_WITHIN_SECONDS = 20.0
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


async def find_ground(image: str | None) -> Ground:
    """Take containers if an engine answers and has an image that will do, else processes."""
    tags, problem = await local_images()
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


async def local_images() -> tuple[list[str], str | None]:
    """Return the tags that the engine has, or why there are none to be had."""
    import aiodocker  # only here: a machine without an engine need not load it
    import aiohttp

    try:
        async with asyncio.timeout(ENGINE_WITHIN_SECONDS):
            engine = aiodocker.Docker()
            try:
                images = await engine.images.list()
            finally:
                await engine.close()
    except (ValueError, OSError, TimeoutError, aiohttp.ClientError, aiodocker.DockerError):
        return [], "no container engine answers"
    return [tag for image in images for tag in image["RepoTags"] or ()], None


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


@asynccontextmanager
async def serving(data: Path, ground: Ground) -> AsyncIterator[Stage]:
    """Run `roundel serve` on a free port; it is stopped however the block is left."""
    log = data.with_suffix(".log")
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "roundel", "serve", "--data", str(data)),
            *("--port", str(free_port()), "--slots", "4", *ground.options),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for us; the server is stopped in order below
        )
    assert process.stdout is not None  # noqa: S101 - asked for above
    draining: asyncio.Task[None] | None = None
    try:
        url = await ready_address(process.stdout, log)
        draining = asyncio.create_task(drain(process.stdout))
        yield Stage(url=url, data=data)
    finally:
        await stop(process)
        if draining is not None:
            await draining


async def ready_address(lines: asyncio.StreamReader, log: Path) -> str:
    """Return where the server answers; refuse with its own words if it gave up."""
    said = []
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            async for line in lines:
                said.append(line.decode(errors="replace"))
                if said[-1].startswith(READY):
                    return said[-1].removeprefix(READY).strip()
    except TimeoutError:
        said.append(f"(not ready after {READY_WITHIN_SECONDS:g} s)\n")
    raise did_not_start(said, log)


def did_not_start(said: list[str], log: Path) -> click.ClickException:
    return click.ClickException("the server did not start:\n" + "".join(said) + log.read_text())


async def drain(lines: asyncio.StreamReader) -> None:
    """Take what the server says, so that it never waits for us."""
    async for _ in lines:
        continue


async def stop(process: asyncio.subprocess.Process) -> None:
    """End the server politely, then by force; nothing of it is left when this returns."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_WITHIN_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
