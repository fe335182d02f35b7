"""Checks of what was expanded: values that only now are known."""

from __future__ import annotations

import re
from collections.abc import Sequence

from roundel.compiler.element_schema import machine_violations
from roundel.compiler.filters import bad_pattern
from roundel.compiler.invocations import Invocation
from roundel.compiler.jobs import TYPES_WITHOUT_STEPS, JobBody, has_machine
from roundel.compiler.logic import expression_holds
from roundel.compiler.machine_check import check_machine
from roundel.compiler.report import Report, nearest
from roundel.compiler.scope import Run, Scope
from roundel.compiler.step_check import Voice, check_steps, within
from roundel.compiler.tree import START, Document, Map, Seq, Spot, text_of
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
                _job(body, invocation, run.report, strict, seen)


def check_setup(workflows: Sequence[Workflow], report: Report) -> None:
    """Report what a setup config should not have: a second workflow, a schedule.

    Filters may still leave one workflow only, so several are no error.
    """
    if len(workflows) > 1:
        names = ", ".join(workflow.name for workflow in workflows)
        report.warning(
            "setup-workflows",
            f"A setup configuration should run only one workflow, found: {names}",
            workflows[1].spot,
            hint="give all but one a `when:` that is false for this pipeline",
        )
    for workflow in workflows:
        if workflow.node.get("triggers") is not None:
            report.error(
                "setup-schedule",
                "A workflow of a setup configuration cannot have triggers",
                workflow.node.key_spot("triggers"),
            )


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
    if found is not None and not within(found, 1, 5):
        report.error(
            "auto-reruns",
            "max_auto_reruns must be an integer between 1 and 5",
            workflow.node.value_spot("max_auto_reruns"),
            context=workflow.call.lines(),
        )


_SERIAL_GROUP = re.compile(r"[A-Za-z0-9._/-]{1,512}\Z")
MOST_CONTEXTS = 100


def _invocation(invocation: Invocation, run: Run, strict: bool) -> None:
    if not invocation.keys:
        return
    voice = Voice(run.report, invocation.call)
    filters = invocation.keys.get("filters")
    if isinstance(filters, Map):
        _filters(filters, voice)
    elif isinstance(filters, str) and strict:
        from roundel.compiler.scope import Elements

        whole = Elements("config", invocation.spot.doc, Map(), is_project=True)
        scope = Scope(run, whole, invocation.call)
        expression_holds(filters, scope, invocation.spot, "filter-expression")
    contexts = invocation.keys.get("context")
    if isinstance(contexts, Seq) and len(contexts) > MOST_CONTEXTS:
        words = f"A job can have at most {MOST_CONTEXTS} contexts"
        voice.error("contexts", words, contexts.spot())
    serial = invocation.keys.get("serial-group")
    if serial is not None and _SERIAL_GROUP.match(text_of(serial)) is None:
        words = "serial-group must match ^[A-Za-z0-9._/-]{1,512}$"
        voice.error("serial-group", words, invocation.spot)


def _filters(filters: Map, voice: Voice) -> None:
    for kind, rule in filters.items():
        if kind not in ("branches", "tags"):
            voice.report.warning(
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
                voice.error(
                    "pattern",
                    f"Invalid regular expression: {pattern}: Invalid pattern.",
                    rules.value_spot(word),
                    hint="patterns are RE2: no look-ahead, look-behind or back-references",
                )


def _remote_docker(body: JobBody, voice: Voice) -> None:
    """Warn of a remote Docker where one is at hand: orbs have it for jobs of any kind."""
    if body.node.get("machine") is None:
        return
    remote = next((step for step in body.steps if step.kind == "setup_remote_docker"), None)
    if remote is not None:
        voice.report.warning(
            "remote-docker",
            "setup_remote_docker needs a docker executor, and this job runs on a machine.",
            remote.spot,
            hint="leave it out: a machine has a Docker of its own",
        )


_RUNNER_CLASS = re.compile(r"[a-z0-9_\-]+/[a-zA-Z0-9:_\-+]+\Z")


def _job(
    body: JobBody, invocation: Invocation, report: Report, strict: bool, seen: set[int]
) -> None:
    node = body.node
    voice = Voice(report, body.call)
    error = voice.error
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
    docker = node.get("docker")
    known = docker is not None and id(docker) in seen
    found = machine_violations((), node) if body.sound and not known else []
    seen.add(id(docker))
    for violation in found:
        if not strict and violation.text.startswith("extraneous"):
            continue
        where = pointer(("jobs", invocation.call.name, *violation.path))
        error("schema", f"{where} {violation.text}", violation.spot, violation.hint)
    _parallelism(node, voice)
    if not isinstance(node.get("circleci_ip_ranges", False), bool):
        error(
            "ip-ranges",
            "circleci_ip_ranges must be a boolean",
            node.value_spot("circleci_ip_ranges"),
        )
    check_machine(node, voice, strict=strict)
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
    check_steps(body, invocation.call.name, report, strict, seen)
    _remote_docker(body, voice)


def _parallelism(node: Map, voice: Voice) -> None:
    if "parallelism" not in node:
        return
    value = node["parallelism"]
    if not isinstance(value, int) or isinstance(value, bool):
        voice.error(
            "parallelism",
            "parallelism must be an integer or an expression evaluating to an integer",
            node.value_spot("parallelism"),
        )
    elif value < 1:
        spot = node.value_spot("parallelism")
        voice.error("parallelism", "parallelism must be a positive integer", spot)
