"""All parts of one server, joined: real adapters, or those that a test puts in their place."""

import asyncio
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from roundel.app.lazy_parts import LazyParts
from roundel.backends.folder import memory_folder
from roundel.domain.blobs import Blobs
from roundel.domain.clock import Clock, Micros, SystemClock
from roundel.domain.errors import DomainError, Invalid, Unavailable
from roundel.domain.ids import new_id
from roundel.domain.logs import Logs
from roundel.domain.records import dataclass
from roundel.domain.replicas import DEAD_AFTER
from roundel.domain.repositories import Repositories
from roundel.domain.storage import KeepingServer
from roundel.domain.views import Reads
from roundel.services.claim_desk import ClaimDesk
from roundel.services.compiling import Compiler
from roundel.services.orbs import OrbShelf
from roundel.services.runners import LocalServer
from roundel.services.supply import Supply
from roundel.services.ticks import Ticks
from roundel.services.tokens import first_administrator
from roundel.services.work import Addresses, Database, Tx
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

if TYPE_CHECKING:
    from roundel.services.shell_desk import ShellDesk
    from roundel.store.postgres import PostgresDatabase
    from roundel.vault.identity import TokenSigner

ADMIN_TOKEN = "admin-token"  # noqa: S105  # the name of the file, not a token
SIGNING_KEY = "signing-key"
MASTER_KEY = "master-key"
MASTER_KEY_ID = "master-key-id"  # what all servers of a database agree on

log = logging.getLogger(__name__)


class CannotServe(DomainError):
    """The server cannot start with these settings; `str()` says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What tests put in place of the real thing; None takes the real one."""

    clock: Clock | None = None
    repositories: Repositories | None = None
    compiler: Compiler | None = None


class Engine(LazyParts):
    """Implements `services.work.App`: all parts of one server that has no doors yet.

    Making one opens the data folder and its database.  `start` takes up what an earlier run left
    and begins to tick; `stop` closes everything and may be called twice.
    """

    def __init__(self, settings: Settings, adapters: Adapters | None = None) -> None:
        adapters = adapters or Adapters()
        self.settings = settings
        self.instance = new_id()
        self.folder = DataFolder(settings.data)
        # The folder is ours alone, so whoever had it before is gone, however it ended.
        self.predecessor = self.folder.succeed(self.instance)
        self.wakeups = LocalWakeups()
        self.alone = settings.database_url is None
        try:
            self._key_file, self.cipher = _master_keys(settings, self.folder)
            self.blobs: Blobs = _blobs(settings, self.folder)
            self._database = _database(settings, self.folder, self.wakeups)
        except BaseException:
            self.folder.close()
            raise
        self.clock: Clock = adapters.clock or SystemClock()
        self.supply = Supply(self.clock)
        self.claim_desk = ClaimDesk()
        self.shell_desk = _shell_desk() if settings.shells else None
        self.database: Database = self._database
        self.reads: Reads = SqlReads(self._database, self.clock)
        self.logs: Logs = StoredLogs(self._database, self.blobs, self.wakeups)
        self.repositories: Repositories = adapters.repositories or GitRepositories(
            self.folder.repositories, memory_folder()
        )
        self.compiler: Compiler = adapters.compiler or _compiler()
        self.signer = _signer() if settings.identity_tokens else None
        self.web = Web(private=settings.allow_private_addresses)
        self.orbs = OrbShelf(self.folder.orbs, self.web, self.clock)
        self.addresses = own_addresses(settings, settings.port)
        self.runners: KeepingServer = LocalServer(self)
        self.ticks = Ticks(self)
        self._behind: tuple[asyncio.Task[None], ...] = ()
        self._signing_key = ""
        self._stopped = False

    async def start(self) -> None:
        """Make the first administrator, take up what an earlier run has left, begin to tick."""
        await self._first_start()
        await self._share_keys()
        await self._compare_master_keys()
        await self._seal_anew()
        await self._drop_old_keys()
        await self.ticks.recover()
        self._behind = (
            asyncio.create_task(self.ticks.run(), name="ticks"),
            asyncio.create_task(self._prepare_to_sign(), name="prepare-to-sign"),
        )

    async def stop(self) -> None:
        """End what runs behind the scenes, then close the store."""
        for task in self._behind:
            task.cancel()
        for task in self._behind:
            with suppress(asyncio.CancelledError):
                await task  # a failure of ours is not to be lost
        self._behind = ()
        await self.compiler.close()
        if not self._stopped:
            self._stopped = True
            with suppress(Unavailable):
                await self.ticks.leave()
        await asyncio.to_thread(self._database.close)
        self.folder.close()

    def listens_on(self, port: int) -> None:
        """Learn the port that a server was given when any free one would do."""
        self.addresses = own_addresses(self.settings, port)

    def signing_key(self) -> bytes:
        """Return the key that signs addresses of output; all servers of a database share it."""
        return bytes.fromhex(self._signing_key)

    async def _share_keys(self) -> None:
        path = self.folder.path / SIGNING_KEY  # where an earlier version kept it
        proposal = path.read_text().strip() if path.exists() else os.urandom(32).hex()
        self._signing_key = await self.database.write(
            lambda tx: tx.replicas.shared_key(SIGNING_KEY, proposal)
        )

    async def _compare_master_keys(self) -> None:
        """Refuse to serve beside servers whose secrets could not be opened here, nor ours there."""
        if self.alone:
            return
        alive_since = Micros(self.clock.now() - DEAD_AFTER)

        def transaction(tx: Tx) -> str | None:
            theirs = tx.replicas.shared_key(MASTER_KEY_ID, self.cipher.current)
            if not self.cipher.knows(theirs) and tx.replicas.others(self.instance, alive_since):
                return theirs
            tx.replicas.replace_shared_key(MASTER_KEY_ID, self.cipher.current)
            return None

        theirs = await self.database.write(transaction)
        if theirs is not None:
            raise CannotServe(
                f"other servers of this database seal secrets under the master key {theirs}, and"
                f" this one has only {self.cipher.current}: give all of them the same key, in"
                " ROUNDEL_MASTER_KEY or by --master-key-file"
            )

    async def rotate_master_key(self) -> int:
        """Seal all secrets under a fresh master key; return how many; refuse a key not ours."""
        if self._key_file is None or not self.alone:
            raise Invalid(
                "The master key comes from ROUNDEL_MASTER_KEY, or several servers share it: put a"
                " new one before it, on a line of its own, and start the servers again one by one;"
                " they then seal everything anew."
            )
        self.cipher = Cipher(self._key_file.add())
        return await self._seal_anew()

    async def _seal_anew(self) -> int:
        """Seal what is under older keys under the current one; return how many that were."""
        if self.signer is None and self.cipher.only_key:
            return 0  # with an only key nothing can be opened but what is under it
        from roundel.services.rotation import reseal_all

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
        elif self._key_file is not None and self.alone:
            self._key_file.keep_first()

    async def _prepare_to_sign(self) -> None:
        """Load what signs identity tokens, a tenth of a second that the first job would wait."""
        if self.signer is None:
            return
        from roundel.services import identity, signing_keys

        del identity  # is asked for at the first claim
        with suppress(Unavailable):  # the first job does it then
            await signing_keys.prepare_to_sign(self)

    async def _first_start(self) -> None:
        made = await first_administrator(self)
        if made is None:
            return
        path = self.folder.write_private(ADMIN_TOKEN, f"{made.text}\n")
        log.info("made an administrator; the token is in %s", path, extra={"event": "first-start"})


