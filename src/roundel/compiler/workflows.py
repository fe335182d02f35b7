"""Workflows: which of them run, and the invocations of each."""

from __future__ import annotations

from collections.abc import Mapping

from roundel.compiler.invocations import Invocation, expand_invocation
from roundel.compiler.logic import workflow_condition
from roundel.compiler.mentions import with_values
from roundel.compiler.scope import Call, Elements, Run, Scope
from roundel.compiler.tree import Map, Node, Seq, Spot, a_map, a_seq, type_word

IMPLICIT_NAME = "workflow"
IMPLICIT_JOB = "build"


class Workflow:
    """A workflow that is kept, with its invocations in order."""

    __slots__ = ("call", "groups", "invocations", "name", "node", "spot")

    def __init__(self, name: str, node: Map, spot: Spot, call: Call) -> None:
        self.name = name
        self.node = node
        self.spot = spot
        self.call = call
        self.invocations: list[Invocation] = []
        # Name -> what a `requires` of that name waits for: a matrix, a job group.
        self.groups: dict[str, list[list[Invocation]]] = {}


class DroppedWorkflow:
    """A workflow that does not run, and why."""

    __slots__ = ("name", "node", "reason", "spot")

    def __init__(self, name: str, reason: str, spot: Spot, node: Map) -> None:
        self.name = name
        self.node = node
        self.reason = reason
        self.spot = spot


def expand_workflows(
    root: Map, elements: Elements, run: Run
) -> tuple[list[Workflow], list[DroppedWorkflow]]:
    """Return the workflows whose conditions hold, expanded, and those that do not run."""
    kept: list[Workflow] = []
    dropped: list[DroppedWorkflow] = []
    written = written_workflows(root)
    for name, node in written.items():
        if name == "version":
            continue
        spot = written.key_spot(name)
        body = _body(node, written, name, run)
        if body is None:
            continue
        call = Call("workflow", name, spot, None)
        scope = Scope(run, elements, call)
        reason = _dropped_because(body, scope)
        if reason is not None:
            dropped.append(DroppedWorkflow(name, reason, spot, body))
            continue
        workflow = Workflow(name, body, spot, call)
        before = run.report.errors
        _expand_jobs(workflow, body, scope, root)
        if workflow.invocations or run.report.errors > before:
            kept.append(workflow)
        else:
            reason = "its matrices leave it without jobs"
            dropped.append(DroppedWorkflow(name, reason, spot, body))
    return kept, dropped


def written_workflows(root: Map) -> Map:
    """Return the `workflows:` of a config, or the one that is meant where there is none."""
    found = root.get("workflows")
    if isinstance(found, Map):
        return found
    jobs = root.get("jobs")
    name = implicit_job(jobs)
    spot = root.spot()
    if isinstance(jobs, Map):
        spot = jobs.key_spot(name) if name in jobs else jobs.spot()
    entries = a_seq([name], spot)
    body = a_map({"jobs": entries}, spot)
    items: dict[str, Node] = {"version": 2}
    items[IMPLICIT_NAME] = body
    return a_map(items, spot)


def implicit_job(jobs: Node) -> str:
    """Return the job that runs where there are no workflows: `build`.

    CircleCI knows no other.  A config with one job of another name can only mean that one, so it
    is taken instead of an error.
    """
    if isinstance(jobs, Map) and IMPLICIT_JOB not in jobs and len(jobs) == 1:
        return next(iter(jobs))
    return IMPLICIT_JOB


def _body(node: Node, written: Map, name: str, run: Run) -> Map | None:
    if isinstance(node, Map):
        return node
    if isinstance(node, Seq):
        run.report.warning(
            "workflow-list",
            f"The workflow '{name}' is a list; it is read as if the list was its `jobs`.",
            node.spot(),
        )
        return a_map({"jobs": node}, node.spot())
    run.report.error(
        "workflow-shape",
        "ERROR IN CONFIG FILE:\n"
        f"[#/workflows/{name}] expected type: Mapping, found: {type_word(node)}",
        written.value_spot(name),
    )
    return None


def _dropped_because(body: Map, scope: Scope) -> str | None:
    """Return why a workflow does not run, None if it does."""
    for key, wanted in (("when", True), ("unless", False)):
        if key not in body or not scope.elements.templating:
            continue
        before = scope.run.report.errors
        value = workflow_condition(body[key], scope, body.value_spot(key))
        if value is not wanted and scope.run.report.errors == before:
            result = "true" if value else "false"
            return f"its `{key}` is {result}: {with_values(body[key], scope.lookup)}"
    return None


