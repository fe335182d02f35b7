"""The compiler on request, in the envelopes of API v3."""

from typing import Any, Literal

import msgspec

from roundel.api.operations import V3, AnyOperation, Call, Operation
from roundel.api.ports import ConfigText
from roundel.api.v2.documents import owner_for
from roundel.domain.access import Need
from roundel.domain.limits import LimitClass


class Asked(msgspec.Struct):
    config: str
    pipeline_parameters: dict[str, Any] | None = None
    pipeline_values: dict[str, Any] | None = None


class Reference(msgspec.Struct):
    id: str | None = None


class References(msgspec.Struct):
    org: Reference | None = None


class AskedData(msgspec.Struct):
    attributes: Asked
    references: References | None = None


class CompileBody(msgspec.Struct):
    data: AskedData


class Outcome(msgspec.Struct):
    phase: Literal["ended"]
    outcome: Literal["succeeded", "failed"]
    compiled_config: str


class OutcomeData(msgspec.Struct):
    attributes: Outcome


class ProblemTitle(msgspec.Struct):
    title: str


class Meta(msgspec.Struct):
    messages: list[ProblemTitle]


class Compiled(msgspec.Struct):
    data: OutcomeData
    meta: Meta


async def compile_config(call: Call[None, CompileBody]) -> Compiled:
    asked = call.body.data.attributes
    references = call.body.data.references or References()
    checked = await call.door.use_cases.compile_config(
        ConfigText(
            source=asked.config,
            parameters=asked.pipeline_parameters or {},
            values=asked.pipeline_values or {},
            owner=owner_for(call, (references.org or Reference()).id),
        )
    )
    outcome = Outcome("ended", "failed" if checked.errors else "succeeded", checked.output)
    return Compiled(
        OutcomeData(outcome), Meta([ProblemTitle(message) for message in checked.errors])
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path="/configs/compile",
        id="compileConfigV3",
        only_tries=True,
        summary="Compile a config",
        tag="Config",
        need=Need.NOTHING,  # command-line clients validate configs before they have a token
        handler=compile_config,
        limit=LimitClass.COMPILE,
        prefix=V3,
        body=CompileBody,
        answer=Compiled,
    ),
]
