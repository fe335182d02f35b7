"""Where a part of a compiled config came from, and why something is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from roundel.compiler.builtins import step_name
from roundel.compiler.tree import Map, Node, Seq, Spot
from roundel.domain.plan import Place, SlotPlan
from roundel.domain.records import dataclass

if TYPE_CHECKING:
    from roundel.compiler.invocations import Invocation
    from roundel.compiler.passes import Compiled, Trace
    from roundel.compiler.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One call on the way: of a workflow, job, command; the last one is the thing itself."""

    kind: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The way to a job or step, once per workflow that has it; or why it is not there.

    `found` is False if there is nothing of that name, also nothing that was left out.
    """

    target: str
    found: bool
    ways: tuple[tuple[Link, ...], ...] = ()
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the explanation for people."""
        lines: list[str] = []
        for way in self.ways:
            for depth, link in enumerate(way):
                place = link.place
                where = f"{place.file}:{place.line}:{place.column}"
                lines.append(f"{'  ' * depth}{link.kind} {link.name}  ({where})")
        lines += self.notes
        return "\n".join(lines)


def explain(compiled: Compiled, target: str) -> Explanation:
    """Explain a job or a step: `JOB`, `JOB:3` or `JOB:step name`, or a workflow by its name.

    The config must have been compiled with the option `trace`.
    """
    trace, plan = compiled.trace, compiled.plan
    if trace is None or plan is None:
        return Explanation(
            target=target,
            found=False,
            notes=tuple(problem.message for problem in compiled.errors),
        )
    names = {i.final for workflow in trace.workflows for i in workflow.invocations}
    job, _, step = (target, "", "") if target in names else target.partition(":")
    ways: list[tuple[Link, ...]] = []
    notes: list[str] = []
    left_out: list[str] = []
    has_job = False
    for workflow, slots in zip(trace.workflows, plan.workflows, strict=True):
        for invocation, slot in zip(workflow.invocations, slots.slots, strict=True):
            # A final name is one job; another name may mean all that were made of a definition.
            if job in ((invocation.final,) if job in names else _names_of(invocation)):
                has_job = True
                ways += _ways(invocation, step)
                notes += _slot_notes(workflow.name, slot)
                left_out += _steps_left_out(trace, workflow.name, invocation, step)
    notes += left_out
    if not step:
        notes += _members_left_out(trace, job)
    if not ways:
        notes += _absences(compiled, job)
    found = bool(ways or notes)
    if not found and not has_job:
        notes.append(f"There is no job or workflow named '{job}' in this config.")
    elif step and not ways and not left_out:
        notes.append(f"The job '{job}' has no step '{step}'.")
    return Explanation(target=target, found=found, ways=tuple(ways), notes=tuple(notes))


def _names_of(invocation: Invocation) -> tuple[str, str]:
    return (invocation.name, invocation.call.name)


def _ways(invocation: Invocation, step: str) -> Iterator[tuple[Link, ...]]:
    calls = [Link(kind=c.kind, name=c.name, place=c.spot.place()) for c in invocation.call]
    body = invocation.body
    if not step:
        if body is not None:
            calls.append(Link(kind="definition of", name=calls[-1].name, place=body.spot.place()))
        yield tuple(calls)
        return
    for number, found in enumerate(body.steps if body is not None else (), 1):
        shown = _shown_name(found)
        if step in (str(number), shown):
            # A cached body has the calls of its first use; the way begins with this one.
            inner = [c for c in found.call or () if c.kind == "command"]
            way = [*calls, *(Link(kind=c.kind, name=c.name, place=c.spot.place()) for c in inner)]
            way.append(Link(kind=found.kind, name=shown, place=found.spot.place()))
            yield tuple(way)


def _shown_name(step: Step) -> str:
    return step_name(step.kind, step.body if isinstance(step.body, Map) else {})


