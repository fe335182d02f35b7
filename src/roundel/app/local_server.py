"""The runner's server of a local run: the use cases as ever, and an audience that hears along."""

import asyncio
import codecs
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import field

from roundel.app.local_events import (
    Audience,
    JobBegan,
    JobEnded,
    OutputLine,
    Progress,
    StepTold,
    Task,
)
from roundel.domain.clock import Clock
from roundel.domain.ids import ExecutionId
from roundel.domain.keeping import object_name
from roundel.domain.records import dataclass
from roundel.domain.runners import (
    Chunk,
    JobOrder,
    Lease,
    Offer,
    Orders,
    Result,
    Shipment,
    StepReport,
    StepStatus,
)
from roundel.domain.storage import BlobId, StoredBlob
from roundel.services.runners import LocalServer
from roundel.services.work import App

LONGEST_LINE = 65_536  # characters; a longer one is shown in pieces

TOLD_EVERY_BYTES = 8_000_000  # of an archive that is stored or fetched

Change = Callable[[JobOrder], JobOrder]


@dataclass(slots=True)
class _Stream:
    """A step's output, cut into lines."""

    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )
    rest: str = ""
    next: int = 0

    def lines(self, data: bytes, *, final: bool = False) -> list[str]:
        text = self.rest + self.decoder.decode(data, final)
        # A carriage return alone draws a line anew: only what it ends with is kept.
        *whole, rest = text.split("\n")
        if rest and (final or len(rest) > LONGEST_LINE):
            whole.append(rest)
            rest = ""
        self.rest = rest
        return [line.rstrip("\r").rpartition("\r")[2] for line in whole]


