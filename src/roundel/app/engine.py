"""All parts of one server, joined: real adapters, or those that a test puts in their place."""

import asyncio
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass

from roundel.domain.blobs import Blobs
from roundel.domain.clock import Clock, SystemClock
from roundel.domain.errors import DomainError, Invalid
from roundel.domain.ids import new_id
from roundel.domain.logs import Logs
from roundel.domain.repositories import Repositories
from roundel.domain.storage import KeepingServer
from roundel.domain.views import Reads
from roundel.services.compile_cache import CachedCompiler
from roundel.services.compile_pool import CompilePool
from roundel.services.compiling import Compiler
from roundel.services.orbs import OrbShelf
from roundel.services.rotation import reseal_all
from roundel.services.runners import LocalServer
from roundel.services.ticks import Ticks
from roundel.services.tokens import first_administrator
from roundel.services.work import Addresses, Database
from roundel.settings import Settings
from roundel.store.blobs.local import FolderBlobs
from roundel.store.database import SqliteDatabase
from roundel.store.folder import DataFolder
from roundel.store.logs import StoredLogs
from roundel.store.reads import SqlReads
from roundel.store.schema import prepare
from roundel.store.wakeups import LocalWakeups
from roundel.vault.cipher import Cipher, KeyFile, read_keys
from roundel.vcs.bare import GitRepositories
from roundel.wire.web import Web

ADMIN_TOKEN = "admin-token"  # noqa: S105  # the name of the file, not a token
SIGNING_KEY = "signing-key"
MASTER_KEY = "master-key"

log = logging.getLogger(__name__)


class CannotServe(DomainError):
    """The server cannot start with these settings; `str()` says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What tests put in place of the real thing; None takes the real one."""

    clock: Clock | None = None
    repositories: Repositories | None = None
    compiler: Compiler | None = None


class Engine:
    """Implements `services.work.App`: all parts of one server that has no doors yet.

    Making one opens the data folder and its database.  `start` takes up what an earlier run left
    and begins to tick; `stop` closes everything and may be called twice.
    """

    def __init__(self, settings: Settings, adapters: Adapters | None = None) -> None:
        adapters = adapters or Adapters()
        self.settings = settings
        self.instance = new_id()
        self.folder = DataFolder(settings.data)
        try:
            self._key_file, self.cipher = _master_keys(settings, self.folder)
            prepare(self.folder.database)
        except BaseException:
            self.folder.close()
            raise
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
        self.compiler: Compiler = adapters.compiler or CachedCompiler(CompilePool())
        self.web = Web(private=settings.allow_private_addresses)
        self.orbs = OrbShelf(self.folder.orbs, self.web, self.clock)
        self.addresses = own_addresses(settings, settings.port)
        self.runners: KeepingServer = LocalServer(self)
        self.ticks = Ticks(self)
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the first administrator, take up what an earlier run has left, begin to tick."""
        await self._first_start()
        await self._seal_anew()
        await self._drop_old_keys()
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
        self.addresses = own_addresses(self.settings, port)

    def signing_key(self) -> bytes:
        """Return the key that signs addresses of output; it outlives restarts."""
        path = self.folder.path / SIGNING_KEY
        if not path.exists():
            self.folder.write_private(SIGNING_KEY, secrets.token_hex(32))
        return bytes.fromhex(path.read_text())

    async def rotate_master_key(self) -> int:
        """Seal all secrets under a fresh master key; return how many; refuse a key not ours."""
        if self._key_file is None:
            raise Invalid(
                "The master key comes from ROUNDEL_MASTER_KEY: put a new one before it, on a line"
                " of its own, and start the server again; it then seals everything anew."
            )
        self.cipher = Cipher(self._key_file.add())
        return await self._seal_anew()

    async def _seal_anew(self) -> int:
        """Seal what is under older keys under the current one; return how many that were."""
        resealed = await reseal_all(self)
        if resealed:
            log.info("sealed %d secrets anew", resealed, extra={"event": "resealed"})
        return resealed

    async def _drop_old_keys(self) -> None:
        """Let go of keys that nothing needs; only at the start, as no request is under way."""
        left = set(await self.reads.secrets.keys_in_use()) - {self.cipher.current}
        if left:
            log.error(
                "secrets are sealed under master keys that are not here: %s",
                ", ".join(sorted(left)),
                extra={"event": "master-key-lost"},
            )
        elif self._key_file is not None:
            self._key_file.keep_first()

    async def _first_start(self) -> None:
        made = await first_administrator(self)
        if made is None:
            return
        path = self.folder.write_private(ADMIN_TOKEN, f"{made.text}\n")
        log.info("made an administrator; the token is in %s", path, extra={"event": "first-start"})


def build(settings: Settings, adapters: Adapters | None = None) -> Engine:
    """Open everything that a server needs; raise a DomainError that says why it cannot be."""
    if settings.database_url is not None:
        raise CannotServe("--database-url: only the embedded database is supported yet")
    if settings.blob_url is not None:
        raise CannotServe("--blob-url: only the data folder is supported yet")
    return Engine(settings, adapters)


def _master_keys(settings: Settings, folder: DataFolder) -> tuple[KeyFile | None, Cipher]:
    """Return the master keys, and their file where they have one."""
    if settings.master_key is not None:
        return None, Cipher(read_keys(settings.master_key, "ROUNDEL_MASTER_KEY"))
    file = KeyFile(settings.master_key_file or folder.path / MASTER_KEY)
    return file, Cipher(file.load())


def own_addresses(settings: Settings, port: int) -> Addresses:
    """Return where people and jobs reach a server that listens on `port`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    own = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return Addresses(
        own_url=own,
        public_url=(settings.public_url or own).rstrip("/"),
        job_url=(settings.job_url or own).rstrip("/"),
    )
