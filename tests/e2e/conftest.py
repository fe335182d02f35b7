"""Servers for the tests, one of each back end for all and fresh ones to be killed; a browser."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.e2e.server import Server, end_processes_of
from tests.e2e.site import Site
from tests.engine import Engine
from tests.images import BUSYBOX, DEBIAN, have

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.e2e.looking import Look

BACKENDS = ["process", pytest.param("docker", marks=pytest.mark.docker)]


@contextmanager
def running_site(
    backend: str, folder: Path, request: pytest.FixtureRequest, *more: str
) -> Iterator[Site]:
    """Start a server with room for four jobs at once; stop it at the end."""
    options = ["--backend", backend, "--slots", "4", *more]
    environment: dict[str, str] = {}
    if backend == "docker":
        engine: Engine = request.getfixturevalue("engine")
        environment["DOCKER_HOST"] = engine.url
        for pattern in ("cimg/*", "buildpack-deps:*", "debian:*", "alpine:*"):
            options += ["--image-map", f"{pattern}={have(engine, DEBIAN)}"]
        options += ["--image-map", f"busybox:*={have(engine, BUSYBOX)}"]
    server = Server(folder / "data", *options, environment=environment).start()
    try:
        with server.client() as client:
            yield Site(backend, server, client, folder)
    finally:
        if server.alive:
            server.stop()
        end_processes_of(folder)


@pytest.fixture(scope="session")
def process_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A running server whose jobs are processes."""
    with running_site("process", tmp_path_factory.mktemp("process"), request) as started:
        yield started


@pytest.fixture(scope="session")
def docker_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A running server whose jobs are containers."""
    with running_site("docker", tmp_path_factory.mktemp("docker"), request) as started:
        yield started


@pytest.fixture(params=BACKENDS)
def site(request: pytest.FixtureRequest) -> Site:
    """A running server; a test that takes it runs once per back end."""
    started: Site = request.getfixturevalue(f"{request.param}_site")
    return started


@pytest.fixture(params=BACKENDS)
def fresh_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A server of the test's own, which it may kill and start again."""
    with running_site(request.param, tmp_path, request) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> "AsyncIterator[Browser]":
    """One Chromium for all tests that look at pages."""
    from tests.e2e.looking import chromium  # loads what is there only for those

    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def look(browser: "Browser", process_site: Site) -> "AsyncIterator[Look]":
    """A window in which the administrator is signed in; nothing may go wrong in it."""
    from tests.e2e.looking import MODES, looking

    async with looking(browser, process_site.server.url, **MODES["light"]) as opened:
        await opened.sign_in(process_site.server.token)
        yield opened
