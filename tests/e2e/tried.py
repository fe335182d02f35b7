"""A project of which one pipeline has run, for the clients of others, and what they made of it."""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.e2e.client import until
from tests.e2e.site import Site

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps:
      - run: mkdir -p out && echo hello > out/hello.txt
      - run: |
          cd out
          echo '<testsuite><testcase classname="a" name="b" time="0.1"/></testsuite>' > junit.xml
      - store_artifacts: {path: out/hello.txt, destination: hello.txt}
      - store_test_results: {path: out}
      - run: {name: Break, command: "echo it breaks here; false"}
workflows:
  main: {jobs: [build]}
  held: {jobs: [wait: {type: approval}]}
"""


class Tried:
    """What a script's calls gave: `printed` maps each to its value, or to how it failed."""

    def __init__(self, printed: str) -> None:
        results = json.loads(printed)
        self.failed = {name: it["error"] for name, it in results.items() if "error" in it}
        self.gave = {name: it.get("value") for name, it in results.items()}

    def holds(self, *beyond: str) -> None:
        """Every call worked, but those that are known not to be there."""
        unexpected = {name: why for name, why in self.failed.items() if name not in beyond}
        assert unexpected == {}, unexpected


class Bench:
    """The project, and what scripts need to know of it."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.slug = site.project(CONFIG).slug
        self.folder = folder
        pipeline = site.client.trigger(self.slug, branch="main")["id"]
        flows = until(lambda: self._flows(pipeline), lambda found: len(found) == 2)
        self.held = next(it["id"] for it in flows if it["name"] == "held")
        self.ended = next(it["id"] for it in flows if it["name"] == "main")
        until(
            lambda: site.client.get(f"/api/v2/workflow/{self.ended}")["status"],
            lambda status: status == "failed",
        )
        self.pipeline = pipeline

    def _flows(self, pipeline: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.site.client.get(f"/api/v2/pipeline/{pipeline}/workflow")[
            "items"
        ]
        return found

    def environment(self) -> dict[str, str]:
        return {
            "URL_OF_SERVER": self.site.server.url,
            "TOKEN": self.site.server.token,
            "SLUG": self.slug,
            "PIPELINE": self.pipeline,
            "HELD_WORKFLOW": self.held,
            "ENDED_WORKFLOW": self.ended,
            "OUTPUT": str(self.folder),
        }


def private_key() -> str:
    """Return a new private key, as ssh has it in files."""
    encoded = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return encoded.decode()
