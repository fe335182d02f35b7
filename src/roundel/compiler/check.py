"""Checks of what was expanded: values that only now are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from roundel.compiler.builtins import BARE_STEPS, BUILTIN_KEYS, REQUIRED_KEYS
from roundel.compiler.element_schema import machine_violations
from roundel.compiler.filters import bad_pattern
from roundel.compiler.invocations import Invocation
from roundel.compiler.jobs import TYPES_WITHOUT_STEPS, JobBody, has_machine
from roundel.compiler.logic import expression_holds
from roundel.compiler.report import Report, nearest
from roundel.compiler.scope import Run, Scope
from roundel.compiler.source import START
from roundel.compiler.steps import Step
from roundel.compiler.tree import Document, Map, Node, Seq, Spot, text_of, type_word
from roundel.compiler.violations import pointer
from roundel.compiler.workflows import DroppedWorkflow, Workflow


def check_workflows(workflows: Sequence[Workflow], run: Run, *, strict: bool) -> None:
    """Report what is wrong with the workflows that run, each job's body once."""
    seen: set[int] = set()
    for workflow in workflows:
        _workflow(workflow, run.report)
        for invocation in workflow.invocations:
            _invocation(invocation, run, strict)
            body = invocation.body
            if body is not None and id(body) not in seen:
                seen.add(id(body))
                _job(body, invocation, run.report, strict)


def check_anything_runs(
    workflows: Sequence[Workflow],
    dropped: Sequence[DroppedWorkflow],
    report: Report,
    doc: Document,
) -> None:
    """Report that nothing is left to run.  Only for people: a pipeline may have no workflow."""
    if any(workflow.invocations for workflow in workflows):
        return
    reasons = "; ".join(f"{d.name}: {d.reason}" for d in dropped)
    report.error(
        "all-filtered",
        "All Workflows have been filtered from this Pipeline.\nNo Jobs have been run.",
        dropped[0].spot if dropped else Spot(doc, START),
        hint=reasons or None,
    )


def _workflow(workflow: Workflow, report: Report) -> None:
    found = workflow.node.get("max_auto_reruns")
    if found is not None and not _within(found, 1, 5):
        report.error(
            "auto-reruns",
            "max_auto_reruns must be an integer between 1 and 5",
            workflow.node.value_spot("max_auto_reruns"),
            context=workflow.call.lines(),
        )


