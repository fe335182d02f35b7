"""Step output: signed for readers of v1.1, and raw by number or by offset."""

from typing import Any

from starlette.responses import Response

from roundel.api import signing
from roundel.api.binding import HIGHEST_NUMBER, flag, number_of, whole_number
from roundel.api.operations import OWN, AnyOperation, Call, Operation, Query
from roundel.api.outputs import entries_response, path_of, text_response
from roundel.api.subjects import EXECUTION, JOB
from roundel.domain.access import Need
from roundel.domain.errors import NotFound
from roundel.domain.ids import ExecutionId, is_uuid
from roundel.domain.views import JobView

MOST_STEPS = 10_000  # no execution has as many


async def signed(call: Call[Any, None]) -> Response:
    """Anyone with the signed address may read: log readers send no token there."""
    step = _step(call.path["step"])
    execution = call.path["execution-id"].lower()
    if not is_uuid(execution):
        raise NotFound("Output not found")
    signing.check(
        call.door.settings.signing_key,
        path_of(execution, step),
        call.query.get("expires", ""),
        call.query.get("signature", ""),
        call.app.clock.now(),
    )
    return entries_response(call.app.logs, ExecutionId(execution), step)


async def raw(call: Call[ExecutionId, None]) -> Response:
    step = _step(call.path["step"])
    offset = whole_number(call.query, "offset", 0, HIGHEST_NUMBER)
    follow = flag(call.query, "follow")
    return text_response(call.app.logs, call.subject, step, offset=offset, follow=follow)


async def raw_of_job(call: Call[JobView, None]) -> Response:
    step = _step(call.path["step"])
    index = number_of(call.path["index"])
    for node in call.subject.nodes:
        if node.node == index and any(report.index == step for report, _ in node.steps):
            return text_response(call.app.logs, node.execution_id, step)
    raise NotFound("Output not found")


async def raw_errors_of_job(call: Call[JobView, None]) -> Response:
    """Both streams of a step arrive as one, so nothing is left for this one."""
    await raw_of_job(call)
    return Response("", media_type="text/plain; charset=utf-8")


def _step(text: str) -> int:
    number = number_of(text)
    if number is None or number >= MOST_STEPS:
        raise NotFound("Output not found")
    return number


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/output/{execution-id}/{step}",
        id="readSignedOutput",
        summary="Read a step's output by a signed address",
        tag="Roundel",
        need=Need.NOTHING,  # the signature is the right
        handler=signed,
        prefix=OWN,
        query=(
            Query(name="expires", summary="When the address ends to be valid."),
            Query(name="signature", summary="What shows that we gave it out."),
        ),
        extension=True,
    ),
    Operation(
        method="GET",
        path="/job/{execution-id}/step/{step}/output",
        id="readOutput",
        summary="Read a step's output as bytes from an offset on, and follow it",
        tag="Roundel",
        need=Need.READ,
        subject=EXECUTION,
        handler=raw,
        prefix=OWN,
        query=(
            Query(name="offset", summary="The first byte.", type=int),
            Query(name="follow", summary="Go on until the step has ended.", type=bool),
        ),
        extension=True,
    ),
    Operation(
        method="GET",
        path="/output/raw/{project-slug}/{job-number}/output/{index}/{step}",
        id="readRawOutput",
        summary="Read a step's output",
        tag="Output",
        need=Need.READ,
        subject=JOB,
        handler=raw_of_job,
        prefix="/api/private",
    ),
    Operation(
        method="GET",
        path="/output/raw/{project-slug}/{job-number}/error/{index}/{step}",
        id="readRawErrors",
        summary="Read a step's error output",
        tag="Output",
        need=Need.READ,
        subject=JOB,
        handler=raw_errors_of_job,
        prefix="/api/private",
    ),
]
