"""The value of one argument, by the type of its parameter."""

from __future__ import annotations

from roundel.compiler.params import (
    ExecutorValue,
    Parameter,
    StepsValue,
    fits,
    settled,
    type_error,
    type_hint,
)
from roundel.compiler.scanning import Value
from roundel.compiler.scope import Scope
from roundel.compiler.substitute import substitute, value_of
from roundel.compiler.tree import Map, Node, Seq, Spot


def argument(
    parameter: Parameter, raw: Node, spot: Spot, caller: Scope, inner: Scope
) -> tuple[Value, bool]:
    """Return an argument's value, and whether it is right; a wrong one is reported."""
    before = caller.run.report.errors
    value = _read(parameter, raw, spot, caller)
    if caller.run.report.errors > before:
        return value, False
    if value is None:
        value = _undefined(parameter)
    if not fits(parameter, value):
        inner.error(
            "argument-type", type_error(parameter, value), spot, hint=type_hint(parameter, value)
        )
        return value, False
    return settled(parameter, value), True


def default_argument(parameter: Parameter, inner: Scope) -> Value:
    """Return a parameter's default, read where it was declared."""
    raw = parameter.default
    if isinstance(raw, (bool, int)) and fits(parameter, raw):
        return settled(parameter, raw)
    if isinstance(raw, str) and parameter.type == "string" and "<<" not in raw:
        return raw
    value, _ = argument(parameter, raw, parameter.default_spot, inner, inner)
    return value


def _read(parameter: Parameter, raw: Node, spot: Spot, caller: Scope) -> Value:
    if parameter.type == "steps" and isinstance(raw, Seq):
        from roundel.compiler.steps import expand_steps

        return StepsValue(tuple(expand_steps(raw, caller)), len(raw))
    if parameter.type == "executor":
        return _executor(raw, spot, caller)
    if isinstance(raw, str):
        return value_of(raw, caller, spot)
    return substitute(raw, caller, spot) if isinstance(raw, (Map, Seq)) else raw


def _executor(raw: Node, spot: Spot, caller: Scope) -> Value:
    """Return the executor that is meant, tied to the scope in which its name was written."""
    value = value_of(raw, caller, spot) if isinstance(raw, str) else raw
    if isinstance(value, str):
        return ExecutorValue(value, None, caller.elements, spot)
    if isinstance(value, Map):
        return executor_call(value, caller)
    return value


def executor_call(node: Map, caller: Scope) -> Value:
    """Return the executor of the map form `{name: X, argument: …}`."""
    filled = substitute(
        node.with_items({k: v for k, v in node.items() if k != "name"}), caller, node.spot()
    )
    given = filled if isinstance(filled, Map) and filled else None
    name = node.get("name")
    value = value_of(name, caller, node.value_spot("name")) if isinstance(name, str) else name
    if isinstance(value, ExecutorValue):
        if given is None:
            return value
        return ExecutorValue(value.as_text, given, value.elements, node.spot())
    if isinstance(value, str):
        return ExecutorValue(value, given, caller.elements, node.spot())
    return node


def _undefined(parameter: Parameter) -> Value:
    """Return what an undefined pipeline value is as an argument.

    No public text tells.  Text parameters get the empty text, as embedding gives; for the other
    types nothing fits, and the type error says so.
    """
    return "" if parameter.type == "string" else None