def _slot_notes(workflow: str, slot: SlotPlan) -> list[str]:
    if slot.excluded is None:
        return []
    return [f"In workflow '{workflow}' the job '{slot.name}' does not run: {slot.excluded}."]


def _steps_left_out(
    trace: Trace, workflow: str, invocation: Invocation, step: str
) -> Iterator[str]:
    """Return which steps of a job are left out, and why; only those that may be `step`."""
    for left_out in trace.left_out:
        if left_out.name is not None or invocation.call not in (left_out.call or ()):
            continue
        names = _steps_in(left_out.node)
        if step and step not in names:
            continue
        what = f"the step '{step}' is" if step else f"{', '.join(names) or 'steps'} are"
        yield (
            f"In workflow '{workflow}', job '{invocation.final}', {what} left out at"
            f" {_where(left_out.spot)}: {left_out.reason}."
        )


def _steps_in(node: Node) -> list[str]:
    """Return the names of the steps in a list of them, those under conditions too."""
    names: list[str] = []
    for item in node if isinstance(node, Seq) else ():
        if isinstance(item, str):
            names.append(item)
        elif isinstance(item, Map):
            for kind, body in item.items():
                if kind in ("when", "unless") and isinstance(body, Map):
                    names += _steps_in(body.get("steps"))
                elif kind == "steps":
                    names += _steps_in(body)
                elif kind == "run" and not isinstance(body, Map):
                    names.append(str(body))
                else:
                    names.append(step_name(kind, body if isinstance(body, Map) else {}))
    return names


def _members_left_out(trace: Trace, job: str) -> Iterator[str]:
    """Return which members of a job's matrices are left out; a member may be asked for by name."""
    for left_out in trace.left_out:
        call = left_out.call
        if left_out.name is None or call is None or job not in (left_out.name, call.name):
            continue
        workflow = next(iter(call)).name
        which = "a member" if left_out.name == call.name else f"the member '{left_out.name}'"
        yield (
            f"In workflow '{workflow}', {which} of the matrix of '{call.name}' is left out at"
            f" {_where(left_out.spot)}: {left_out.reason}."
        )


def _where(spot: Spot) -> str:
    place = spot.place()
    return f"{place.file}:{place.line}"


def _absences(compiled: Compiled, wanted: str) -> list[str]:
    """Return why a workflow, or the workflows that would have had a job, do not run."""
    assert compiled.trace is not None  # noqa: S101 - the caller has looked
    return [
        f"The workflow '{dropped.name}' does not run: {dropped.reason}."
        for dropped in compiled.trace.dropped
        if wanted == dropped.name or wanted in _named_in(dropped.node)
    ]


def _named_in(node: Node) -> set[str]:
    """Return the jobs that a workflow's text names."""
    entries = node.get("jobs") if isinstance(node, Map) else None
    names: set[str] = set()
    for entry in entries if isinstance(entries, Seq) else ():
        if isinstance(entry, str):
            names.add(entry)
        elif isinstance(entry, Map):
            for job, keys in entry.items():
                names.add(job)
                given = keys.get("name") if isinstance(keys, Map) else None
                if isinstance(given, str):
                    names.add(given)
    return names


def source_map(root: Map) -> dict[str, Place]:
    """Return where each part of a compiled config was written, by its path of keys and indexes."""
    found: dict[str, Place] = {}
    waiting: list[tuple[str, Node, Spot]] = [("", root, root.spot())]
    while waiting:
        path, node, spot = waiting.pop()
        found[path] = spot.place()
        found_inside = _inside(path, node)
        waiting.extend(reversed(found_inside))
    return found


def _inside(path: str, node: Node) -> Sequence[tuple[str, Node, Spot]]:
    start = f"{path}." if path else ""
    if isinstance(node, Map):
        return [(f"{start}{key}", node[key], node.key_spot(key)) for key in node]
    if isinstance(node, Seq):
        return [(f"{path}[{at}]", item, node.item_spot(at)) for at, item in enumerate(node)]
    return []
