"""Shipping: raw bytes -> masker -> numbered chunks, with the reports of the steps, in few calls."""

import asyncio
from collections import deque
from dataclasses import replace

from roundel.domain.clock import Clock, Micros
from roundel.domain.records import dataclass
from roundel.domain.runners import Chunk, Shipment, StepReport, StepStatus
from roundel.runner.lease import NOTHING, HeldLease
from roundel.vault.masking import Forms, Masker, masked_text

CHUNK_BYTES = 64 * 1024
SPACING_SECONDS = 0.2  # between two calls with output; a step's first output goes at once
BEGIN_SECONDS = 0.004  # after a step's begin: its first output, or its end
FOLLOWING_SECONDS = 0.02  # after a step's end: the next one begins, or the job ends as well
FULL_BYTES = 8 * 1024 * 1024  # not yet delivered; then the reader of the output waits
CALL_BYTES = 2 * 1024 * 1024  # of output in one call


@dataclass(slots=True)
class _Piece:
    data: bytes
    source_end: int
    at: Micros


class StepStream:
    """The masked output of one step on its way.  It is the `Output` that a sandbox writes to."""

    def __init__(self, shipper: "Shipper", step: int, number: int, source_end: int) -> None:
        self.step = step
        self.source_end = source_end
        self.pieces: deque[_Piece] = deque()
        self.closing: StepReport | None = None
        self._fed = source_end  # how much of the raw output has come in
        self._number = number
        self._shipper = shipper
        self._masker = Masker(shipper.forms)

    async def __call__(self, data: bytes, source_end: int) -> None:
        """Take the step's next bytes; returns when there is room for more."""
        self._fed = source_end
        first = source_end - len(data)
        for at in range(0, len(data), CHUNK_BYTES):
            part = data[at : at + CHUNK_BYTES]
            end = min(first + at + len(part), source_end)
            self._put(self._masker.feed(part), end - self._masker.held)
        await self._shipper.room()

    @property
    def unsent(self) -> bool:
        """Tell whether nothing of the output has been handed over."""
        return self._number == 0

    def say(self, text: str) -> None:
        """Add a text of ours after what the step wrote."""
        self._put(self._masker.flush(), self._fed)
        self._put(masked_text(self._shipper.forms, text).encode(), self._fed)

    def end(self, report: StepReport) -> None:
        """Let out what the masker still holds, and then tell of the step's end."""
        self._put(self._masker.flush(), self._fed)
        self.closing = self._shipper.masked(report)
        self._shipper.wake()

    def take(self, limit: int) -> list[Chunk]:
        """Return the next chunks, at most about `limit` bytes."""
        chunks: list[Chunk] = []
        while self.pieces and limit > 0:
            first = self.pieces.popleft()
            parts, size, last = [first.data], len(first.data), first
            while self.pieces and size + len(self.pieces[0].data) <= CHUNK_BYTES:
                last = self.pieces.popleft()
                parts.append(last.data)
                size += len(last.data)
            data = b"".join(parts)
            chunks.append(
                Chunk(
                    step=self.step,
                    number=self._number,
                    data=data,
                    source_end=last.source_end,
                    at=first.at,
                )
            )
            self._number += 1
            limit -= size
        return chunks

    def _put(self, data: bytes, source_end: int) -> None:
        if data:
            self.source_end = max(source_end, self.source_end)
            self._shipper.piece(self, _Piece(data, self.source_end, self._shipper.now()))