def build(settings: Settings, adapters: Adapters | None = None) -> Engine:
    """Open everything that a server needs; raise a DomainError that says why it cannot be."""
    return Engine(settings, adapters)


def _master_keys(settings: Settings, folder: DataFolder) -> tuple[KeyFile | None, Cipher]:
    """Return the master keys, and their file where they have one."""
    if settings.master_key is not None:
        return None, Cipher(read_keys(settings.master_key, "ROUNDEL_MASTER_KEY"))
    file = KeyFile(settings.master_key_file or folder.path / MASTER_KEY)
    return file, Cipher(file.load())


def _blobs(settings: Settings, folder: DataFolder) -> Blobs:
    if settings.blob_url is None:
        return FolderBlobs(folder.blobs)
    from roundel.store.blobs.url import blobs_at

    return blobs_at(settings.blob_url)


def _compiler() -> Compiler:
    """Return the compiler of a server, in processes of its own."""
    from roundel.services.compile_cache import CachedCompiler
    from roundel.services.compile_pool import CompilePool

    return CachedCompiler(CompilePool())


def _shell_desk() -> "ShellDesk":
    from roundel.services.shell_desk import ShellDesk

    return ShellDesk()


def _signer() -> "TokenSigner":
    from roundel.vault.identity import TokenSigner

    return TokenSigner()


def _database(
    settings: Settings, folder: DataFolder, wakeups: LocalWakeups
) -> "SqliteDatabase | PostgresDatabase":
    """Open the database, with its tables up to date."""
    url = settings.database_url
    if url is None:
        prepare(folder.database)
        return SqliteDatabase(folder.database, wakeups, durable=settings.durable)
    if not url.startswith(("postgresql://", "postgres://")):
        raise CannotServe(f"--database-url {url!r}: expected postgresql://user@host/database")
    try:
        from roundel.store.postgres import PostgresDatabase
        from roundel.store.postgres_schema import prepare_postgres
    except ImportError as error:
        raise CannotServe(
            f"--database-url needs the PostgreSQL driver ({error}):"
            " install it with `pip install 'roundel[postgresql]'`"
        ) from error
    prepare_postgres(url)
    return PostgresDatabase(url, wakeups)


def own_addresses(settings: Settings, port: int) -> Addresses:
    """Return where people and jobs reach a server that listens on `port`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    own = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return Addresses(
        own_url=own,
        public_url=(settings.public_url or own).rstrip("/"),
        job_url=(settings.job_url or own).rstrip("/"),
    )