def _within(value: Node, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


_SERIAL_GROUP = re.compile(r"[A-Za-z0-9._/-]{1,512}\Z")
MOST_CONTEXTS = 100


def _invocation(invocation: Invocation, run: Run, strict: bool) -> None:
    report = run.report
    context = invocation.call.lines()
    filters = invocation.keys.get("filters")
    if isinstance(filters, Map):
        _filters(filters, report, context)
    elif isinstance(filters, str) and strict:
        from roundel.compiler.scope import Elements

        whole = Elements("config", invocation.spot.doc, Map(), is_project=True)
        scope = Scope(run, whole, invocation.call)
        expression_holds(filters, scope, invocation.spot, "filter-expression")
    contexts = invocation.keys.get("context")
    if isinstance(contexts, Seq) and len(contexts) > MOST_CONTEXTS:
        report.error(
            "contexts",
            f"A job can have at most {MOST_CONTEXTS} contexts",
            contexts.spot(),
            context=context,
        )
    serial = invocation.keys.get("serial-group")
    if serial is not None and _SERIAL_GROUP.match(text_of(serial)) is None:
        report.error(
            "serial-group",
            "serial-group must match ^[A-Za-z0-9._/-]{1,512}$",
            invocation.spot,
            context=context,
        )


def _filters(filters: Map, report: Report, context: list[str]) -> None:
    for kind, rule in filters.items():
        if kind not in ("branches", "tags"):
            report.warning(
                "filters",
                f"The key '{kind}' has no effect in filters.",
                filters.key_spot(kind),
                hint=nearest(kind, ("branches", "tags")),
            )
            continue
        rules = rule if isinstance(rule, Map) else Map()
        for word, entries in rules.items():
            pattern = bad_pattern(entries)
            if pattern is not None:
                report.error(
                    "pattern",
                    f"Invalid regular expression: {pattern}: Invalid pattern.",
                    rules.value_spot(word),
                    context=context,
                    hint="patterns are RE2: no look-ahead, look-behind or back-references",
                )


_RUNNER_CLASS = re.compile(r"[a-z0-9_\-]+/[a-zA-Z0-9:_\-+]+\Z")


def _job(body: JobBody, invocation: Invocation, report: Report, strict: bool) -> None:
    node = body.node
    context = body.call.lines() if body.call is not None else []

    def error(code: str, message: str, spot: Spot, hint: str | None = None) -> None:
        report.error(code, message, spot, context=context, hint=hint)

    if body.kind not in TYPES_WITHOUT_STEPS and not has_machine(node):
        error(
            "no-executor",
            f'Job {invocation.call.name} is missing a required key: "docker", "machine", "macos",'
            ' or "executor"',
            body.spot,
        )
    if body.kind not in TYPES_WITHOUT_STEPS and "steps" not in node:
        where = pointer(("jobs", invocation.call.name))
        error("schema", f"{where} required key [steps] not found", body.spot)
    # What arguments brought in was not there when the shape of the config was checked.
    found = [v for v in machine_violations((), node) if strict or "extraneous" not in v.text]
    for violation in found:
        where = pointer(("jobs", invocation.call.name, *violation.path))
        error("schema", f"{where} {violation.text}", violation.spot, violation.hint)
    _parallelism(node, error)
    if not isinstance(node.get("circleci_ip_ranges", False), bool):
        error(
            "ip-ranges",
            "circleci_ip_ranges must be a boolean",
            node.value_spot("circleci_ip_ranges"),
        )
    machine = node.get("machine")
    if isinstance(machine, Map):
        caching = machine.get("docker_layer_caching")
        if caching is not None and not isinstance(caching, bool):
            error(
                "layer-caching",
                "Executor <inline>: docker_layer_caching must be a boolean",
                machine.value_spot("docker_layer_caching"),
            )
    resource = node.get("resource_class")
    if isinstance(resource, str) and "/" in resource and _RUNNER_CLASS.match(resource) is None:
        error(
            "resource-class",
            f"Invalid format in resource class or classes: {resource}.",
            node.value_spot("resource_class"),
        )
    _steps(body, invocation, error, report, strict)


_Error = Callable[..., None]


def _parallelism(node: Map, error: _Error) -> None:
    if "parallelism" not in node:
        return
    value = node["parallelism"]
    spot = node.value_spot("parallelism")
    if not isinstance(value, int) or isinstance(value, bool):
        error(
            "parallelism",
            "parallelism must be an integer or an expression evaluating to an integer",
            spot,
        )
    elif value < 1:
        error("parallelism", "parallelism must be a positive integer", spot)


def _steps(
    body: JobBody, invocation: Invocation, error: _Error, report: Report, strict: bool
) -> None:
    remote = [step for step in body.steps if step.kind == "setup_remote_docker"]
    if len(remote) > 1:
        error(
            "remote-docker",
            "More than one setup_remote_docker is not valid, please adjust in job"
            f" {invocation.call.name}.",
            remote[1].spot,
        )
    for step in body.steps:
        if step.call is not None and step.call is not body.call:
            context = step.call.lines()

            def in_step(
                code: str,
                message: str,
                spot: Spot,
                hint: str | None = None,
                *,
                lines: list[str] = context,
            ) -> None:
                report.error(code, message, spot, context=lines, hint=hint)

            _step(step, in_step, report, strict)
        else:
            _step(step, error, report, strict)


_STEP_WHEN = ("always", "on_success", "on_fail")


def _step(step: Step, error: _Error, report: Report, strict: bool) -> None:
    node = step.body
    if not isinstance(node, Map):
        if node is None and step.kind not in BARE_STEPS:
            names = ", ".join(REQUIRED_KEYS.get(step.kind, ("key",)))
            error("step-argument", f"Missing required argument(s): {names}", step.spot)
        elif isinstance(node, Seq):
            error("step-argument", f"expected type: Mapping, found: {type_word(node)}", step.spot)
        return
    missing = [key for key in REQUIRED_KEYS.get(step.kind, ()) if key not in node]
    if missing:
        message = f"[{step.kind}] required key [{missing[0]}] not found"
        hint = nearest(missing[0], node)
        if strict or step.kind == "run":
            error("step-argument", message, step.spot, hint)
        else:  # version 2 compiled such steps; they fail, or do nothing, when they run
            report.warning("step-argument", message, step.spot, hint=hint)
    known = BUILTIN_KEYS.get(step.kind)
    if known is not None:
        for key in node:
            if key not in known:
                report.warning(
                    "step-key",
                    f"The key '{key}' has no meaning for the step {step.kind}.",
                    node.key_spot(key),
                    hint=nearest(key, known),
                )
    special = _SPECIAL.get(step.kind)
    if special is not None:
        special(node, error)


_DELAY = re.compile(r"((10|[1-9])m|([1-9][0-9]*)s)\Z")
LONGEST_DELAY_SECONDS = 600


def _run(node: Map, error: _Error) -> None:
    when = node.get("when")
    if when is not None and when not in _STEP_WHEN:
        error(
            "step-when",
            f"{text_of(when)} is not a valid enum value",
            node.value_spot("when"),
            "allowed: " + ", ".join(_STEP_WHEN),
        )
    reruns = node.get("max_auto_reruns")
    if reruns is not None and not _within(reruns, 1, 5):
        error(
            "auto-reruns",
            "max_auto_reruns must be an integer between 1 and 5",
            node.value_spot("max_auto_reruns"),
        )
    delay = node.get("auto_rerun_delay")
    if delay is not None:
        _delay(delay, node, error)
    if node.get("background") is True and (reruns is not None or delay is not None):
        error(
            "auto-reruns",
            "max_auto_reruns and auto_rerun_delay are not allowed on a background step",
            node.key_spot("background"),
        )


def _delay(delay: Node, node: Map, error: _Error) -> None:
    spot = node.value_spot("auto_rerun_delay")
    found = _DELAY.match(delay) if isinstance(delay, str) else None
    if found is None:
        error(
            "auto-reruns",
            "auto_rerun_delay must match ^((10|[1-9])m|([1-9][0-9]*)s)$",
            spot,
        )
    elif found.group(3) and _seconds(found.group(3)) > LONGEST_DELAY_SECONDS:
        error("auto-reruns", "auto_rerun_delay must not exceed 10 minutes (600 seconds)", spot)
    elif "max_auto_reruns" not in node:
        error("auto-reruns", "auto_rerun_delay needs max_auto_reruns", spot)


def _seconds(digits: str) -> int:
    return int(digits) if len(digits) < 10 else LONGEST_DELAY_SECONDS + 1


def _checkout(node: Map, error: _Error) -> None:
    method = node.get("method")
    if method is not None and method not in ("blobless", "shallow", "full"):
        error(
            "checkout-method",
            'Unsupported checkout method, allowed methods are "blobless", "shallow", and "full"',
            node.value_spot("method"),
        )


def _remote_docker(node: Map, error: _Error) -> None:
    caching = node.get("docker_layer_caching")
    if caching is not None and not isinstance(caching, bool):
        error(
            "layer-caching",
            "setup_remote_docker: docker_layer_caching must be a boolean",
            node.value_spot("docker_layer_caching"),
        )


def _restore_cache(node: Map, error: _Error) -> None:
    if "key" not in node and "keys" not in node:
        error("step-argument", "[restore_cache] required key [key] not found", node.spot())


_SPECIAL: dict[str, Callable[[Map, _Error], None]] = {
    "run": _run,
    "checkout": _checkout,
    "setup_remote_docker": _remote_docker,
    "restore_cache": _restore_cache,
}
