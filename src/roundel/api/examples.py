"""Examples for the live document, put together from the schemas of what is sent and answered."""

from collections.abc import Mapping
from typing import Any

_REF = "#/components/schemas/"
_DEEPEST = 6  # what refers to itself ends here
_TEXTS = {
    "uuid": "5034460f-c7c4-4c43-9457-de07e2029e7b",
    "date-time": "2026-01-31T09:30:00.000Z",
    "date": "2026-01-31",
    "uri": "https://example.com/",
    "byte": "aGVsbG8=",
}


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int = 0) -> Any:
    """Return a value that the schema allows: the same each time, every property given.

    What may be left out is left out where schemas refer to themselves without end.
    """
    for key in ("example", "default", "const"):
        if schema.get(key) is not None:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema:
        return example_of(components[schema["$ref"].removeprefix(_REF)], components, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return example_of(schema[key][0], components, depth)
    match schema.get("type"):
        case "object":
            return _object(schema, components, depth)
        case "array":
            return _array(schema, components, depth)
        case "string":
            return _text(schema)
        case "integer":
            return max(1, schema.get("minimum", 1))
        case "number":
            return max(0.5, schema.get("minimum", 0.5))
        case "boolean":
            return True
    return {}


def _object(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: example_of(part, components, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if depth < _DEEPEST or name in required
    }


def _array(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int) -> list[Any]:
    least = schema.get("minItems", 0)
    if depth >= _DEEPEST and not least:
        return []
    item = example_of(schema.get("items", {}), components, depth + 1)
    return [item] * max(1, least)


def _text(schema: Mapping[str, Any]) -> str:
    text = _TEXTS.get(schema.get("format", ""), "text")
    return text.ljust(schema.get("minLength", 0), "t")
