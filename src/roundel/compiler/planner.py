"""From expanded workflows to the plan: what a runner needs, with no YAML left."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from roundel.compiler.builtins import TEXT_KEYS, step_name
from roundel.compiler.element_schema import AUTH_KEYS
from roundel.compiler.filters import why_filtered
from roundel.compiler.invocations import Invocation, statuses_of
from roundel.compiler.jobs import TYPES_WITHOUT_STEPS, JobBody, pairs_of
from roundel.compiler.scanning import Value
from roundel.compiler.steps import Step
from roundel.compiler.tree import Map, Node, Seq, plain, text_of
from roundel.compiler.workflows import DroppedWorkflow, Workflow, auto_reruns, trigger_list
from roundel.domain.plan import (
    Dropped,
    ExecutorKind,
    ExecutorPlan,
    ImagePlan,
    JobPlan,
    JobType,
    Json,
    Plan,
    Requirement,
    SlotPlan,
    StepPlan,
    When,
    WorkflowPlan,
)


class _Known:
    """Parts of plans by the identity of the nodes that they were made of, which are shared."""

    def __init__(self) -> None:
        self.steps: dict[int, StepPlan] = {}
        self.executors: dict[int, ExecutorPlan] = {}


def make_plan(
    workflows: Sequence[Workflow],
    dropped: Sequence[DroppedWorkflow],
    values: Mapping[str, Value],
    parameters: Mapping[str, Value],
    *,
    setup: bool,
) -> Plan:
    """Return the plan of a pipeline.  `values` are the pipeline's, its parameters included."""
    jobs: dict[str, JobPlan] = {}
    plans: list[WorkflowPlan] = []
    known = _Known()
    for workflow in workflows:
        for invocation in workflow.invocations:
            if invocation.body is not None and invocation.final not in jobs:
                jobs[invocation.final] = job_plan(invocation.final, invocation.body, known)
        plans.append(_workflow(workflow, values))
    return Plan(
        workflows=tuple(plans),
        jobs=jobs,
        dropped=tuple(
            Dropped(workflow=d.name, reason=d.reason, at=d.spot.place()) for d in dropped
        ),
        setup=setup,
        parameters={name: _json(value) for name, value in parameters.items()},
    )


def _json(value: Value) -> Json:
    return value if isinstance(value, (str, bool, int, float)) else None


def _workflow(workflow: Workflow, values: Mapping[str, Value]) -> WorkflowPlan:
    excluded = _excluded(workflow.invocations, values)
    return WorkflowPlan(
        name=workflow.name,
        slots=tuple(_slot(i, excluded) for i in workflow.invocations),
        max_auto_reruns=auto_reruns(workflow),
        schedules=tuple(
            schedule
            for trigger in trigger_list(workflow)
            if isinstance(trigger, Map)
            and isinstance(schedule := plain(trigger.get("schedule")), dict)
        ),
        at=workflow.spot.place(),
    )


def _excluded(invocations: Sequence[Invocation], values: Mapping[str, Value]) -> dict[int, str]:
    """Return why jobs do not run: by their own filter, or since nothing that they require runs.

    A job that is left out counts as absent: others run as if they did not require it, unless it
    was all that they required.
    """
    excluded: dict[int, str] = {}
    for invocation in invocations:
        filters = invocation.keys.get("filters")
        reason = why_filtered(filters, values)
        if reason is not None:
            excluded[id(invocation)] = reason
    if excluded:
        _spread(invocations, excluded)
    return excluded


def _spread(invocations: Sequence[Invocation], excluded: dict[int, str]) -> None:
    """Exclude the jobs of whose requirements nothing is left, and those who require only them."""
    followers: dict[int, list[Invocation]] = {}
    left: dict[int, int] = {}
    for invocation in invocations:
        left[id(invocation)] = len(invocation.resolved)
        for other, _ in invocation.resolved:
            followers.setdefault(id(other), []).append(invocation)
    waiting = list(excluded)
    while waiting:
        for follower in followers.get(waiting.pop(), ()):
            left[id(follower)] -= 1
            if left[id(follower)] == 0 and id(follower) not in excluded:
                names = ", ".join(other.final for other, _ in follower.resolved[:20])
                excluded[id(follower)] = f"none of the jobs that it requires runs: {names}"
                waiting.append(id(follower))


def _slot(invocation: Invocation, excluded: Mapping[int, str]) -> SlotPlan:
    reason = excluded.get(id(invocation))
    required = [
        (other, status)
        for other, status in invocation.resolved
        if reason is not None or id(other) not in excluded
    ]
    serial = invocation.keys.get("serial-group")
    return SlotPlan(
        name=invocation.final,
        type=_job_type(invocation.type),
        job=invocation.final if invocation.body is not None else None,
        requires=tuple(
            Requirement(job=other.final, statuses=statuses_of(status) or ("success",))
            for other, status in required
        ),
        contexts=_texts(invocation.keys.get("context")),
        serial_group=text_of(serial) if serial is not None else None,
        job_group=invocation.group_name if serial is not None else None,
        excluded=reason,
        at=invocation.spot.place(),
    )


_JOB_TYPES = {kind.value: kind for kind in JobType}


def _job_type(kind: str) -> JobType:
    return _JOB_TYPES.get(kind, JobType.BUILD)


def _texts(node: Node) -> tuple[str, ...]:
    if node is None:
        return ()
    if isinstance(node, Seq):
        return tuple(text_of(item) for item in node if item is not None)
    return (text_of(node),)


