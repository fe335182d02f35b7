"""Servers for the tests: one of each back end for all tests, and fresh ones to be killed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.e2e.site import Site

BACKENDS = ["process", pytest.param("docker", marks=pytest.mark.docker)]


@contextmanager
def running_site(backend: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Start a server with room for four jobs at once; stop it at the end."""
    options = ["--backend", backend, "--slots", "4"]
    environment: dict[str, str] = {}
    server = Server(folder / "data", *options, environment=environment)
    with ExitStack() as ending:
        server.start()
        ending.callback(lambda: server.alive and server.stop())
        client = ending.enter_context(server.client())
        yield Site(backend, server, client, folder)


@pytest.fixture(scope="session", params=BACKENDS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A running server; a test that takes it runs once per back end."""
    folder = tmp_path_factory.mktemp(request.param)
    with running_site(request.param, folder, request) as started:
        yield started


@pytest.fixture(params=BACKENDS)
def fresh_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A server of the test's own, which it may kill and start again."""
    with running_site(request.param, tmp_path, request) as started:
        yield started
