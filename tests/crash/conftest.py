"""A server that a test kills, on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.e2e.site import Site


@pytest.fixture
def options(database_url: str | None) -> tuple[str, ...]:
    common = ("--backend", "process", "--slots", "2")
    return common if database_url is None else (*common, "--database-url", database_url)


@pytest.fixture
def site(tmp_path: Path, options: tuple[str, ...]) -> Iterator[Site]:
    """A server with a project, at rest."""
    server = Server(tmp_path / "data", *options).start()
    try:
        with server.client() as client:
            yield Site("process", server, client, tmp_path)
    finally:
        if server.alive:
            server.stop()