def _expand_jobs(workflow: Workflow, body: Map, scope: Scope, root: Map) -> None:
    entries = body.get("jobs")
    if not isinstance(entries, Seq):
        scope.error(
            "workflow-jobs",
            f"expected type: Sequence, found: {type_word(entries)}"
            if "jobs" in body
            else "required key [jobs] not found",
            body.value_spot("jobs"),
        )
        return
    job_groups = root.get("job-groups")
    groups: Mapping[str, Node] = job_groups if isinstance(job_groups, Map) else {}
    for index, entry in enumerate(entries):
        name, given, spot = entry_of(entry, entries, index, scope)
        if name is None:
            continue
        if name in groups and scope.elements.templating:
            _expand_group(workflow, name, groups, given, spot, scope)
            continue
        made, alias = expand_invocation(name, given, spot, scope)
        workflow.invocations += made
        if alias is not None:
            workflow.groups.setdefault(alias, []).append(made)


def entry_of(
    entry: Node, entries: Seq, index: int, scope: Scope
) -> tuple[str | None, Map | None, Spot]:
    """Return the job's name, the keys and the place of one entry of a workflow's jobs."""
    spot = entries.item_spot(index)
    if isinstance(entry, str):
        return entry, None, spot
    if isinstance(entry, Map) and len(entry) == 1:
        (name, given), *_ = entry.items()
        spot = entry.key_spot(name)
        if given is None or isinstance(given, Map):
            return name, given, spot
        scope.error(
            "invocation",
            f"expected type: Mapping, found: {type_word(given)}",
            entry.value_spot(name),
        )
        return None, None, spot
    if isinstance(entry, Map) and entry:
        first = next(iter(entry))
        scope.error(
            "invocation",
            f"A job in a workflow must have exactly one key, found: {', '.join(list(entry)[:8])}",
            spot,
            hint=f"indent the keys that belong to `{first}` by two more columns",
        )
        return None, None, spot
    scope.error("invocation", f"expected type: String, found: {type_word(entry)}", spot)
    return None, None, spot


_GROUP_KEYS = ("name", "requires", "serial-group")


def _expand_group(
    workflow: Workflow,
    name: str,
    groups: Mapping[str, Node],
    given: Map | None,
    spot: Spot,
    scope: Scope,
) -> None:
    """Put a job group's jobs in place; requiring the group means requiring all of them."""
    definition = groups[name]
    entries = definition.get("jobs") if isinstance(definition, Map) else None
    if not isinstance(entries, Seq):
        scope.error("job-group", f"The job group {name} must have a list of jobs", spot)
        return
    for key in given or ():
        if key not in _GROUP_KEYS:
            scope.error(
                "job-group",
                f"extraneous key [{key}] is not permitted",
                given.key_spot(key) if given is not None else spot,
                hint=f"a job group takes only: {', '.join(_GROUP_KEYS)}",
            )
    call = Call("job-group", name, spot, scope.call)
    inner = scope.inside(call)
    members: list[Invocation] = []
    aliases: dict[str, list[list[Invocation]]] = {}
    for index, entry in enumerate(entries):
        member, keys, at = entry_of(entry, entries, index, inner)
        if member is None:
            continue
        if member in groups:
            inner.error("job-group", f"The job group {name} cannot contain a job group", at)
            continue
        made, alias = expand_invocation(member, keys, at, inner)
        members += made
        if alias is not None:
            aliases.setdefault(alias, []).append(made)
    outside, _ = expand_invocation(name, given, spot, scope, group=True)
    for invocation in members:
        invocation.group = members
        invocation.group_aliases = aliases
        invocation.group_name = outside[0].name if outside else name
        invocation.group_requires = outside[0].requires if outside else []
        if outside and "serial-group" in outside[0].keys:
            invocation.keys.setdefault("serial-group", outside[0].keys["serial-group"])
    workflow.invocations += members
    shown_name = outside[0].name if outside else name
    workflow.groups.setdefault(shown_name, []).append(members)


def trigger_list(workflow: Workflow) -> list[Node]:
    """Return the entries of a workflow's `triggers:`."""
    found = workflow.node.get("triggers")
    return list(found) if isinstance(found, Seq) else []


def auto_reruns(workflow: Workflow) -> int:
    """Return a workflow's `max_auto_reruns`, 0 if it has none."""
    found = workflow.node.get("max_auto_reruns")
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