class Shipper:
    """Everything of one job that goes to the server, in an order that makes sense there.

    A step's beginning is told before its output and its end after it.  One call is under way at a
    time; what gathers meanwhile goes with the next.
    """

    def __init__(self, held: HeldLease, forms: Forms, clock: Clock) -> None:
        self.forms = forms
        self._held = held
        self._clock = clock
        self._reports: list[StepReport] = []
        self._streams: dict[int, StepStream] = {}
        self._pending = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._ending = False  # what gathers from now on goes with the end
        self._free = asyncio.Event()  # no call is under way
        self._free.set()

    def now(self) -> Micros:
        """Return the time."""
        return self._clock.now()

    def masked(self, report: StepReport) -> StepReport:
        """Return the report without secrets in its texts."""
        forms = self.forms
        return replace(
            report,
            name=masked_text(forms, report.name),
            command=report.command and masked_text(forms, report.command),
            message=report.message and masked_text(forms, report.message),
        )

    def begin(self, report: StepReport, *, next_chunk: int = 0, source_end: int = 0) -> StepStream:
        """Tell that a step runs, and return where its output goes."""
        self._reports.append(self.masked(report))
        stream = StepStream(self, report.index, next_chunk, source_end)
        self._streams[report.index] = stream
        self.wake()
        return stream

    def piece(self, stream: StepStream, piece: _Piece) -> None:
        """Queue a piece of output."""
        stream.pieces.append(piece)
        self._pending += len(piece.data)
        if self._pending > FULL_BYTES:
            self._room.clear()
        self.wake()

    async def room(self) -> None:
        """Return when more output can be taken."""
        await self._room.wait()

    def wake(self) -> None:
        """Something is to be sent."""
        self._idle.clear()
        self._changed.set()

    async def rest(self) -> Shipment:
        """Return what the server does not have yet and will not get from here any more.

        Nothing may be told afterwards.  More output than one call takes is sent first.
        """
        if self._pending > CALL_BYTES and not self._ending:
            await self._idle.wait()
        self._ending = True
        self._changed.set()
        await self._free.wait()
        return self._gathered(FULL_BYTES)

    def give_up(self) -> None:
        """Nothing can be sent any more: let go of everyone who waits."""
        self._room.set()
        self._idle.set()
        self._free.set()

    async def run(self) -> None:
        """Send until only the rest is left.  Raise LeaseLost when the lease is lost."""
        loop = asyncio.get_running_loop()
        last_output = 0.0
        while True:
            await self._changed.wait()
            await self._gather(last_output + SPACING_SECONDS)
            if self._ending:
                return
            self._changed.clear()
            output = self._pending > 0
            await self._send()
            if output:
                last_output = loop.time()
            if not self._changed.is_set() and not self._unsent():
                self._idle.set()

    async def _gather(self, until: float) -> None:
        """Wait for what goes with the same call.

        Output waits for more until then, and a step's begin or end for what follows it.
        """
        now = asyncio.get_running_loop().time
        if self._reports or self._ends():
            until = now() + self._patience()
        while not self._urgent() and now() < until:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._changed.wait()
            except TimeoutError:
                return
            until = min(until, now() + self._patience())

    def _urgent(self) -> bool:
        return self._ending or self._pending >= CHUNK_BYTES or self._speaks_first()

    def _speaks_first(self) -> bool:
        streams = self._streams.values()
        return any(it.pieces and it.unsent and it.closing is None for it in streams)

    def _patience(self) -> float:
        """Return for how many seconds what is there may wait for more."""
        if any(self._streams[report.index].closing is None for report in self._reports):
            return BEGIN_SECONDS
        return FOLLOWING_SECONDS if self._ends() else SPACING_SECONDS

    def _ends(self) -> bool:
        return any(stream.closing for stream in self._streams.values())

    def _unsent(self) -> bool:
        return bool(self._reports or self._pending or self._ends())

    async def _send(self) -> None:
        shipment = self._gathered(CALL_BYTES)
        if shipment == NOTHING:
            return
        self._free.clear()
        await self._held.ship(shipment)
        self._free.set()
        self._pending -= sum(len(chunk.data) for chunk in shipment.chunks)
        if self._pending <= FULL_BYTES:
            self._room.set()
        if self._unsent():
            self._changed.set()

    def _gathered(self, room: int) -> Shipment:
        """Return what is to be sent with the next call, about `room` bytes, and keep none of it.

        A step that begins during the call is told of with the one after it.
        """
        begun, self._reports = self._reports, []
        chunks: list[Chunk] = []
        ended: list[StepReport] = []
        for index, stream in list(self._streams.items()):
            taken = stream.take(room)
            chunks += taken
            room -= sum(len(chunk.data) for chunk in taken)
            if stream.closing is not None and not stream.pieces:
                ended.append(stream.closing)
                del self._streams[index]
        return Shipment(begun=tuple(begun), chunks=tuple(chunks), ended=tuple(ended))


def ended(
    report: StepReport,
    status: StepStatus,
    at: Micros,
    *,
    exit_code: int | None = None,
    message: str | None = None,
) -> StepReport:
    """Return the report of a running step's end."""
    return replace(report, status=status, ended_at=at, exit_code=exit_code, message=message)
