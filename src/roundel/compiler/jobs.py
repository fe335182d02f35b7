"""Jobs: one invocation's body, with its executor merged in and its steps expanded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from roundel.compiler.executors import MACHINES, executor_body, executor_of
from roundel.compiler.scope import Call, Scope
from roundel.compiler.steps import Step, list_of_steps
from roundel.compiler.substitute import substitute
from roundel.compiler.tree import Map, Node, Seq, Spot, a_map, a_seq, text_of

TYPES_WITHOUT_STEPS = frozenset({"approval", "no-op", "lock", "unlock", "release"})
_NOT_EMITTED = frozenset({"description", "parameters", "steps"})


class JobBody:
    """A job after expansion.  `node` is what the compiled config has of it.

    Of one that is not `sound` a problem was reported already, and what is missing may be its doing.
    """

    __slots__ = ("call", "kind", "node", "sound", "spot", "steps")

    def __init__(
        self,
        kind: str,
        node: Map,
        steps: list[Step],
        spot: Spot,
        call: Call | None,
        *,
        sound: bool,
    ) -> None:
        self.kind = kind
        self.node = node
        self.steps = steps
        self.spot = spot
        self.call = call
        self.sound = sound


def expand_job(
    definition: Map,
    scope: Scope,
    before: Sequence[Step],
    after: Sequence[Step],
) -> JobBody | None:
    """Return the body of a job called in a scope, between the steps that its caller adds."""
    kind = _kind(definition, scope)
    executor: Map | None = None
    if "executor" in definition:
        spot = definition.value_spot("executor")
        meant = executor_of(definition["executor"], scope, spot)
        executor = executor_body(meant, scope, spot) if meant is not None else None
        if executor is None:
            # The steps are looked at all the same, for the problems in them.
            list_of_steps(definition, "steps", scope)
            return None
    steps = [
        *before,
        *list_of_steps(definition, "steps", scope),
        *after,
    ]
    report = scope.run.report
    before_node = report.errors
    node = _node(definition, executor, steps, kind, scope)
    sound = report.errors == before_node
    return JobBody(kind, node, steps, definition.spot(), scope.call, sound=sound)


def _kind(definition: Map, scope: Scope) -> str:
    kind = definition.get("type")
    if isinstance(kind, str):
        made = substitute(kind, scope, definition.value_spot("type"))
        return text_of(made)
    return "build"


def _node(definition: Map, executor: Map | None, steps: list[Step], kind: str, scope: Scope) -> Map:
    """Return the compiled form of a job: its own keys, then what its executor adds."""
    items: dict[str, Node] = {}
    spots = definition.marks
    for key, value in definition.items():
        if key == "executor" and executor is not None:
            spots = dict(spots)
            for name, given in executor.items():
                if name not in definition and name != "environment":
                    items[name] = given
                    if definition.doc is executor.doc and name in executor.marks:
                        spots[name] = executor.marks[name]
        elif key == "environment" or key in _NOT_EMITTED or (key == "type" and kind == "build"):
            pass
        elif isinstance(value, (Map, Seq)) or (isinstance(value, str) and "<<" in value):
            items[key] = substitute(value, scope, definition.value_spot(key))
        else:
            items[key] = value
    environment = _environment(definition, executor, scope)
    if environment is not None:
        items["environment"] = environment
    if "steps" in definition or steps:
        items["steps"] = _emitted(steps, definition)
    macos = items.get("macos")
    if isinstance(macos, Map) and isinstance(macos.get("xcode"), (int, float)):
        # A version is a text, and `15.3` is one that many write without quotes.
        items["macos"] = macos.with_values({**macos, "xcode": text_of(macos["xcode"])})
    node = definition.with_items(items)
    node.marks = spots
    return node


def _environment(definition: Map, executor: Map | None, scope: Scope) -> Node:
    """Return the environment as a list of single pairs; the job's own variables win.

    A version 2 file keeps its own form.
    """
    mine = definition.get("environment")
    if not scope.elements.templating:
        return mine
    theirs = executor.get("environment") if executor is not None else None
    if mine is None and theirs is None:
        return None
    if mine is not None:
        mine = substitute(mine, scope, definition.value_spot("environment"))
    # Anchors share one environment between many jobs; its pairs are made once.  What was made is
    # kept beside what it was made of, whose identity then cannot pass to anything else.
    key = ("environment", id(mine), id(theirs))
    known = scope.run.caches.get(key)
    if isinstance(known, tuple):
        return cast(Seq, known[0])
    if executor is not None and "environment" in executor and mine is None:
        spot = executor.value_spot("environment")
    else:
        spot = definition.value_spot("environment")
    pairs = dict(pairs_of(theirs))
    pairs.update(pairs_of(mine))
    made = a_seq([_pair(name, value, mine, theirs, spot) for name, value in pairs.items()], spot)
    scope.run.caches[key] = (made, mine, theirs)
    return made


def _pair(name: str, value: Node, mine: Node, theirs: Node, spot: Spot) -> Map:
    for source in (mine, theirs):
        if isinstance(source, Map) and name in source:
            made = a_map({name: value}, source.key_spot(name))
            marks = source.marks.get(name)
            if marks is not None:
                made.marks = {name: marks}
            return made
    return a_map({name: value}, spot)


def pairs_of(node: Node) -> list[tuple[str, Node]]:
    """Return the variables of an `environment:` in any of its forms."""
    if isinstance(node, Map):
        return list(node.items())
    pairs: list[tuple[str, Node]] = []
    if isinstance(node, Seq):
        for item in node:
            if isinstance(item, Map):
                pairs += item.items()
            elif isinstance(item, str) and "=" in item:
                name, _, value = item.partition("=")
                pairs.append((name, value))
    elif isinstance(node, str):
        for word in node.split():  # `environment: A=b C=d`, folded over lines
            name, sign, value = word.partition("=")
            if sign:
                pairs.append((name, value))
    return pairs


def _emitted(steps: list[Step], definition: Map) -> Seq:
    made = a_seq([step.node for step in steps], definition.value_spot("steps"))
    made.marks = [step.spot.mark for step in steps]
    return made


def has_machine(node: Map) -> bool:
    """Tell whether a job says where it runs."""
    return any(kind in node for kind in MACHINES)
