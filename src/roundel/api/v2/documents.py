"""The live document of the API, and the compiler on request."""

from typing import Any

import msgspec
from starlette.responses import Response

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.ports import ConfigText
from roundel.domain.access import Need
from roundel.domain.ids import OrganizationId, is_uuid
from roundel.domain.limits import LimitClass
from roundel.domain.plan import Json


class Options(msgspec.Struct):
    owner_id: str | None = None
    pipeline_parameters: dict[str, Any] | None = None
    pipeline_values: dict[str, Any] | None = None


class CompileBody(msgspec.Struct):
    config_yaml: str
    options: Options | None = None


class CompileError(msgspec.Struct):
    message: str


class Compiled(msgspec.Struct, rename="kebab"):
    """An invalid config is a good answer: 200, with what is wrong in `errors`."""

    valid: bool
    source_yaml: str
    output_yaml: str
    errors: list[CompileError]


async def document_json(call: Call[Any, None]) -> Response:
    return Response(call.door.document.as_json(), media_type="application/json")


async def document_yaml(call: Call[Any, None]) -> Response:
    return Response(call.door.document.as_yaml(), media_type="application/yaml")


def owner_for(call: Call[Any, Any], text: str | None) -> OrganizationId | None:
    """Return the organisation for which a caller compiles, if he may read it."""
    if text is None or not is_uuid(text) or call.caller is None:
        return None
    owner = OrganizationId(text.lower())
    return owner if call.caller.may(Need.READ, owner) else None


async def compile_config(call: Call[Any, CompileBody]) -> Compiled:
    options = call.body.options or Options()
    values: dict[str, Json] = options.pipeline_values or {}
    checked = await call.door.use_cases.compile_config(
        ConfigText(
            source=call.body.config_yaml,
            parameters=options.pipeline_parameters or {},
            values=values,
            owner=owner_for(call, options.owner_id),
        )
    )
    return Compiled(
        not checked.errors,
        call.body.config_yaml,
        checked.output,
        [CompileError(message) for message in checked.errors],
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/openapi.json",
        id="getDocument",
        summary="This document",
        tag="Document",
        need=Need.NOTHING,
        handler=document_json,
        hidden=True,
    ),
    Operation(
        method="GET",
        path="/openapi.yml",
        id="getDocumentYaml",
        summary="This document as YAML",
        tag="Document",
        need=Need.NOTHING,
        handler=document_yaml,
        hidden=True,
    ),
    Operation(
        method="POST",
        path="/compile-config-with-defaults",
        id="compileConfig",
        only_tries=True,
        summary="Compile a config",
        tag="Config",
        need=Need.NOTHING,  # command-line clients validate configs before they have a token
        handler=compile_config,
        limit=LimitClass.COMPILE,
        body=CompileBody,
        answer=Compiled,
        extension=True,
    ),
]
