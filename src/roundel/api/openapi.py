"""Writes the OpenAPI 3.0.3 document of the v2 operations from their table."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from roundel import __version__
from roundel.api.examples import example_of
from roundel.api.operations import V2, AnyOperation, Query
from roundel.api.routing import names_in
from roundel.api.schemas.common import Message
from roundel.domain.access import Need

_REF = "#/components/schemas/{name}"
_PARAMETER_NOTES = {
    "project-slug": "vcs/organization/project, its slashes escaped or not, or the project's UUID.",
}


def write_document(table: Sequence[AnyOperation], public_url: str | None) -> dict[str, Any]:
    """Return the document; its paths are relative to the server entry, which ends in /api/v2."""
    shown = [it for it in table if it.prefix == V2 and not it.hidden]
    types = [Message, *(t for it in shown for t in (it.body, it.answer) if t is not None)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(map(str, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        entry = _operation(operation, by_type)
        paths.setdefault(operation.path, {})[operation.method.lower()] = entry
    document = {
        "openapi": "3.0.3",
        "info": {
            "title": "Roundel API",
            "version": "v2",
            "description": f"Roundel {__version__}, speaking CircleCI's API v2.",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": f"{public_url or ''}{V2}"}],
        "security": [{"api_key_header": []}, {"basic_auth": []}, {"bearer": []}],
        "tags": [{"name": name} for name in sorted({it.tag for it in shown})],
        "paths": paths,
        "components": {
            "securitySchemes": _SCHEMES,
            "schemas": components,
        },
    }
    written: dict[str, Any] = _as_3_0(document)
    _give_examples(written)
    return written


def _give_examples(document: dict[str, Any]) -> None:
    """Put an example beside the schema of each JSON body that is sent or answered."""
    components = document["components"]["schemas"]
    for entry in (it for path in document["paths"].values() for it in path.values()):
        parts = [it for status, it in entry["responses"].items() if status != "default"]
        parts += [entry["requestBody"]] if "requestBody" in entry else []
        for part in parts:
            content = part["content"].get("application/json")
            if content is not None:
                content["example"] = example_of(content["schema"], components)


_SCHEMES = {
    "api_key_header": {"type": "apiKey", "in": "header", "name": "Circle-Token"},
    "basic_auth": {
        "type": "http",
        "scheme": "basic",
        "description": "The token as the user name, without a password.",
    },
    "bearer": {"type": "http", "scheme": "bearer"},
}


def _operation(operation: AnyOperation, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    error = {"description": "Refused.", "content": _json(schema_of[str(Message)])}
    good = {"description": "Done.", "content": _content(operation, schema_of)}
    entry: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [
            *(_path_parameter(name) for name in names_in(operation.path)),
            *(_query_parameter(query) for query in operation.query),
        ],
        "responses": {str(operation.status): good, "default": error},
    }
    if operation.body is not None:
        content = _json(schema_of[str(operation.body)])
        entry["requestBody"] = {"content": content, "required": not operation.body_optional}
    if operation.need is Need.NOTHING:
        entry["security"] = []
    if operation.deprecated:
        entry["deprecated"] = True
    if operation.extension:
        entry["x-roundel"] = True
    return entry


def _content(operation: AnyOperation, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    if operation.media_type is not None:
        return {operation.media_type: {"schema": {"type": "string"}}}
    return _json(schema_of[str(operation.answer)])


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _path_parameter(name: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "in": "path", "required": True}
    if name in _PARAMETER_NOTES:
        entry["description"] = _PARAMETER_NOTES[name]
    entry["schema"] = _path_schema(name)
    return entry


def _path_schema(name: str) -> dict[str, str]:
    if name.endswith("-number"):
        return {"type": "integer"}
    if name.endswith("id"):
        return {"type": "string", "format": "uuid"}
    return {"type": "string"}


def _query_parameter(query: Query) -> dict[str, Any]:
    kind = {bool: "boolean", int: "integer"}.get(query.type, "string")
    schema = {"type": kind}
    return {"name": query.name, "in": "query", "description": query.summary, "schema": schema}


def _as_3_0(node: Any) -> Any:
    """Return JSON Schema 2020-12, which msgspec writes, in the words of OpenAPI 3.0."""
    if isinstance(node, list):
        return [_as_3_0(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _as_3_0(value) for key, value in node.items()}
    if node.get("required") == []:
        del node["required"]
    if isinstance(node.get("anyOf"), list) and {"type": "null"} in node["anyOf"]:
        return _nullable(node)
    return node


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in node.pop("anyOf") if choice != {"type": "null"}]
    if len(choices) > 1:
        return {**node, "anyOf": choices, "nullable": True}
    [only] = choices
    if "$ref" in only:  # keys beside $ref are ignored in 3.0
        return {**node, "allOf": [only], "nullable": True}
    return {**only, **node, "nullable": True}
