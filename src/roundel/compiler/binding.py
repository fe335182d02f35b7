"""Binding: the arguments of a call, checked against the parameters that are declared."""

from __future__ import annotations

from collections.abc import Mapping

from roundel.compiler.arguments import argument, default_argument
from roundel.compiler.params import Parameter, declared
from roundel.compiler.report import nearest
from roundel.compiler.scanning import Value
from roundel.compiler.scope import Call, Elements, Scope
from roundel.compiler.tree import Map, Node


def bind(
    definition: Map,
    given: Mapping[str, Node],
    given_spots: Map | None,
    caller: Scope,
    callee: Elements,
    call: Call,
) -> dict[str, Value] | None:
    """Return the arguments of a call, checked and completed; None if they are wrong.

    Arguments are read in the caller's scope, defaults in the callee's, which has no arguments yet.
    """
    if not given and "parameters" not in definition:
        return {}
    parameters = declared(definition, caller.run)
    inner = Scope(caller.run, callee, call)
    good = _names_are_known(parameters, given, given_spots, inner)
    bound: dict[str, Value] = {}
    missing: list[str] = []
    later: list[Parameter] = []
    for name, parameter in parameters.items():
        raw = given.get(name)
        if raw is None:
            if parameter.default is None:
                missing.append(name)
            else:
                bound[name] = default_argument(parameter, inner)
            continue
        if type(raw) is str:
            if parameter.type == "string" and "<<" not in raw:
                bound[name] = raw
                continue
        elif parameter.type == "executor" and isinstance(raw, Map):
            later.append(parameter)  # its own arguments may refer to the others
            continue
        spot = given_spots.value_spot(name) if given_spots is not None else call.spot
        value, fine = argument(parameter, raw, spot, caller, inner)
        bound[name] = value
        good = good and fine
    for parameter in later:
        spot = given_spots.value_spot(parameter.name) if given_spots is not None else call.spot
        reader = caller
        if caller.call is not None and caller.call.kind == "workflow":
            # The map form in a workflow is read inside the job that it is given to.
            reader = Scope(caller.run, caller.elements, call, bound, caller.matrix)
        value, fine = argument(parameter, given[parameter.name], spot, reader, inner)
        bound[parameter.name] = value
        good = good and fine
    if missing:
        inner.error(
            "missing-argument", f"Missing required argument(s): {', '.join(missing)}", call.spot
        )
        return None
    return bound if good else None


def call_key(kind: str, definition: Map, arguments: Mapping[str, Value]) -> object | None:
    """Return what makes two calls the same, None if an argument is more than a simple value."""
    parts: list[object] = [kind, id(definition)]
    for name, value in arguments.items():
        if type(value) is str:
            parts += (name, value)
        elif type(value) is bool or type(value) is int:
            # The type belongs to the key: 1 and true are equal to Python and not to a config.
            parts += (name, type(value), value)
        else:
            return None
    return tuple(parts)


def _names_are_known(
    parameters: Mapping[str, Parameter],
    given: Mapping[str, Node],
    spots: Map | None,
    inner: Scope,
) -> bool:
    unknown = [name for name in given if name not in parameters]
    if not unknown:
        return True
    assert inner.call is not None  # noqa: S101 - bind always makes a call
    inner.error(
        "unexpected-argument",
        f"Unexpected argument(s): {', '.join(unknown)}",
        spots.key_spot(unknown[0]) if spots is not None else inner.call.spot,
        hint=nearest(unknown[0], parameters),
    )
    return False
