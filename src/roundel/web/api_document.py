"""The live document of the API as its pages show it: operations by tag, their fields in rows."""

from collections.abc import Iterator, Mapping
from typing import Any

from roundel.domain.records import dataclass

_REF = "#/components/schemas/"
_DEEPEST = 4  # levels of fields; the example shows the rest


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a field; `name` is its path, such as `items[].id`."""

    name: str
    type: str
    required: bool
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent or answered; `example` is None for what is not JSON."""

    title: str
    media_type: str
    fields: tuple[Field, ...]
    example: object | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    deprecated: bool
    own: bool
    open: bool  # needs no token
    parameters: tuple[Field, ...]
    bodies: tuple[Body, ...]


def by_tag(document: Mapping[str, Any]) -> dict[str, list[Shown]]:
    """Return the document's operations under their tags, both in the document's order."""
    components = document["components"]["schemas"]
    found: dict[str, list[Shown]] = {tag["name"]: [] for tag in document["tags"]}
    for path, entries in document["paths"].items():
        for method, entry in entries.items():
            found[entry["tags"][0]].append(_shown(method, path, entry, components))
    return found


def slug_of(tag: str) -> str:
    """Return the tag as addresses have it."""
    return tag.lower().replace(" ", "-")


def _shown(
    method: str, path: str, entry: Mapping[str, Any], components: Mapping[str, Any]
) -> Shown:
    bodies = []
    if "requestBody" in entry:
        bodies += _bodies("Body", entry["requestBody"], components)
    for status, response in entry["responses"].items():
        if status != "default":
            bodies += _bodies(f"Answer {status}", response, components)
    return Shown(
        id=entry["operationId"],
        method=method.upper(),
        path=path,
        summary=entry["summary"],
        deprecated=entry.get("deprecated", False),
        own=entry.get("x-roundel", False),
        open=entry.get("security") == [],
        parameters=tuple(
            Field(
                it["name"],
                f"{_type(it['schema'], components)}, {it['in']}",
                it.get("required", False),
                it.get("description", ""),
            )
            for it in entry["parameters"]
        ),
        bodies=tuple(bodies),
    )


def _bodies(title: str, part: Mapping[str, Any], components: Mapping[str, Any]) -> list[Body]:
    return [
        Body(
            title,
            media_type,
            tuple(_fields(it["schema"], components, "", 0)),
            it.get("example"),
        )
        for media_type, it in part["content"].items()
    ]


def _fields(
    schema: Mapping[str, Any], components: Mapping[str, Any], prefix: str, depth: int
) -> Iterator[Field]:
    schema = _resolved(schema, components)
    if schema.get("type") == "array":
        yield from _fields(schema.get("items", {}), components, f"{prefix}[]", depth)
        return
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield Field(path, _type(part, components), name in required, part.get("description", ""))
        if depth + 1 < _DEEPEST:
            yield from _fields(part, components, path, depth + 1)


def _resolved(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema or len(schema.get("allOf", ())) == 1:
        if "$ref" in schema:
            schema = components[schema["$ref"].removeprefix(_REF)]
        else:
            schema = schema["allOf"][0]
    return schema


def _type(schema: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    """Return a type in words, such as `array of string (uuid)`."""
    nullable = " or null" if schema.get("nullable") else ""
    schema = _resolved(schema, components)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(_type(it, components) for it in choices) + nullable
    if "enum" in schema:
        return " | ".join(str(it) for it in schema["enum"]) + nullable
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array of {_type(schema.get('items', {}), components)}{nullable}"
    form = f" ({schema['format']})" if "format" in schema else ""
    return f"{kind}{form}{nullable}"
