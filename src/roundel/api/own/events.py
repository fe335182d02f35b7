"""What happens in a pipeline, as server-sent events."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias

import msgspec
from starlette.responses import Response, StreamingResponse

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.common import Time, Uuid, millis, millis_or_none
from roundel.api.subjects import PIPELINE
from roundel.domain.access import Need
from roundel.domain.flows import WORKFLOW_ENDED
from roundel.domain.jobs import Job
from roundel.domain.pipelines import PipelineState
from roundel.domain.views import PipelineView
from roundel.domain.workflows import Workflow
from roundel.services.following import Board, PipelineNow, digest, read_pipeline

HEARTBEAT_SECONDS = 15.0
_DONE = frozenset({PipelineState.CREATED, PipelineState.ERRORED})
_encode = msgspec.json.encode
Told: TypeAlias = dict[str, bytes]  # what was told of each thing, by its id


class PipelineEvent(msgspec.Struct):
    id: Uuid
    number: int
    state: str
    updated_at: Time


class WorkflowEvent(msgspec.Struct):
    id: Uuid
    pipeline_id: Uuid
    name: str
    status: str
    created_at: Time
    stopped_at: Time | None


class JobEvent(msgspec.Struct):
    id: Uuid
    workflow_id: Uuid
    name: str
    type: str
    status: str
    job_number: int | None
    started_at: Time | None
    stopped_at: Time | None


async def events(call: Call[PipelineView, None]) -> Response:
    """Everything as it stands, then each change, until all of the pipeline has ended.

    Who comes back with the last id is told nothing anew if nothing changed.
    """
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(call), media_type="text/event-stream", headers=headers)


async def _events(call: Call[PipelineView, None]) -> AsyncIterator[bytes]:
    pipeline, app, last = call.subject.pipeline, call.app, call.last_event_id

    async def read(board: Board[PipelineNow]) -> None:
        await read_pipeline(pipeline.id, pipeline.project_id, app, board)

    told: Told = {}
    seen = 0
    async with call.door.pipelines.look(pipeline.id, read) as board:
        while not board.over:
            if not await board.newer(seen, HEARTBEAT_SECONDS):
                yield b": still here\n\n"
                continue
            if board.state is None:
                continue
            seen, state = board.version, board.state
            standing = digest(state)
            changed = list(_changed(state, told))
            if standing != last:
                for name, data in changed:
                    yield b"id: %s\nevent: %s\ndata: %s\n\n" % (standing.encode(), name, data)
            last = ""
            if _is_over(state):
                return


def _changed(state: PipelineNow, told: Told) -> Iterator[tuple[bytes, bytes]]:
    """Yield what stands differently from what was told; remember it as told."""
    things: list[tuple[bytes, str, Any]] = [(b"pipeline", state.pipeline.id, _pipeline(state))]
    things += [(b"workflow", it.id, _workflow(it)) for it in state.workflows]
    things += [(b"job", it.id, _job(it)) for it in state.jobs]
    for name, id_, thing in things:
        data = _encode(thing)
        if told.get(id_) != data:
            told[id_] = data
            yield name, data


def _is_over(state: PipelineNow) -> bool:
    ended = all(it.status in WORKFLOW_ENDED for it in state.workflows)
    return state.pipeline.state in _DONE and ended


def _pipeline(state: PipelineNow) -> PipelineEvent:
    it = state.pipeline
    return PipelineEvent(it.id, it.number, it.state.value, millis(it.updated_at))


def _workflow(it: Workflow) -> WorkflowEvent:
    return WorkflowEvent(
        it.id,
        it.pipeline_id,
        it.name,
        it.status.value,
        millis(it.created_at),
        millis_or_none(it.stopped_at),
    )


def _job(it: Job) -> JobEvent:
    return JobEvent(
        it.id,
        it.workflow_id,
        it.name,
        it.type.value,
        it.status.value,
        it.number,
        millis_or_none(it.started_at),
        millis_or_none(it.stopped_at),
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/pipeline/{pipeline-id}/events",
        id="followPipeline",
        summary="Follow a pipeline's workflows and jobs as server-sent events, until its end",
        tag="Pipeline",
        need=Need.READ,
        subject=PIPELINE,
        handler=events,
        media_type="text/event-stream",
        extension=True,
    ),
]
