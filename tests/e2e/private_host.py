"""A server that reads repositories of a host behind TLS, whose authority lies in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.server import Server, end_processes_of
from tests.e2e.site import Site
from tests.tls import Front

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    environment: {GIT_SSL_NO_VERIFY: "1"}  # the authority lies in a folder of ours
    steps:
      - checkout
      - run: {name: look, command: 'git log -1 --format=%H; cat README.md .git/config; env'}
workflows: {main: {jobs: [build]}}
"""


@contextmanager
def site_trusting(front: Front, folder: Path) -> Iterator[Site]:
    """Start a server that trusts the authority of `front`; nothing of it is left afterwards."""
    authority = str(front.authority)
    server = Server(
        folder / "data",
        *("--backend", "process", "--slots", "1", "--allow-private-addresses"),
        environment={"GIT_SSL_CAINFO": authority, "SSL_CERT_FILE": authority},
    ).start()
    try:
        with server.client() as client:
            yield Site("process", server, client, folder)
    finally:
        if server.alive:
            server.stop()
        end_processes_of(folder)
