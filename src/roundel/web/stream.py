"""Server-sent events: what changes while somebody looks on.

An event's id is the onlooker's position; a browser that comes back with its last one is told
what it has missed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
from starlette.responses import StreamingResponse

from roundel.domain.ids import ExecutionId, ProjectId
from roundel.domain.pipelines import Pipeline
from roundel.domain.watching import topic_of_changes
from roundel.services import live_output
from roundel.services.following import PipelineNow, Readers, digest, read_pipeline, wait
from roundel.services.live_output import Frame, Moved, Skipped, Tape, Written
from roundel.web.ports import WebApp

GATHER_SECONDS = 0.3  # changes of a list within this time are told at once
RETRY = b"retry: 1000\n\n"
HEARTBEAT = b": still here\n\n"
GOING = b"event: bye\ndata: {}\n\n"  # nothing more will come: do not come back

StillMay: TypeAlias = Callable[[], Awaitable[bool]]
_encode = msgspec.json.encode


def event(name: str, data: object, id_: str | None = None) -> bytes:
    """Return one event; its data is JSON on one line, so that nothing in it can end the event."""
    head = b"" if id_ is None else b"id: %s\n" % id_.encode()
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), _encode(data))


def stream_response(frames: AsyncIterator[bytes]) -> StreamingResponse:
    """Return a stream that no proxy keeps back."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)


class Streams:
    """What is told to browsers; one for the whole application, so that readers are shared."""

    def __init__(self, app: WebApp, heartbeat_seconds: float) -> None:
        self._app = app
        self._heartbeat = heartbeat_seconds
        self._pipelines: Readers[PipelineNow] = Readers()
        self._outputs: Readers[Tape] = Readers()

    async def changes(self, projects: Sequence[ProjectId], may: StillMay) -> AsyncIterator[bytes]:
        """Yield a hint whenever something of the projects stands differently."""
        yield RETRY
        topics = [topic_of_changes(project) for project in projects]
        with self._app.wakeups.listen(*topics) as woken:
            while True:
                if await wait(woken, self._heartbeat):
                    await asyncio.sleep(GATHER_SECONDS)
                    woken.clear()
                    yield event("change", {})
                elif await may():
                    yield HEARTBEAT
                else:
                    return

    async def pipeline(
        self, pipeline: Pipeline, last_id: str, may: StillMay
    ) -> AsyncIterator[bytes]:
        """Yield a hint whenever a pipeline stands differently from what the browser has."""
        yield RETRY
        seen, had = 0, last_id
        async with self._pipelines.look(
            pipeline.id,
            lambda board: read_pipeline(pipeline.id, pipeline.project_id, self._app, board),
        ) as board:
            while True:
                if await board.newer(seen, self._heartbeat):
                    if board.over or board.state is None:
                        return
                    seen = board.version
                    standing = digest(board.state)
                    if standing != had:
                        had = standing
                        yield event("change", {}, standing)
                elif await may():
                    yield HEARTBEAT
                else:
                    return

    async def output(
        self, execution: ExecutionId, last_id: str, may: StillMay
    ) -> AsyncIterator[bytes]:
        """Yield what a node writes from the browser's position on, until the node has ended."""
        yield RETRY
        position = last_id
        async with self._outputs.look(
            execution, lambda board: live_output.read_output(execution, self._app, board)
        ) as board:
            cursor = -1
            while True:
                tape = board.state
                if tape is not None and cursor < tape.first:
                    theirs = live_output.read_position(position) or {0: 0}
                    cursor, at = tape.next, tape.position
                    steps, offsets = tuple(tape.steps.values()), dict(tape.offsets)
                    async for told in live_output.catch_up(
                        execution, self._app, theirs, steps, offsets
                    ):
                        yield _told(told, None)
                    position = at
                    yield event("caught-up", {}, at)
                    continue
                if tape is not None and cursor < tape.next:
                    frame = tape.frames[cursor - tape.first]
                    cursor, position = cursor + 1, frame.position
                    yield _frame(frame)
                    continue
                if board.over:
                    yield GOING
                    return
                if not await board.newer(board.version, self._heartbeat):
                    if not await may():
                        return
                    yield HEARTBEAT


def _frame(frame: Frame) -> bytes:
    if not frame.wire:
        frame.wire = _told(frame.told, frame.position)
    return frame.wire


def _told(told: Written | Skipped | Moved, position: str | None) -> bytes:
    match told:
        case Written():
            data: object = {
                "step": told.step,
                "from": told.start,
                "to": told.end,
                "text": told.text,
            }
            return event("output", data, position)
        case Skipped():
            return event("gap", {"step": told.step, "from": told.start, "to": told.end}, position)
        case Moved(step=step):
            data = {
                "step": step.index,
                "name": step.name,
                "status": step.status.value,
                "started_at": step.started_at,
                "ended_at": step.ended_at,
                "exit_code": step.exit_code,
                "message": step.message,
            }
            return event("step", data, position)
