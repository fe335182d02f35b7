"""Requirements between the jobs of a workflow: who is meant, and whether all can ever run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roundel.compiler.invocations import Invocation, Required
from roundel.compiler.report import Hint, Report, nearest
from roundel.compiler.workflows import Workflow

_Group = list[Invocation]


def resolve_requires(workflow: Workflow, report: Report) -> None:
    """Tie every `requires` of a workflow to the invocations that are meant; report the rest.

    Names are matched as they were written, before they are made unique.
    """
    outside = _candidates(
        [i for i in workflow.invocations if i.group is None],
        {alias: list(groups) for alias, groups in workflow.groups.items()},
    )
    inside: dict[int, dict[str, list[_Group]]] = {}
    for invocation in workflow.invocations:
        own = outside
        wanted = invocation.requires
        seen: set[int] = set()  # a job that is required twice is required once
        if invocation.group is not None:
            own = inside.setdefault(
                id(invocation.group), _candidates(invocation.group, invocation.group_aliases)
            )
        for required in wanted:
            _resolve(invocation, required, seen, own, workflow, report)
        if invocation.group is not None and not wanted:
            # A member that waits for no other member waits for what the group waits for.
            for required in invocation.group_requires:
                _resolve(invocation, required, seen, outside, workflow, report)
    _check_reachable(workflow, report)


def _candidates(
    invocations: Sequence[Invocation], aliases: Mapping[str, list[_Group]]
) -> dict[str, list[_Group]]:
    """Return what each name may mean: single invocations and groups of them."""
    found: dict[str, list[_Group]] = {name: list(groups) for name, groups in aliases.items()}
    grouped = {
        alias: {id(member) for group in groups for member in group}
        for alias, groups in aliases.items()
    }
    for invocation in invocations:
        # A matrix of one member, named like its alias, is one thing and not two.
        if id(invocation) not in grouped.get(invocation.name, ()):
            found.setdefault(invocation.name, []).append([invocation])
    return found


def _resolve(
    invocation: Invocation,
    required: Required,
    seen: set[int],
    candidates: Mapping[str, list[_Group]],
    workflow: Workflow,
    report: Report,
) -> None:
    groups = [
        others
        for group in candidates.get(required.name, ())
        if (others := [other for other in group if other is not invocation]) or not group
    ]
    if len(groups) == 1:
        for other in groups[0]:
            if id(other) not in seen:
                seen.add(id(other))
                invocation.resolved.append((other, required.status))
        return
    message = (
        f"Job '{invocation.name}' requires '{required.name}', which is the name of"
        f" {len(groups)} other jobs in workflow '{workflow.name}'"
    )
    hint: Hint | str | None = None
    if groups:
        message += "\nYou can give a job within a workflow an explicit name by adding a name key"
    elif required.name == invocation.name:
        hint = "a job cannot require itself"
    else:
        hint = nearest(required.name, candidates)
    report.error("requires", message, required.spot, hint=hint)


def _check_reachable(workflow: Workflow, report: Report) -> None:
    """Report jobs that wait for each other in a circle."""
    if not workflow.invocations:
        return
    waiting = {id(i): len(i.resolved) for i in workflow.invocations}
    followers: dict[int, list[Invocation]] = {}
    for invocation in workflow.invocations:
        for other, _ in invocation.resolved:
            followers.setdefault(id(other), []).append(invocation)
    ready = [i for i in workflow.invocations if waiting[id(i)] == 0]
    nobody_free = not ready
    reached = 0
    while ready:
        done = ready.pop()
        reached += 1
        for follower in followers.get(id(done), ()):
            waiting[id(follower)] -= 1
            if waiting[id(follower)] == 0:
                ready.append(follower)
    if reached == len(workflow.invocations):
        return
    stuck = [i for i in workflow.invocations if waiting[id(i)] > 0]
    lines = ["At least one job in the workflow must have no dependencies."] if nobody_free else []
    lines.append(f"The following jobs are unreachable: {', '.join(i.name for i in stuck)}")
    report.error("unreachable", "\n".join(lines), stuck[0].spot)
