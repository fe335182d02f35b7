"""The compiled config as a tree: what `emit` writes and what is served as processed config."""

from __future__ import annotations

from collections.abc import Sequence

from roundel.compiler.invocations import Invocation
from roundel.compiler.tree import Map, Node, a_map, a_seq
from roundel.compiler.workflows import Workflow, written_workflows

_KEPT_WORKFLOW_KEYS = ("triggers", "max_auto_reruns")


def compiled_document(root: Map, workflows: Sequence[Workflow]) -> Map:
    """Return the compiled config of the workflows that run."""
    items: dict[str, Node] = {"version": 2}
    if root.get("setup") is True:
        items["setup"] = True
    jobs: dict[str, Node] = {}
    for workflow in workflows:
        for invocation in workflow.invocations:
            if invocation.body is not None:
                jobs.setdefault(invocation.final, invocation.body.node)
    items["jobs"] = a_map(jobs, root.value_spot("jobs"))
    items["workflows"] = _workflows(root, workflows)
    return a_map(items, root.spot())


def _workflows(root: Map, workflows: Sequence[Workflow]) -> Map:
    written = written_workflows(root)
    by_name = {workflow.name: workflow for workflow in workflows}
    items: dict[str, Node] = {}
    for name in written:
        if name == "version":
            items["version"] = 2
        elif name in by_name:
            items[name] = _workflow(by_name[name])
    items.setdefault("version", 2)
    return a_map(items, written.spot())


def _workflow(workflow: Workflow) -> Map:
    items: dict[str, Node] = {}
    for key, value in workflow.node.items():
        if key == "jobs":
            entries = [_entry(invocation) for invocation in workflow.invocations]
            items["jobs"] = a_seq(entries, workflow.node.value_spot("jobs"))
        elif key in _KEPT_WORKFLOW_KEYS:
            items[key] = value
    return workflow.node.with_items(items)


def _entry(invocation: Invocation) -> Node:
    keys: dict[str, Node] = {}
    for key in invocation.order:
        if key == "requires":
            _add_requires(keys, invocation)
        elif key in invocation.keys:
            keys[key] = invocation.keys[key]
    _add_requires(keys, invocation)
    for key, value in invocation.keys.items():
        keys.setdefault(key, value)
    if not keys:
        return invocation.final
    return a_map({invocation.final: a_map(keys, invocation.spot)}, invocation.spot)


def _add_requires(keys: dict[str, Node], invocation: Invocation) -> None:
    if "requires" in keys or not invocation.resolved:
        return
    entries: list[Node] = []
    for other, status in invocation.resolved:
        if status is None:
            entries.append(other.final)
        else:
            entries.append(a_map({other.final: status}, invocation.spot))
    keys["requires"] = a_seq(entries, invocation.spot)
