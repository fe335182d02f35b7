"""The shape of parameter declarations."""

from __future__ import annotations

from roundel.compiler.element_names import warn_of_name
from roundel.compiler.params import RESERVED_JOB_PARAMETERS, check_default, read_declarations
from roundel.compiler.report import Report, nearest
from roundel.compiler.tree import Map, Node, Seq, text_of, type_word
from roundel.compiler.violations import (
    Violation,
    extraneous,
    missing,
    report_violations,
    wrong_type,
)

_KEYS = ("type", "default", "description", "enum")


def check_parameters(
    node: Node,
    path: tuple[str, ...],
    report: Report,
    types: tuple[str, ...],
    *,
    default_needed: bool = False,
    of_job: bool = False,
) -> None:
    """Report what is wrong with a `parameters:` map."""
    if not isinstance(node, Map):
        return
    before = report.errors
    for name, body in node.items():
        warn_of_name("parameters", name, node, report)
        found = _violations((*path, name), body, node, name, types, default_needed)
        report_violations(found, (*path, name), report)
        if of_job and name in RESERVED_JOB_PARAMETERS:
            *others, last = (f'"{word}"' for word in RESERVED_JOB_PARAMETERS)
            report.error(
                "reserved-parameter",
                f"{', '.join(others)}, and {last} are reserved parameter names in build jobs",
                node.key_spot(name),
            )
    if report.errors > before:
        return
    for parameter in read_declarations(node).values():
        check_default(parameter, report)


def _violations(
    path: tuple[str, ...],
    body: Node,
    holder: Map,
    name: str,
    types: tuple[str, ...],
    default_needed: bool,
) -> list[Violation]:
    if not isinstance(body, Map):
        return [wrong_type(path, "Mapping", type_word(body), holder.value_spot(name))]
    found: list[Violation] = []
    if default_needed and body.get("default") is None:
        found.append(missing(path, "default", body.spot(), "a pipeline parameter needs a default"))
    if body.get("type") is None:
        found.append(missing(path, "type", body.spot()))
    for key in body:
        if key not in _KEYS:
            hint = nearest(key, _KEYS)
            found.append(extraneous(path, key, _KEYS, body.key_spot(key), hint))
    kind = body.get("type")
    if kind is not None and kind not in types:
        found.append(
            Violation(
                (*path, "type"),
                f"{text_of(kind)} is not a valid enum value",
                body.value_spot("type"),
                ("Permitted values:", *(f"  - {word}" for word in types)),
                nearest(text_of(kind), types),
            )
        )
    if kind == "enum" and not (isinstance(body.get("enum"), Seq) and body["enum"]):
        found.append(missing(path, "enum", body.spot(), "list the allowed values under `enum:`"))
    return found
