"""The composition root: settings to real adapters to a server that can be started and stopped."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from roundel.domain.access import Actor
from roundel.domain.blobs import Blobs
from roundel.domain.clock import Clock, SystemClock
from roundel.domain.ids import JobId, TokenId, WorkflowId, new_id
from roundel.domain.logs import Logs
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.plan import Json
from roundel.domain.projects import Project, Slug
from roundel.domain.repositories import Repositories
from roundel.domain.runners import Server
from roundel.domain.views import Reads
from roundel.services.approvals import ApproveJob, approve_job
from roundel.services.compiling import CompileOutcome, Compiler, CompileRequest
from roundel.services.jobs import CancelJob, cancel_job
from roundel.services.pipelines import TriggerPipeline, trigger_pipeline
from roundel.services.projects import AddProject, add_project
from roundel.services.runners import LocalServer
from roundel.services.ticks import Ticks
from roundel.services.tokens import (
    CreatedToken,
    CreateToken,
    create_token,
    first_administrator,
    revoke_token,
)
from roundel.services.work import Addresses, Database
from roundel.services.workflows import CancelWorkflow, cancel_workflow
from roundel.settings import Settings
from roundel.store.blobs.local import FolderBlobs
from roundel.store.database import SqliteDatabase
from roundel.store.folder import DataFolder
from roundel.store.logs import StoredLogs
from roundel.store.reads import SqlReads
from roundel.store.schema import prepare
from roundel.store.wakeups import LocalWakeups
from roundel.vcs.bare import GitRepositories

ADMIN_TOKEN = "admin-token"  # noqa: S105  # the name of the file, not a token
SIGNING_KEY = "signing-key"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What tests put in place of the real thing; None takes the real one."""

    clock: Clock | None = None
    repositories: Repositories | None = None
    compiler: Compiler | None = None


class Engine:
    """Implements `services.work.App`: all parts of one server, and its use cases.

    `start` opens nothing that `__init__` has not opened; it takes up what an earlier run left and
    begins to tick.  `stop` ends in the reverse order and may be called twice.
    """

    def __init__(self, settings: Settings, adapters: Adapters | None = None) -> None:
        adapters = adapters or Adapters()
        self.settings = settings
        self.instance = new_id()
        self.folder = DataFolder(settings.data)
        prepare(self.folder.database)
        self.clock: Clock = adapters.clock or SystemClock()
        self.wakeups = LocalWakeups()
        self._database = SqliteDatabase(self.folder.database, self.wakeups)
        self.database: Database = self._database
        self.blobs: Blobs = FolderBlobs(self.folder.blobs)
        self.reads: Reads = SqlReads(self._database, self.clock)
        self.logs: Logs = StoredLogs(self._database, self.blobs, self.wakeups)
        self.repositories: Repositories = adapters.repositories or GitRepositories(
            self.folder.repositories
        )
        self.compiler: Compiler = adapters.compiler or _real_compiler()
        self.addresses = _addresses(settings, settings.port)
        self.runners: Server = LocalServer(self)
        self.ticks = Ticks(self)
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what an earlier run has left, make the first administrator, begin to tick."""
        await self._first_start()
        await self.ticks.recover()
        self._ticking = asyncio.create_task(self.ticks.run(), name="ticks")

    async def stop(self) -> None:
        """End what runs behind the scenes, then close the store."""
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        await self.compiler.close()
        self._database.close()
        self.folder.close()

    def listens_on(self, port: int) -> None:
        """Learn the port that a server was given when any free one would do."""
        self.addresses = _addresses(self.settings, port)

    def signing_key(self) -> bytes:
        """Return the key that signs addresses of output; it outlives restarts."""
        path = self.folder.path / SIGNING_KEY
        if not path.exists():
            self.folder.write_private(SIGNING_KEY, secrets.token_hex(32))
        return bytes.fromhex(path.read_text())

    async def _first_start(self) -> None:
        made = await first_administrator(self)
        if made is None:
            return
        path = self.folder.write_private(ADMIN_TOKEN, f"{made.text}\n")
        log.info("made an administrator; the token is in %s", path, extra={"event": "first-start"})


class UseCases:
    """What the doors may ask for; implements `api.ports.UseCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def trigger_pipeline(
        self, project: Project, ref: Ref, parameters: Mapping[str, Json], by: Actor
    ) -> Pipeline:
        """Accept a pipeline; it is compiled behind the answer."""
        command = TriggerPipeline(project=project, ref=ref, parameters=parameters, by=by)
        triggered = await trigger_pipeline(command, self._engine)
        self._engine.ticks.create(triggered)
        return triggered.pipeline

    async def cancel_workflow(self, workflow_id: WorkflowId, by: Actor) -> None:
        """Ask for a workflow's end."""
        await cancel_workflow(CancelWorkflow(workflow=workflow_id, by=by), self._engine)

    async def approve_job(self, workflow_id: WorkflowId, approval_id: JobId, by: Actor) -> None:
        """Let a held workflow go on."""
        command = ApproveJob(workflow=workflow_id, approval=approval_id, by=by)
        await approve_job(command, self._engine)

    async def cancel_job(self, job_id: JobId, by: Actor) -> None:
        """Ask for a job's end."""
        await cancel_job(CancelJob(job=job_id, by=by), self._engine)

    async def add_project(
        self, slug: Slug, repository_url: str, default_branch: str | None, by: Actor
    ) -> Project:
        """Register a project."""
        command = AddProject(
            slug=slug, repository_url=repository_url, default_branch=default_branch, by=by
        )
        return await add_project(command, self._engine)

    async def create_token(
        self, login: str | None, expires_seconds: int | None, by: Actor
    ) -> CreatedToken:
        """Make a token."""
        command = CreateToken(login=login, expires_seconds=expires_seconds, by=by)
        return await create_token(command, self._engine)

    async def revoke_token(self, token_id: TokenId, by: Actor) -> None:
        """Revoke a token."""
        await revoke_token(token_id, by, self._engine)

    async def compile(self, request: CompileRequest) -> CompileOutcome:
        """Compile a text for somebody who only wants to see what comes of it."""
        return await self._engine.compiler.compile(request)


def build(settings: Settings, adapters: Adapters | None = None) -> Engine:
    """Open everything that a server needs; raise what says why it cannot be opened."""
    return Engine(settings, adapters)


def _addresses(settings: Settings, port: int) -> Addresses:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    own = f"http://{host}:{port}"
    return Addresses(public_url=(settings.public_url or own).rstrip("/"), job_url=settings.job_url)


def _real_compiler() -> Compiler:
    from roundel.services.compile_pool import CompilePool

    return CompilePool()
