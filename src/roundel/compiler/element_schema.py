"""The shape of jobs, commands, executors and their steps."""

from __future__ import annotations

import re
from collections.abc import Callable

from roundel.compiler.builtins import BUILTIN_STEPS
from roundel.compiler.jobs import TYPES_WITHOUT_STEPS
from roundel.compiler.parameter_schema import check_parameters
from roundel.compiler.params import TYPES
from roundel.compiler.report import Report, nearest
from roundel.compiler.tree import Map, Node, Seq, text_of, type_word
from roundel.compiler.violations import (
    Violation,
    extraneous,
    missing,
    report_violations,
    wrong_type,
)

Path = tuple[str, ...]

# The order is that of CircleCI's own messages.
JOB_KEYS = (
    "description",
    "parallelism",
    "macos",
    "resource_class",
    "docker",
    "steps",
    "retention",
    "working_directory",
    "circleci_ip_ranges",
    "machine",
    "environment",
    "executor",
    "shell",
    "parameters",
)
# Known too, but not listed in the messages.
_ALL_JOB_KEYS = frozenset({*JOB_KEYS, "type", "branches", "plan_name", "key", "windows"})

IMAGE_KEYS = (
    "gcp_auth",
    "name",
    "command",
    "auth",
    "entrypoint",
    "image",
    "environment",
    "aws_auth",
    "user",
)

AUTH_KEYS = ("auth", "aws_auth", "gcp_auth")  # of an image; the first that is there counts

EXECUTOR_KEYS = (
    "description",
    "macos",
    "resource_class",
    "docker",
    "working_directory",
    "machine",
    "environment",
    "shell",
    "parameters",
)

COMMAND_KEYS = ("description", "parameters", "steps")


def is_template(node: Node) -> bool:
    """Tell whether a value will only be known after expansion."""
    return isinstance(node, str) and "<<" in node


def check_job(name: str, node: Node, holder: Map, version: float, report: Report) -> None:
    """Report what is wrong with the shape of a job."""
    path = ("jobs", name)
    if isinstance(node, str):
        return
    if not isinstance(node, Map):
        found = [wrong_type(path, "Mapping", type_word(node), holder.value_spot(name))]
        report_violations(found, path, report)
        return
    found = []
    for key in node:
        if key not in _ALL_JOB_KEYS:
            hint = nearest(key, JOB_KEYS)
            found.append(extraneous(path, key, JOB_KEYS, node.key_spot(key), hint))
    kind = node.get("type")
    if "steps" not in node and not (isinstance(kind, str) and kind in TYPES_WITHOUT_STEPS):
        found.append(missing(path, "steps", node.spot()))
    found += machine_violations(path, node)
    found += _retention_violations(path, node)
    found += _environment_violations((*path, "environment"), node, "environment")
    if "steps" in node:
        found += steps_violations((*path, "steps"), node["steps"], node, "steps")
    report_violations(_or_warnings(found, version, report), path, report, job=name)
    if version > 2:
        check_parameters(node.get("parameters"), (*path, "parameters"), report, TYPES, of_job=True)


def _or_warnings(found: list[Violation], version: float, report: Report) -> list[Violation]:
    """Return the violations that keep a job from running.

    Version 2 has been lenient about unknown keys for years, and its configs rely on that.
    """
    if version > 2:
        return found
    for violation in found:
        if violation.text.startswith("extraneous key"):
            report.warning("schema", violation.text, violation.spot, hint=violation.hint)
    return [v for v in found if not v.text.startswith("extraneous key")]


def check_command(name: str, node: Node, holder: Map, report: Report) -> None:
    """Report what is wrong with the shape of a command."""
    path = ("commands", name)
    if isinstance(node, str):
        return
    if not isinstance(node, Map):
        found = [wrong_type(path, "Mapping", type_word(node), holder.value_spot(name))]
        report_violations(found, path, report)
        return
    found = _extra(path, node, COMMAND_KEYS)
    if "steps" not in node:
        found.append(missing(path, "steps", node.spot()))
    else:
        found += steps_violations((*path, "steps"), node["steps"], node, "steps")
    report_violations(found, path, report)
    check_parameters(node.get("parameters"), (*path, "parameters"), report, TYPES)


def check_executor(name: str, node: Node, holder: Map, report: Report) -> None:
    """Report what is wrong with the shape of an executor."""
    path = ("executors", name)
    if isinstance(node, str):
        return
    if not isinstance(node, Map):
        found = [wrong_type(path, "Mapping", type_word(node), holder.value_spot(name))]
        report_violations(found, path, report)
        return
    found = _extra(path, node, EXECUTOR_KEYS)
    found += machine_violations(path, node)
    found += _environment_violations((*path, "environment"), node, "environment")
    report_violations(found, path, report)
    check_parameters(node.get("parameters"), (*path, "parameters"), report, TYPES)


def _extra(path: Path, node: Map, permitted: tuple[str, ...]) -> list[Violation]:
    return [
        extraneous(path, key, permitted, node.key_spot(key), nearest(key, permitted))
        for key in node
        if key not in permitted
    ]


def machine_violations(path: Path, node: Map) -> list[Violation]:
    """Return what is wrong with the shape of `docker`, `machine` and `macos`."""
    found: list[Violation] = []
    docker = node.get("docker")
    if docker is not None and not is_template(docker):
        found += _docker_violations((*path, "docker"), docker, node)
    machine = node.get("machine")
    if isinstance(machine, (Seq, int, float)) and not isinstance(machine, bool):
        spot = node.value_spot("machine")
        found.append(wrong_type((*path, "machine"), "Mapping", type_word(machine), spot))
    macos = node.get("macos")
    if macos is not None and not is_template(macos) and not isinstance(macos, Map):
        spot = node.value_spot("macos")
        found.append(wrong_type((*path, "macos"), "Mapping", type_word(macos), spot))
    return found


