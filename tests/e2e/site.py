"""A running server with one client, and projects to try things on."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.client import Client, until
from tests.e2e.repository import Repository
from tests.e2e.server import ROOT, Server, program_environment

_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Project:
    """A registered project and the repository that it runs."""

    slug: str
    repository: Repository

    @property
    def pages(self) -> str:
        """Where the pages of its pipelines are."""
        return "/pipelines/" + self.slug.replace("gh/", "github/", 1)

    @property
    def settings(self) -> str:
        """Where the pages of its settings are."""
        return "/settings/project/" + self.slug.replace("gh/", "github/", 1)


@dataclass(frozen=True, slots=True)
class Site:
    """One server, its administrator's client, and a folder for repositories."""

    backend: str
    server: Server
    client: Client
    folder: Path

    def project(self, config: str | bytes | None) -> Project:
        """Register a new repository whose config is `config`."""
        name = f"sample-{next(_NUMBERS)}"
        repository = Repository(self.folder / name, config)
        slug = f"gh/acme/{name}"
        self.add_project(slug, repository.path)
        return Project(slug, repository)

    def add_project(self, slug: str, repository: Path) -> None:
        done = self.command("project", "add", slug, "--repo", str(repository))
        assert done.returncode == 0, done.stdout + done.stderr

    def make(self, path: str, **body: object) -> str:
        """Make something through the API; return its id."""
        answer = self.client.request("POST", path, body=body)
        assert answer.status in (200, 201), answer
        id_: str = answer.json()["id"]
        return id_

    def begun(self, project: Project) -> str:
        """Trigger a pipeline on `main`; return the id of its workflow `main`."""
        pipeline = self.client.trigger(project.slug, branch="main")
        self.client.compiled(pipeline["id"])
        id_: str = self.client.workflows(pipeline["id"])["main"]["id"]
        return id_

    def ends_as(self, workflow: str, wanted: str) -> None:
        """Wait until a workflow has ended so."""
        until(
            lambda: self.client.get(f"/api/v2/workflow/{workflow}")["status"],
            lambda status: status == wanted,
        )

    def job_page(self, project: Project, workflow: str, job: str) -> str:
        """Return where the page of a job of the project's first pipeline is."""
        number = self.client.jobs(workflow)[job]["job_number"]
        return f"{project.pages}/1/workflows/{workflow}/jobs/{number}"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `roundel` command against this server."""
        return subprocess.run(
            [sys.executable, "-m", "roundel", *arguments],
            env=program_environment(
                {
                    "ROUNDEL_SERVER": self.server.url,
                    "ROUNDEL_TOKEN": self.server.token,
                    "HOME": str(self.folder),
                    "PATH": os.environ["PATH"],
                }
            ),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextmanager
def runnerless(folder: Path) -> Iterator[Site]:
    """Serve without a runner beside it, for runners elsewhere."""
    server = Server(folder / "data", "--no-runner").start()
    try:
        with server.client() as client:
            yield Site("process", server, client, folder)
    finally:
        server.stop()
