"""Following what changes: one reader of a subject, however many look on.

A reader begins with its first onlooker and ends with the last.  It tells states, not events: who
is slow misses what was overtaken, and holds up nobody.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from hashlib import blake2b
from typing import Generic, Protocol, TypeVar

from roundel.domain.ids import PipelineId, ProjectId
from roundel.domain.jobs import Job
from roundel.domain.pipelines import Pipeline
from roundel.domain.records import dataclass
from roundel.domain.views import Reads
from roundel.domain.watching import topic_of_changes
from roundel.domain.workflows import Workflow

S = TypeVar("S")

SLOW_POLL_SECONDS = 5.0  # what a lost wake-up costs an onlooker
PAUSE_SECONDS = 0.25  # between two looks: what changes more often is told together
MOST_WORKFLOWS = 200

log = logging.getLogger(__name__)


class Wakeups(Protocol):
    """Hints: who listens is woken, and then looks at the database."""

    def listen(self, *topics: str) -> AbstractContextManager[asyncio.Event]: ...


class FollowedApp(Protocol):
    """What a reader needs of the server."""

    @property
    def reads(self) -> Reads: ...
    @property
    def wakeups(self) -> Wakeups: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineNow:
    """A pipeline as it stands, with its workflows and their jobs."""

    pipeline: Pipeline
    workflows: tuple[Workflow, ...]
    jobs: tuple[Job, ...]


class Board(Generic[S]):
    """The newest state of a subject, for onlookers to wait at."""

    def __init__(self) -> None:
        self.state: S | None = None
        self.version = 0
        self.over = False
        self._changed = asyncio.Event()

    def show(self, state: S) -> None:
        """Show a state that differs from the one before."""
        self.state = state
        self.version += 1
        self._wake()

    def end(self) -> None:
        """Nothing more will be shown."""
        self.over = True
        self._wake()

    def _wake(self) -> None:
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()

    async def newer(self, than: int, wait_seconds: float) -> bool:
        """Wait until there is a newer state or the end; False if nothing came in time."""
        if self.version > than or self.over:
            return True
        try:
            async with asyncio.timeout(wait_seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True


class Readers(Generic[S]):
    """The readers that run now, by subject."""

    def __init__(self) -> None:
        self._boards: dict[str, tuple[Board[S], asyncio.Task[None]]] = {}
        self._lookers: dict[str, int] = {}

    @asynccontextmanager
    async def look(
        self, subject: str, read: Callable[[Board[S]], Awaitable[None]]
    ) -> AsyncIterator[Board[S]]:
        """Yield the board of a subject, whose reader runs as long as anybody looks on."""
        if subject not in self._boards:
            board: Board[S] = Board()
            task = asyncio.create_task(_run(read, board), name=f"reader of {subject}")
            self._boards[subject] = (board, task)
        board, task = self._boards[subject]
        self._lookers[subject] = self._lookers.get(subject, 0) + 1
        try:
            yield board
        finally:
            self._lookers[subject] -= 1
            if not self._lookers[subject]:
                del self._lookers[subject], self._boards[subject]
                task.cancel()

    def running(self) -> int:
        """Return how many readers there are."""
        return len(self._boards)


async def _run(read: Callable[[Board[S]], Awaitable[None]], board: Board[S]) -> None:
    try:
        await read(board)
    except asyncio.CancelledError:
        raise
    except Exception:
        # Onlookers come back by themselves, to a new reader.
        log.exception("a reader failed", extra={"event": "reader-failed"})
    finally:
        board.end()


async def read_pipeline(
    pipeline_id: PipelineId, project_id: ProjectId, app: FollowedApp, board: Board[PipelineNow]
) -> None:
    """Show a pipeline each time that it, a workflow or a job of it stands differently."""
    with app.wakeups.listen(topic_of_changes(project_id)) as woken:
        while True:
            woken.clear()
            state = await pipeline_now(pipeline_id, app)
            if state is None:
                return
            if state != board.state:
                board.show(state)
            await asyncio.sleep(PAUSE_SECONDS)
            await wait(woken, SLOW_POLL_SECONDS)


async def pipeline_now(pipeline_id: PipelineId, app: FollowedApp) -> PipelineNow | None:
    """Return how a pipeline stands; None if there is none."""
    view = await app.reads.pipeline(pipeline_id)
    if view is None:
        return None
    workflows = await app.reads.workflows(pipeline_id, limit=MOST_WORKFLOWS)
    jobs = [slot.job for it in workflows for slot in await app.reads.slots(it.workflow.id)]
    return PipelineNow(
        pipeline=view.pipeline,
        workflows=tuple(it.workflow for it in workflows),
        jobs=tuple({job.id: job for job in jobs}.values()),
    )


def digest(state: PipelineNow) -> str:
    """Return a short text that stands for how a pipeline stands."""
    parts = [state.pipeline.state.value, str(state.pipeline.updated_at)]
    parts += [f"{it.id}{it.status}{it.stopped_at}" for it in state.workflows]
    parts += [f"{it.id}{it.status}{it.started_at}{it.stopped_at}" for it in state.jobs]
    return blake2b("\n".join(parts).encode(), digest_size=9).hexdigest()


async def wait(woken: asyncio.Event, seconds: float) -> bool:
    """Wait for a wake-up; False if none came in time."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