_KEPT_FOR = "^([1-9]|[12][0-9]|30)d$"


def _retention_violations(path: Path, node: Map) -> list[Violation]:
    retention = node.get("retention")
    if not isinstance(retention, Map) or retention.get("caches") is None:
        return []
    caches = retention["caches"]
    if is_template(caches) or re.match(_KEPT_FOR, text_of(caches)):
        return []
    text = f"string [{text_of(caches)}] does not match pattern {_KEPT_FOR}"
    hint = "caches are kept for 1d to 30d"
    at = (*path, "retention", "caches")
    return [Violation(at, text, retention.value_spot("caches"), (), hint)]


def _docker_violations(path: Path, docker: Node, holder: Map) -> list[Violation]:
    if not isinstance(docker, Seq):
        return [wrong_type(path, "Sequence", type_word(docker), holder.value_spot("docker"))]
    if not docker:
        text = "expected minimum item count: 1, found: 0"
        return [Violation(path, text, holder.value_spot("docker"))]
    found: list[Violation] = []
    for index, image in enumerate(docker):
        at = (*path, str(index))
        if not isinstance(image, Map):
            spot = docker.item_spot(index)
            found.append(wrong_type(at, "Mapping", type_word(image), spot))
            continue
        found += _extra(at, image, IMAGE_KEYS)
        if image.get("image") is None:
            found.append(missing(at, "image", image.spot()))
        elif isinstance(image["image"], (Map, Seq)):
            spot = image.value_spot("image")
            found.append(wrong_type((*at, "image"), "String", type_word(image["image"]), spot))
        for key in AUTH_KEYS:
            node = image.get(key)
            if node is not None and not isinstance(node, Map) and not is_template(node):
                found.append(
                    wrong_type((*at, key), "Mapping", type_word(node), image.value_spot(key))
                )
        found += _environment_violations((*at, "environment"), image, "environment")
    return found


def _environment_violations(path: Path, holder: Map, key: str) -> list[Violation]:
    node = holder.get(key)
    if node is None or is_template(node):
        return []
    if isinstance(node, Map):
        return [
            wrong_type((*path, name), "String", type_word(value), node.value_spot(name))
            for name, value in node.items()
            if isinstance(value, (Map, Seq))
        ]
    if isinstance(node, Seq) or (isinstance(node, str) and "=" in node):
        return []
    return [wrong_type(path, "Mapping", type_word(node), holder.value_spot(key))]


def steps_violations(path: Path, node: Node, holder: Map, key: str) -> list[Violation]:
    """Return what is wrong with the shape of a list of steps, also of those in conditions."""
    if is_template(node):
        return []
    if not isinstance(node, Seq):
        return [wrong_type(path, "Sequence", type_word(node), holder.value_spot(key))]
    found: list[Violation] = []
    for index, item in enumerate(node):
        if isinstance(item, Map) and len(item) == 1:
            for name, body in item.items():
                check = _STEP_CHECKS.get(name)
                if check is not None and not _is_plain_run(name, body):
                    found += check((*path, str(index), name), body, item)
            continue
        at = (*path, str(index))
        if isinstance(item, Map) and item:
            found.append(_several_keys(at, item))
        elif not isinstance(item, str):
            found.append(wrong_type(at, "String", type_word(item), node.item_spot(index)))
    return found


def _several_keys(path: Path, item: Map) -> Violation:
    keys = list(item)
    named = next((name for name in keys if name in BUILTIN_STEPS), keys[0])
    others = ", ".join(f"`{name}`" for name in keys if name != named)
    return Violation(
        path,
        f"expected maximum size: 1, found: {len(keys)}",
        item.key_spot(keys[1]),
        (),
        f"a step has one key; indent {others} by two more columns to put it under `{named}`",
    )


def _condition_violations(path: Path, node: Node, holder: Map) -> list[Violation]:
    if not isinstance(node, Map):
        return [wrong_type(path, "Mapping", type_word(node), holder.value_spot(path[-1]))]
    found = _extra(path, node, ("condition", "steps"))
    found += [missing(path, k, node.spot()) for k in ("condition", "steps") if k not in node]
    if "steps" in node:
        found += steps_violations((*path, "steps"), node["steps"], node, "steps")
    return found


def _is_plain_run(name: str, body: Node) -> bool:
    """Tell quickly that a step is a `run` in order, as most are."""
    if name != "run":
        return False
    return type(body) is str or (type(body) is Map and type(body.get("command")) is str)


def _run_violations(path: Path, node: Node, holder: Map) -> list[Violation]:
    if isinstance(node, Map):
        if "command" not in node:
            return [missing(path, "command", node.spot(), nearest("command", node))]
        if isinstance(node["command"], (Map, Seq)):
            spot = node.value_spot("command")
            return [wrong_type((*path, "command"), "String", type_word(node["command"]), spot)]
        return []
    if node is None or isinstance(node, Seq):
        return [wrong_type(path, "String", type_word(node), holder.value_spot(path[-1]))]
    return []


_STEP_CHECKS: dict[str, Callable[[Path, Node, Map], list[Violation]]] = {
    "when": _condition_violations,
    "unless": _condition_violations,
    "run": _run_violations,
}