class _InOrder:
    """Passes on what happens in one task so that each step's output stands below its name.

    A step may begin before the last output of the one before it has arrived; what it says waits
    until that has ended.  Background steps keep nobody waiting.
    """

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._open: int | None = None
        self._background: set[int] = set()
        self._waiting: list[StepTold | OutputLine] = []

    def hear(self, event: StepTold | OutputLine) -> None:
        """Pass an event on now, or when its turn has come."""
        if not self._passes(event):
            self._waiting.append(event)

    def flush(self) -> None:
        """Pass on what still waits: the task has ended."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            self._audience.hear(event)

    def _passes(self, event: StepTold | OutputLine) -> bool:
        step = event.step if isinstance(event, OutputLine) else event.report.index
        if isinstance(event, StepTold) and event.report.background:
            self._background.add(step)
        if step not in self._background and self._open not in (None, step):
            return False
        self._audience.hear(event)
        if step in self._background:
            return True
        ends = isinstance(event, StepTold) and event.report.status is not StepStatus.RUNNING
        self._open = None if ends else step
        if ends and self._waiting:
            waiting, self._waiting = self._waiting, []
            for other in waiting:
                self.hear(other)
        return True


class TellingServer(LocalServer):
    """Implements `domain.storage.KeepingServer`; what it is told, the audience hears.

    `change` is made to each order before the runner has it.  `ended` is set at each end of a job.
    """

    def __init__(self, app: App, audience: Audience, change: Change, clock: Clock) -> None:
        super().__init__(app)
        self._audience = audience
        self._change = change
        self._clock = clock
        self._tasks: dict[ExecutionId, Task] = {}
        self._orderly: dict[ExecutionId, _InOrder] = {}
        self._streams: dict[tuple[ExecutionId, int], _Stream] = {}
        self.ended = asyncio.Event()

    async def claim(self, offer: Offer) -> JobOrder | None:
        """Return a job, or None when there was none within `offer.wait_seconds`."""
        order = await super().claim(offer)
        if order is None:
            return None
        task = _task(order)
        self._tasks[task.execution] = task
        self._orderly[task.execution] = _InOrder(self._audience)
        self._audience.hear(JobBegan(task=task, at=self._clock.now()))
        return self._change(order)

    def pulling(self, execution: ExecutionId, image: str, done: int, total: int | None) -> None:
        """Tell how far the image of a job is."""
        task = self._tasks.get(execution)
        if task is not None:
            self._audience.hear(
                Progress(task=task, text=f"Pulling {image}", done=done, total=total)
            )

    async def upload(self, lease: Lease, data: AsyncIterator[bytes]) -> StoredBlob:
        """Store a stream, and tell how far it is."""
        passing = self._passing(lease, data, "Uploading")  # packed as it goes: nobody knows its end
        return await super().upload(lease, passing)

    async def download(self, lease: Lease, blob: BlobId, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield a blob's bytes, and tell how far it is."""
        total = await self._app.blobs.size(object_name(blob))
        pieces = super().download(lease, blob, offset)
        async for piece in self._passing(lease, pieces, "Downloading", offset, total):
            yield piece

    async def _passing(
        self,
        lease: Lease,
        pieces: AsyncIterator[bytes],
        text: str,
        done: int = 0,
        total: int | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield what passes; of small archives nothing is told."""
        task = self._tasks.get(lease.execution_id)
        told = done
        async for piece in pieces:
            yield piece
            done += len(piece)
            if task is not None and done - told >= TOLD_EVERY_BYTES:
                told = done
                self._audience.hear(Progress(task=task, text=text, done=done, total=total))

    async def ship(self, lease: Lease, shipment: Shipment) -> Orders:
        """Report what began, hand over output, then report what ended; it is durable then."""
        orders = await super().ship(lease, shipment)
        self._hear_shipment(lease, shipment)
        return orders

    async def finish(self, lease: Lease, result: Result) -> None:
        """End the execution; the lease is gone afterwards."""
        await super().finish(lease, result)
        self._hear_end(lease, result)

    async def end(self, lease: Lease, shipment: Shipment, result: Result) -> None:
        """Take the last shipment and end the execution, both or neither."""
        await super().end(lease, shipment, result)
        self._hear_shipment(lease, shipment)
        self._hear_end(lease, result)

    def _hear_shipment(self, lease: Lease, shipment: Shipment) -> None:
        task = self._tasks.get(lease.execution_id)
        if task is not None:
            self._hear_steps(task, shipment.begun)
            for chunk in shipment.chunks:
                self._hear_chunk(task, chunk)
            self._hear_steps(task, shipment.ended)

    def _hear_end(self, lease: Lease, result: Result) -> None:
        task = self._tasks.pop(lease.execution_id, None)
        if task is not None:
            for execution, step in list(self._streams):
                if execution == task.execution:
                    self._drain(task, step)
            self._orderly.pop(task.execution).flush()
            self._audience.hear(
                JobEnded(
                    task=task,
                    status=result.status.value,
                    message=result.message,
                    at=self._clock.now(),
                )
            )
        self.ended.set()

    def _hear_steps(self, task: Task, steps: Sequence[StepReport]) -> None:
        for report in steps:
            if report.status is not StepStatus.RUNNING:
                self._drain(task, report.index)
            self._orderly[task.execution].hear(StepTold(task=task, report=report))

    def _hear_chunk(self, task: Task, chunk: Chunk) -> None:
        stream = self._streams.setdefault((task.execution, chunk.step), _Stream())
        if chunk.number < stream.next:
            return  # said twice
        stream.next = chunk.number + 1
        self._tell(task, chunk.step, stream.lines(chunk.data))

    def _drain(self, task: Task, step: int) -> None:
        stream = self._streams.pop((task.execution, step), None)
        if stream is not None:
            self._tell(task, step, stream.lines(b"", final=True))

    def _tell(self, task: Task, step: int, lines: Sequence[str]) -> None:
        for text in lines:
            self._orderly[task.execution].hear(OutputLine(task=task, step=step, text=text))


def _task(order: JobOrder) -> Task:
    label = order.job_name if order.nodes == 1 else f"{order.job_name}[{order.node}]"
    return Task(
        execution=order.lease.execution_id,
        job=order.job_id,
        name=order.job_name,
        label=label,
        number=order.job_number,
        node=order.node,
    )
