"""The shape of a config: known keys, required keys and types, before anything is expanded.

Orbs are not checked here: they were when they were published, and what is wrong in one shows
when it is used.
"""

from __future__ import annotations

from roundel.compiler.element_names import check_element_name, warn_of_name
from roundel.compiler.element_schema import check_command, check_executor, check_job
from roundel.compiler.parameter_schema import check_parameters
from roundel.compiler.params import PIPELINE_TYPES
from roundel.compiler.report import Report, nearest
from roundel.compiler.tree import Map, Node, Seq, type_word
from roundel.compiler.trigger_schema import trigger_violations
from roundel.compiler.violations import (
    Violation,
    extraneous,
    missing,
    report_violations,
    wrong_type,
)

_VERSIONS: dict[object, float] = {"2": 2.0, "2.0": 2.0, "2.1": 2.1}

_SECTIONS = ("parameters", "orbs", "executors", "commands", "jobs", "workflows", "job-groups")

# Keys that only version 2.1 knows.
_ONLY_IN_21 = ("orbs", "executors", "commands", "parameters")


def version_of(root: Map, report: Report) -> float | None:
    """Return the version of a config, None and a problem if there is none that is supported."""
    written = root.get("version")
    version = None
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        version = {2.0: 2.0, 2.1: 2.1}.get(float(written))
    elif isinstance(written, str):
        version = _VERSIONS.get(written.strip())
    if version is None:
        report.error(
            "version",
            "Unsupported or missing workflows config version",
            root.value_spot("version"),
            hint="put `version: 2.1` at the top",
        )
        return None
    if version == 2.0:
        _warn_of_version_2(root, report)
    return version


def _warn_of_version_2(root: Map, report: Report) -> None:
    report.warning(
        "version-2",
        "Version 2 of the configuration is being retired by CircleCI; it still compiles here.",
        root.value_spot("version"),
        hint="use `version: 2.1`, and write `\\<<` where a script has `<<`",
    )
    used = [key for key in _ONLY_IN_21 if key in root]
    for key in used:
        report.warning(
            "version-2-key",
            f"The key '{key}' has no effect: it needs version 2.1.",
            root.key_spot(key),
            hint="use `version: 2.1`",
        )


def check_config(root: Map, version: float, report: Report) -> None:
    """Report everything that is wrong with the shape of a project's config."""
    for name in _SECTIONS:
        node = root.get(name)
        if node is None or (version == 2.0 and name in _ONLY_IN_21):
            continue
        if not isinstance(node, Map):
            found = [wrong_type((name,), "Mapping", type_word(node), root.value_spot(name))]
            report_violations(found, (name,), report)
    if version > 2:
        _check_reusable(root, report)
        if root.get("functions") is not None:
            report.warning(
                "functions",
                "The key 'functions' has no effect: steps that call functions are unknown here.",
                root.key_spot("functions"),
                hint="use a command of the config or of an orb instead",
            )
    jobs = root.get("jobs")
    if isinstance(jobs, Map):
        for name, node in jobs.items():
            if version > 2:
                warn_of_name("jobs", name, jobs, report)
            check_job(name, node, jobs, version, report)
    _check_workflows(root, report)


def _check_reusable(root: Map, report: Report) -> None:
    parameters = root.get("parameters")
    if isinstance(parameters, Map):
        check_parameters(parameters, ("parameters",), report, PIPELINE_TYPES, default_needed=True)
    commands = root.get("commands")
    if isinstance(commands, Map):
        for name, node in commands.items():
            check_element_name("commands", name, commands, report)
            check_command(name, node, commands, report)
    executors = root.get("executors")
    if isinstance(executors, Map):
        for name, node in executors.items():
            check_element_name("executors", name, executors, report)
            check_executor(name, node, executors, report)


_WORKFLOW_KEYS = ("jobs", "triggers", "when", "unless", "max_auto_reruns", "description")


def _check_workflows(root: Map, report: Report) -> None:
    workflows = root.get("workflows")
    if not isinstance(workflows, Map):
        return
    for name, node in workflows.items():
        if name == "version" or not isinstance(node, Map):
            continue
        found = _workflow_violations(("workflows", name), node)
        report_violations(found, ("workflows", name), report)


def _workflow_violations(path: tuple[str, ...], node: Map) -> list[Violation]:
    found: list[Violation] = []
    for key in node:
        if key not in _WORKFLOW_KEYS:
            hint = nearest(key, _WORKFLOW_KEYS)
            found.append(extraneous(path, key, _WORKFLOW_KEYS, node.key_spot(key), hint))
    if "jobs" not in node:
        found.append(missing(path, "jobs", node.spot()))
    else:
        found += _jobs_violations((*path, "jobs"), node["jobs"], node)
    if node.get("triggers") is not None:
        found += trigger_violations((*path, "triggers"), node["triggers"], node)
    if "when" in node and "unless" in node:
        found.append(
            Violation(
                path,
                "a workflow may have `when` or `unless`, not both",
                node.key_spot("unless"),
                hint="put both into one `when:` with `and:` and `not:`",
            )
        )
    return found


def _jobs_violations(path: tuple[str, ...], jobs: Node, node: Map) -> list[Violation]:
    if not isinstance(jobs, Seq):
        return [wrong_type(path, "Sequence", type_word(jobs), node.value_spot("jobs"))]
    if not jobs:
        text = "expected minimum item count: 1, found: 0"
        return [Violation(path, text, node.value_spot("jobs"))]
    return []
