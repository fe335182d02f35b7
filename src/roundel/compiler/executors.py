"""Executors: finding the one that is meant, and what it gives to a job."""

from __future__ import annotations

from roundel.compiler.arguments import executor_call
from roundel.compiler.binding import bind, call_key
from roundel.compiler.params import ExecutorValue
from roundel.compiler.scope import Call, Scope, find_element
from roundel.compiler.substitute import substitute, value_of
from roundel.compiler.tree import Map, Node, Spot

MACHINES = ("docker", "machine", "macos")
_NOT_COPIED = ("parameters", "description")


def definition_of(value: ExecutorValue) -> Node:
    """Return the definition that an executor's name leads to, None if there is none."""
    elements, name = value.elements, value.as_text
    for _ in range(20):
        if name in elements.executors:
            found = elements.executors[name]
        else:
            alias, _, rest = name.partition("/")
            orb = elements.orb(alias)
            if orb is None:
                return None
            elements, found = orb, orb.executors.get(rest)
        if not isinstance(found, str):
            return found
        name = found
    return None


def executor_of(node: Node, scope: Scope, spot: Spot) -> ExecutorValue | None:
    """Return the executor that a job's `executor:` means; report it if it is none."""
    value = value_of(node, scope, spot) if isinstance(node, str) else node
    if isinstance(value, Map):
        value = executor_call(value, scope)
    if isinstance(value, str) and value:
        return ExecutorValue(value, None, scope.elements, spot)
    if isinstance(value, ExecutorValue):
        return value
    shown = node if isinstance(node, str) else ""
    scope.error(
        "executor-name", f"Executor invocation {shown} must resolve to an executor name", spot
    )
    return None


def executor_body(value: ExecutorValue, scope: Scope, spot: Spot) -> Map | None:
    """Return the keys that an executor gives to a job, with its arguments filled in."""
    key = ("executor", id(value.elements), value.as_text)
    caches = scope.run.caches
    if value.arguments is None and key in caches:
        cached = caches[key]
        return cached if isinstance(cached, Map) else None
    found = find_element(scope, "executor", value.as_text, spot, value.elements)
    if found is None:
        return None
    definition, elements = found
    call = Call("executor", value.as_text, spot, scope.call)
    given = value.arguments if value.arguments is not None else {}
    arguments = bind(definition, given, value.arguments, scope, elements, call)
    if arguments is None:
        return None
    known_by = call_key("executor", definition, arguments)
    if known_by is not None and known_by in caches:
        cached = caches[known_by]
        return cached if isinstance(cached, Map) else None
    before = scope.run.report.errors
    inner = Scope(scope.run, elements, call, arguments)
    bare = definition.with_items({k: v for k, v in definition.items() if k not in _NOT_COPIED})
    body = substitute(bare, inner, definition.spot())
    assert isinstance(body, Map)  # noqa: S101 - a map's substitution is a map
    if not any(kind in body for kind in MACHINES):
        scope.error(
            "executor-kind",
            f'Executor {value.as_text} is missing a required key: "docker", "machine", or "macos"',
            definition.spot(),
        )
        return None
    if scope.run.report.errors == before:
        if value.arguments is None:
            caches[key] = body
        if known_by is not None:
            caches[known_by] = body
    return body
