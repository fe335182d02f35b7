"""Final names: the `jobs` of a compiled config are one map, so each body needs its own name."""

from __future__ import annotations

from collections.abc import Sequence

from roundel.compiler.invocations import Invocation
from roundel.compiler.workflows import Workflow


class _Entry:
    """One body under a name, and the workflows that use it."""

    __slots__ = ("invocations", "used_in")

    def __init__(self) -> None:
        self.invocations: list[Invocation] = []
        self.used_in: set[int] = set()


def name_jobs(workflows: Sequence[Workflow]) -> None:
    """Give each invocation its final name.

    Within a workflow every invocation has its own.  Workflows share a name where the bodies are
    equal; where they differ, all get suffixes in order, the first one too.
    """
    entries: dict[str, list[_Entry]] = {}
    for index, workflow in enumerate(workflows):
        for invocation in workflow.invocations:
            own = entries.setdefault(invocation.name, [])
            entry = _fitting(own, invocation, index)
            if entry is None:
                entry = _Entry()
                own.append(entry)
            entry.invocations.append(invocation)
            entry.used_in.add(index)
    taken = set(entries)
    for name, own in entries.items():
        if len(own) == 1:
            _call(own[0], name)
            continue
        number = 0
        for entry in own:
            number += 1
            while f"{name}-{number}" in taken:
                number += 1
            taken.add(f"{name}-{number}")
            _call(entry, f"{name}-{number}")


def _fitting(entries: list[_Entry], invocation: Invocation, workflow: int) -> _Entry | None:
    for entry in entries:
        if workflow not in entry.used_in and _same_body(entry.invocations[0], invocation):
            return entry
    return None


def _same_body(one: Invocation, other: Invocation) -> bool:
    if one.body is other.body:
        return True
    if one.body is None or other.body is None:
        return False
    return one.body.node == other.body.node


def _call(entry: _Entry, name: str) -> None:
    for invocation in entry.invocations:
        invocation.final = name