_KNOWN_KEYS = frozenset(
    {
        "docker",
        "machine",
        "macos",
        "environment",
        "steps",
        "shell",
        "working_directory",
        "parallelism",
        "resource_class",
        "type",
        "executor",
    }
)


def job_plan(name: str, body: JobBody, known: _Known) -> JobPlan:
    """Return a job as its runner needs it; `known` has the parts of earlier jobs."""
    node = body.node
    parallelism = node.get("parallelism")
    return JobPlan(
        name=name,
        type=_job_type(body.kind),
        executor=_executor(node, body.kind, known.executors),
        steps=tuple([step_plan(step, known.steps) for step in body.steps]),
        environment=_environment(node.get("environment")),
        working_directory=_text(node.get("working_directory")),
        shell=_shell(node.get("shell")) or _machine_key(node, "shell"),
        parallelism=parallelism if isinstance(parallelism, int) and parallelism > 0 else 1,
        resource_class=_text(node.get("resource_class")) or _machine_key(node, "resource_class"),
        extra={key: plain(value) for key, value in node.items() if key not in _KNOWN_KEYS},
        at=body.spot.place(),
    )


def _text(node: Node) -> str | None:
    return None if node is None or isinstance(node, (Map, Seq)) else text_of(node)


def _shell(node: Node) -> str | None:
    if isinstance(node, Seq):
        return shlex.join(text_of(item) for item in node)
    return _text(node)


def _machine_key(node: Map, key: str) -> str | None:
    """Return a key that may also stand inside of `machine:` or `macos:`."""
    for kind in ("machine", "macos"):
        found = node.get(kind)
        if isinstance(found, Map):
            return _shell(found.get(key))
    return None


def _environment(node: Node) -> dict[str, str]:
    return {name: text_of(value) for name, value in pairs_of(node) if value is not None}


def _executor(node: Map, kind: str, known: dict[int, ExecutorPlan]) -> ExecutorPlan:
    if kind in TYPES_WITHOUT_STEPS:
        return ExecutorPlan(kind=ExecutorKind.NONE)
    docker = node.get("docker")
    if isinstance(docker, Seq):
        if id(docker) not in known:
            images = tuple(_image(entry) for entry in docker if isinstance(entry, Map))
            known[id(docker)] = ExecutorPlan(kind=ExecutorKind.DOCKER, images=images)
        return known[id(docker)]
    for name in (ExecutorKind.MACHINE, ExecutorKind.MACOS):
        if name.value in node:
            return ExecutorPlan(kind=name, machine=_machine(node[name.value]))
    return ExecutorPlan(kind=ExecutorKind.NONE)


def _machine(node: Node) -> dict[str, Json]:
    if isinstance(node, Map):
        return {key: plain(value) for key, value in node.items()}
    return {"image": node} if isinstance(node, str) else {}


def _image(entry: Map) -> ImagePlan:
    found = next((node for key in AUTH_KEYS if isinstance(node := entry.get(key), Map)), None)
    return ImagePlan(
        image=text_of(entry.get("image")),
        name=_text(entry.get("name")),
        entrypoint=_command(entry.get("entrypoint")),
        command=_command(entry.get("command")),
        user=_text(entry.get("user")),
        environment=_environment(entry.get("environment")),
        auth={k: text_of(v) for k, v in found.items()} if found is not None else None,
    )


def _command(node: Node) -> tuple[str, ...] | None:
    if node is None:
        return None
    if isinstance(node, Seq):
        return tuple(text_of(item) for item in node)
    text = text_of(node)
    try:
        return tuple(shlex.split(text))
    except ValueError:  # an open quote; the container's own shell may still understand it
        return (text,)


_WHEN = {"on_success": When.ON_SUCCESS, "on_fail": When.ON_FAIL, "always": When.ALWAYS}

# What a job produced is kept also if it failed.
_ALWAYS = frozenset({"store_artifacts", "store_test_results"})


def step_plan(step: Step, known: dict[int, StepPlan]) -> StepPlan:
    """Return a step as its runner needs it, its arguments in one form.

    `known` has the steps whose body was seen before: calls alike share their bodies.
    """
    body = step.body
    if body is not None and id(body) in known:
        return known[id(body)]
    made = _step_plan(step)
    if isinstance(body, Map):
        known[id(body)] = made
    return made


def _step_plan(step: Step) -> StepPlan:
    args = _arguments(step.kind, step.body)
    when = args.get("when")
    default = When.ALWAYS if step.kind in _ALWAYS else When.ON_SUCCESS
    return StepPlan(
        kind=step.kind,
        name=step_name(step.kind, args),
        when=_WHEN.get(when, default) if isinstance(when, str) else default,
        args=args,
        at=step.spot.place(),
    )


_LIST_KEYS = frozenset({"paths", "keys", "fingerprints"})


def _arguments(kind: str, body: Node) -> dict[str, Json]:
    if isinstance(body, Map):
        made: dict[str, Json] = dict(body)  # type: ignore[arg-type]
        for key, value in body.items():
            if type(value) is str and key not in _LIST_KEYS:
                continue  # most values, which are right as they are
            if key in _LIST_KEYS:
                made[key] = [*_texts(value)]
            elif key == "environment":
                made[key] = dict(_environment(value))
            elif key == "shell" and isinstance(value, Seq):
                made[key] = _shell(value)
            elif key in TEXT_KEYS and isinstance(value, (bool, int, float)):
                made[key] = text_of(value)
            else:
                made[key] = plain(value)
        return made
    if body is None:
        return {}
    if kind in ("run", "deploy"):
        return {"command": text_of(body) if not isinstance(body, Seq) else ""}
    return {}
