"""`store_artifacts` and `store_test_results`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from roundel.backends.protocol import Sandbox
from roundel.domain.artifacts import artifact_path
from roundel.domain.plan import StepPlan
from roundel.domain.storage import StoredBlob
from roundel.runner.archives.entries import Entries, Entry
from roundel.runner.archives.ground import Ground
from roundel.runner.archives.headers import Broken
from roundel.runner.archives.scan import TooBig
from roundel.runner.reports.collect import Collected
from roundel.runner.steps.carriers import Carrier
from roundel.runner.steps.keeping import Keeper, Servant, servant_process, shown_size
from roundel.runner.steps.plan import Process, Refusal, StepFailed, text_of
from roundel.runner.storing import UPLOAD_TRIES, NotStored, one_piece

MAX_FILES = 100_000  # artifacts of one step
MAX_FILE_BYTES = 3 * 1024**3  # as CircleCI
_SMALL_BYTES = 256 * 1024  # up to here a file is read whole, so that several go at once
_AT_ONCE = 8
_NAMES_SHOWN = 100
_RESULTS_PER_CALL = 5000


def store_artifacts_step(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return the process of `store_artifacts`."""
    path, destination = text_of(step, "path"), text_of(step, "destination")
    if path is None:
        return Refusal(why="store_artifacts needs a path.")

    async def work(servant: Servant) -> None:
        kind = await servant.talk.ask("kind")
        shown = destination or path
        servant.say(f"Uploading {path} to {shown}\n")
        if kind == "none":
            servant.say(f"Warning: no artifact files found at {path}\n")
            return
        carrier = await servant.carrier()
        for left in reversed(range(UPLOAD_TRIES)):
            ground = Ground(max_entries=MAX_FILES)
            uploads = _Uploads(servant, keeper, path, destination, folder=kind == "folder")
            try:
                await _store(carrier, ground, uploads)
                break
            except NotStored as error:  # the same file again takes the place of the first
                if left == 0:
                    raise StepFailed(_not_stored(error)) from error
            except (Broken, TooBig, OSError) as error:
                raise StepFailed(_not_stored(error)) from error
            servant.say("The server was away: storing them once more.\n")
            await servant.talk.last_code()
            await keeper.storage.heard()
        servant.tell_refused(ground)
        servant.say(f"Stored {uploads.count} artifact(s), {shown_size(uploads.size)}.\n")

    return servant_process(sandbox, work, path)


async def _store(carrier: Carrier, ground: Ground, uploads: "_Uploads") -> None:
    """Store all files of the step's path.  Raise NotStored where the network took one of them."""
    try:
        async with aclosing(carrier.files()) as archive:
            entries = Entries(archive, ground)
            async for entry in entries:
                await uploads.take(entry, entries.contents())
            await entries.drain()
    finally:
        await uploads.settle()


def _not_stored(error: Exception) -> str:
    return f"The artifacts could not be stored: {error}."


class _Uploads:
    """The uploads of one step: small files several at once, large ones as streams."""

    def __init__(
        self, servant: Servant, keeper: Keeper, path: str, destination: str | None, *, folder: bool
    ) -> None:
        self.count = 0
        self.size = 0
        self._servant = servant
        self._storage = keeper.storage
        self._path = path
        self._destination = destination
        self._folder = folder
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: Exception | None = None
        self._linked: dict[str, StoredBlob] = {}

    async def take(self, entry: Entry, contents: AsyncIterator[bytes]) -> None:
        """Store one file."""
        if self._failed is not None:
            raise self._failed
        name = artifact_path(self._path, self._destination, entry.path if self._folder else None)
        if name is None:
            self._servant.say(f"Warning: left out {entry.path!r} - it cannot be a name\n")
        elif entry.size > MAX_FILE_BYTES:
            self._servant.say(
                f"Warning: left out {name} - it is larger than {shown_size(MAX_FILE_BYTES)}\n"
            )
        elif entry.same_as is not None:
            await self._again(name, entry.same_as)
        elif entry.size <= _SMALL_BYTES:
            data = b"".join([piece async for piece in contents])
            await self._room.acquire()
            task = asyncio.create_task(self._small(entry.path, name, data))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            await self._keep(entry.path, name, await self._storage.upload(contents))

    async def settle(self) -> None:
        """Wait for the uploads under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if isinstance(self._failed, NotStored):
            raise self._failed
        if self._failed is not None:
            raise StepFailed(_not_stored(self._failed))

    async def _small(self, path: str, name: str, data: bytes) -> None:
        try:
            blob = await self._storage.upload_again(lambda: one_piece(data))
            await self._keep(path, name, blob)
        except Exception as error:
            self._failed = error
        finally:
            self._room.release()

    async def _again(self, name: str, same_as: str) -> None:
        """Store a hard link to a file that was stored before."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if (blob := self._linked.get(same_as)) is not None:
            await self._keep(same_as, name, blob)

    async def _keep(self, path: str, name: str, blob: StoredBlob) -> None:
        await self._storage.keep_artifact(name, blob)
        self._linked[path] = blob
        self.count += 1
        self.size += blob.size
        if self.count <= _NAMES_SHOWN:
            self._servant.say(f"  * {name} ... {shown_size(blob.size)}\n")


def store_test_results_step(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return the process of `store_test_results`."""
    path = text_of(step, "path")
    if path is None:
        return Refusal(why="store_test_results needs a path.")

    async def work(servant: Servant) -> None:
        if await servant.talk.ask("kind") == "none":
            servant.say(f"Warning: no test results found at {path}\n")
            return
        carrier = await servant.carrier()
        collected = Collected()
        try:
            await _collect(carrier, collected)
        except (Broken, TooBig, OSError) as error:
            raise StepFailed(f"The test results could not be read: {error}.") from error
        for warning in collected.warnings:
            servant.say(f"Warning: {warning}\n")
        results = collected.results
        for part, first in enumerate(range(0, len(results), _RESULTS_PER_CALL)):
            await keeper.storage.keep_tests(
                f"{servant.index}.{part}", results[first : first + _RESULTS_PER_CALL]
            )
        failed = sum(result.result in ("failure", "error") for result in results)
        skipped = sum(result.result == "skipped" for result in results)
        servant.say(
            f"Found {collected.files} report(s) with {len(results)} test(s): "
            f"{failed} failed, {skipped} skipped.\n"
        )

    return servant_process(sandbox, work, path)


async def _collect(carrier: Carrier, collected: Collected) -> None:
    async with aclosing(carrier.files()) as archive:
        entries = Entries(archive, Ground(max_entries=MAX_FILES))
        async for entry in entries:
            report = collected.open(entry.path)
            if report is None:
                continue
            async for piece in entries.contents():
                report.feed(piece)
            report.finish()
        await entries.drain()
