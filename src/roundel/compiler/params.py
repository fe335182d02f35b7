"""Parameters: declarations, pipeline parameters, and the check of a call's arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from roundel.compiler.report import Hint, Report, nearest
from roundel.compiler.scanning import Value
from roundel.compiler.scope import Elements, Run
from roundel.compiler.tree import START, Document, Map, Node, Seq, Spot, text_of
from roundel.domain.records import dataclass

TYPES = ("string", "boolean", "integer", "enum", "executor", "steps", "env_var_name")
PIPELINE_TYPES = ("string", "boolean", "integer", "enum")

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter.  A default of None means that the argument is required."""

    name: str
    type: str
    default: Node
    members: tuple[str, ...]
    spot: Spot
    default_spot: Spot


class StepsValue:
    """A `steps` argument, expanded already in the scope in which it was written."""

    __slots__ = ("count", "steps")

    def __init__(self, steps: tuple[object, ...], count: int) -> None:
        self.steps = steps
        self.count = count  # entries as written: an empty list is false in conditions


class ExecutorValue:
    """An `executor` argument: a name, and the elements among which it is looked up."""

    __slots__ = ("arguments", "as_text", "elements", "spot")

    def __init__(self, name: str, arguments: Map | None, elements: Elements, spot: Spot) -> None:
        self.as_text = name
        self.arguments = arguments
        self.elements = elements
        self.spot = spot


def declared(node: Map, run: Run) -> dict[str, Parameter]:
    """Return the parameters that an element declares."""
    found = node.get("parameters")
    if not isinstance(found, Map):
        return {}
    known = run.declared.get(id(found))
    if known is None:
        # The map is kept beside its parameters so that its identity stays its own.
        known = run.declared[id(found)] = (found, read_declarations(found))
    return known[1]


def read_declarations(found: Map) -> dict[str, Parameter]:
    """Return the parameters of a `parameters:` map."""
    parameters: dict[str, Parameter] = {}
    for name, body in found.items():
        if not isinstance(body, Map):
            continue  # the schema pass has reported it
        members = body.get("enum")
        parameters[name] = Parameter(
            name=name,
            type=text_of(body.get("type")) or "string",
            default=body.get("default"),
            members=tuple(text_of(m) for m in members) if isinstance(members, Seq) else (),
            spot=found.key_spot(name),
            default_spot=body.value_spot("default"),
        )
    return parameters


def value_type(value: Value) -> str:
    """Return the name of a value's type in the words of the type errors."""
    if isinstance(value, StepsValue):
        return "steps"
    if isinstance(value, ExecutorValue):
        return "executor"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, dict):
        return "map"
    if isinstance(value, list):
        return "list"
    return "null" if value is None else "string"


def shown_value(value: Value) -> str:
    """Return a value as the type errors show it."""
    if isinstance(value, StepsValue):
        return f"{value.count} steps"
    if isinstance(value, ExecutorValue):
        return value.as_text
    if isinstance(value, (dict, list)):
        text = json.dumps(value, default=str)
        return text if len(text) <= 200 else text[:200] + "…"
    return text_of(value)


def fits(parameter: Parameter, value: Value) -> bool:
    """Tell whether a simple value is of a parameter's type."""
    kind = parameter.type
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "enum":
        return isinstance(value, (str, bool, int, float)) and text_of(value) in parameter.members
    if kind == "env_var_name":
        return isinstance(value, str) and _ENV_NAME.match(value) is not None
    if kind == "executor":
        return isinstance(value, (str, ExecutorValue)) or (
            isinstance(value, Map) and "name" in value
        )
    if kind == "steps":
        return isinstance(value, (StepsValue, Seq))
    return isinstance(value, str)


def settled(parameter: Parameter, value: Value) -> Value:
    """Return a fitting value as the parameter has it: members of an enum are text."""
    return text_of(value) if parameter.type == "enum" else value


def type_error(parameter: Parameter, value: Value) -> str:
    """Return the message for an argument of a wrong type."""
    return (
        f"Type error for argument {parameter.name}: expected type: {parameter.type},"
        f' actual value: "{shown_value(value)}" (type {value_type(value)})'
    )


def type_hint(parameter: Parameter, value: Value) -> Hint | str | None:
    """Return what to do about an argument of a wrong type."""
    if parameter.type == "enum":
        allowed = "allowed: " + ", ".join(parameter.members)
        return nearest(text_of(value), parameter.members, allowed)
    if parameter.type == "string" and isinstance(value, (bool, int, float)):
        return f'write it in quotes: "{text_of(value)}"'
    if parameter.type in ("boolean", "integer") and isinstance(value, str):
        return "write it without quotes" if _would_fit(parameter, value) else None
    return None


def _would_fit(parameter: Parameter, value: str) -> bool:
    from roundel.compiler.scalars import resolve

    return fits(parameter, resolve(value))


def check_default(parameter: Parameter, report: Report) -> None:
    """Report a default that is not of its parameter's type."""
    default = parameter.default
    if default is None or (isinstance(default, str) and "<<" in default):
        return
    if fits(parameter, default):
        return
    report.error(
        "default-type",
        f"Parameter error: default value of parameter '{parameter.name}' is"
        f" '{shown_value(default)}' (type {value_type(default)}):"
        f" expected type {parameter.type}",
        parameter.default_spot,
        hint=type_hint(parameter, default),
    )


def pipeline_parameters(
    root: Map, given: Mapping[str, object], run: Run, doc: Document
) -> dict[str, Value]:
    """Return the effective pipeline parameters: what was passed, checked, and the defaults."""
    parameters = declared(root, run)
    spot = root.key_spot("parameters") if "parameters" in root else Spot(doc, START)
    # A trigger passes to a setup config also what only its continuation declares.
    unknown = [name for name in given if name not in parameters and root.get("setup") is not True]
    if unknown:
        run.report.error(
            "unexpected-argument",
            f"Unexpected argument(s): {', '.join(unknown)}",
            spot,
            hint=nearest(
                unknown[0],
                parameters,
                "declare it under `parameters:` at the top of the config",
            ),
        )
    values: dict[str, Value] = {}
    missing: list[str] = []
    for name, parameter in parameters.items():
        value = given.get(name)
        if value is None:
            value = parameter.default
            if value is None:
                missing.append(name)
            values[name] = _unescaped(settled(parameter, value)) if value is not None else None
        elif fits(parameter, value):
            values[name] = settled(parameter, value)
        else:
            run.report.error(
                "argument-type",
                type_error(parameter, value),
                parameter.spot,
                hint=type_hint(parameter, value),
            )
            values[name] = None
    if missing:
        run.report.error(
            "missing-argument", f"Missing required argument(s): {', '.join(missing)}", spot
        )
    return values


def _unescaped(value: Value) -> Value:
    """Return a pipeline parameter's default with `\\<<` read as `<<`; it is no template [?]."""
    return value.replace("\\<<", "<<") if isinstance(value, str) else value


RESERVED_JOB_PARAMETERS = (
    "name",
    "pre-steps",
    "post-steps",
    "filters",
    "requires",
    "context",
    "type",
    "override-with",
    "upstream",
)
