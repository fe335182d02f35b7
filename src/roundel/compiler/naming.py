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


class _Name:
    """All that is called by one name."""

    __slots__ = ("by_body", "entries")

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        # Empty until the name is used a second time, which most are not.
        self.by_body: dict[str, list[_Entry]] = {}

    def add(self, invocation: Invocation, workflow: int) -> None:
        """Add an invocation to the entry whose body it shares, or to a new one."""
        entry = self._fitting(invocation, workflow) if self.entries else None
        if entry is None:
            entry = _Entry()
            self.entries.append(entry)
            if len(self.entries) > 1:
                self.by_body.setdefault(_body_of(invocation), []).append(entry)
        entry.invocations.append(invocation)
        entry.used_in.add(workflow)

    def _fitting(self, invocation: Invocation, workflow: int) -> _Entry | None:
        first = self.entries[0]
        if workflow not in first.used_in and first.invocations[0].body is invocation.body:
            return first
        if not self.by_body:
            self.by_body[_body_of(first.invocations[0])] = [first]
        for entry in self.by_body.get(_body_of(invocation), ()):
            if workflow not in entry.used_in:
                return entry
        return None


def _body_of(invocation: Invocation) -> str:
    return repr(invocation.body.node) if invocation.body is not None else ""


def name_jobs(workflows: Sequence[Workflow]) -> None:
    """Give each invocation its final name.

    Within a workflow every invocation has its own.  Workflows share a name where the bodies are
    equal; where they differ, all get suffixes in order, the first one too.
    """
    names: dict[str, _Name] = {}
    for index, workflow in enumerate(workflows):
        for invocation in workflow.invocations:
            names.setdefault(invocation.name, _Name()).add(invocation, index)
    taken = set(names)
    for name, own in names.items():
        if len(own.entries) == 1:
            _call(own.entries[0], name)
            continue
        number = 0
        for entry in own.entries:
            number += 1
            while f"{name}-{number}" in taken:
                number += 1
            taken.add(f"{name}-{number}")
            _call(entry, f"{name}-{number}")


def _call(entry: _Entry, name: str) -> None:
    for invocation in entry.invocations:
        invocation.final = name
