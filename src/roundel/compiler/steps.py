"""Steps: calls of commands, conditions and splices become a flat list of built-in steps."""

from __future__ import annotations

from roundel.compiler.binding import bind, call_key
from roundel.compiler.builtins import BARE_STEPS, BUILTIN_STEPS, DASHED_STEPS
from roundel.compiler.limits import DEEPEST_CALLS, LimitReached
from roundel.compiler.logic import statement
from roundel.compiler.mentions import with_values
from roundel.compiler.params import StepsValue
from roundel.compiler.report import nearest
from roundel.compiler.scope import Call, LeftOut, Scope, find_element
from roundel.compiler.substitute import substitute, value_of
from roundel.compiler.tree import Map, Node, Seq, Spot, a_map, type_word

_BUILTIN = frozenset({*BUILTIN_STEPS, *DASHED_STEPS})


class Step:
    """A built-in step after expansion.  `body` is None for a step that stands alone.

    `node` is what the compiled config has of it; steps that are alike share it.
    """

    __slots__ = ("body", "call", "kind", "node", "spot")

    def __init__(self, kind: str, body: Node, spot: Spot, call: Call | None, node: Node) -> None:
        self.kind = kind
        self.body = body
        self.spot = spot
        self.call = call
        self.node = node


def expand_steps(node: Seq, scope: Scope) -> list[Step]:
    """Return the built-in steps that a list of steps means in a scope."""
    steps: list[Step] = []
    scope.run.budget.spend_steps(len(node))
    for index, item in enumerate(node):
        if isinstance(item, Map) and len(item) == 1:
            for name in item:
                _named(name, item[name], item, scope, steps)
        elif isinstance(item, str):
            _bare(item, node.item_spot(index), scope, steps)
        elif isinstance(item, Seq):
            # A list among the steps comes from an alias of a list; its steps are meant.
            scope.error(
                "step-list",
                "A step must be a string or a map with one key, found: Sequence",
                node.item_spot(index),
                hint="to put a list of steps here, write `- steps: [...]`",
            )
        else:
            _misshapen(item, node.item_spot(index), scope)
    return steps


def _misshapen(item: Node, spot: Spot, scope: Scope) -> None:
    if isinstance(item, Map) and item:
        keys = list(item)
        named = [key for key in keys if key in BUILTIN_STEPS]
        hint = f"indent what belongs to `{named[0]}` by two more columns" if named else None
        scope.error(
            "step-keys",
            f"A step must have exactly one key, found: {', '.join(keys[:8])}",
            spot,
            hint=hint,
        )
        return
    scope.error(
        "step-type",
        f"A step must be a string or a map with one key, found: {type_word(item)}",
        spot,
    )


def _bare(name: str, spot: Spot, scope: Scope, steps: list[Step]) -> None:
    """Expand a step that is only a name."""
    if name in scope.elements.commands:
        _command(name, None, spot, scope, steps)
        return
    name = DASHED_STEPS.get(name, name)
    if name == "":
        scope.error("step-type", "A step must have a name", spot)
    elif name in BARE_STEPS:
        steps.append(Step(name, None, spot, scope.call, name))
    elif name in BUILTIN_STEPS:
        scope.error(
            "step-argument",
            f"Missing required argument(s) for step {name}",
            spot,
            hint=f"write `- {name}: …` with its keys",
        )
    elif "<<" in name and scope.elements.templating:
        _spliced_item(name, spot, scope, steps)
    else:
        _command(name, None, spot, scope, steps)


def _spliced_item(name: str, spot: Spot, scope: Scope, steps: list[Step]) -> None:
    """Expand a list item that is a template: `- << parameters.s >>`.

    It is not the documented form of a splice, but published orbs in wide use have it.
    """
    value = value_of(name, scope, spot)
    if isinstance(value, StepsValue):
        steps += _steps_of(value, scope)
    elif isinstance(value, str):
        _bare(value, spot, scope, steps) if "<<" not in value else _no_step(name, spot, scope)
    elif value is not None:
        _no_step(name, spot, scope)


def _no_step(name: str, spot: Spot, scope: Scope) -> None:
    scope.error("step-template", f"A step cannot be the template {name.strip()}", spot)


def _named(name: str, body: Node, item: Map, scope: Scope, steps: list[Step]) -> None:
    """Expand a step that is a map with one key."""
    if name in scope.elements.commands:
        _command(name, body, item.key_spot(name), scope, steps, item)
    elif name in _BUILTIN:
        _builtin(name, body, item, scope, steps)
    elif name == "when" or name == "unless":
        _condition(name, body, item, scope, steps)
    elif name == "steps":
        steps += list_of_steps(item, name, scope)
    else:
        _command(name, body, item.key_spot(name), scope, steps, item)


def _builtin(name: str, body: Node, item: Map, scope: Scope, steps: list[Step]) -> None:
    spot = item.key_spot(name)
    if isinstance(body, (Map, Seq)) or (isinstance(body, str) and "<<" in body):
        report = scope.run.report
        before = report.errors
        # The place counts for a text only: maps and lists know their own.
        at = item.value_spot(name) if isinstance(body, str) else spot
        body = substitute(body, scope, at)
        if report.errors > before:
            return  # what is wrong was reported; the rest of the step is not worth a look
    if isinstance(body, Seq) and not scope.elements.templating:
        body = _merged_list(body)
    if name == "run" and isinstance(body, (str, int, float)):
        body = a_map({"command": body}, item.value_spot(name))
    kind = DASHED_STEPS.get(name, name)
    node: Node = item
    if body is None:
        node = kind
    elif body is not item[name] or kind != name:
        made = a_map({kind: body}, spot)
        made.marks = {kind: (spot.mark, spot.mark)}
        node = made
    steps.append(Step(kind, body, spot, scope.call, node))


def _merged_list(body: Seq) -> Node:
    """Return `attach_workspace: [{at: x}]` as one map, as version 2 accepted it."""
    items: dict[str, Node] = {}
    for entry in body:
        if not isinstance(entry, Map):
            return body
        items.update(entry)
    return a_map(items, body.spot())


def _command(
    name: str, body: Node, spot: Spot, scope: Scope, steps: list[Step], item: Map | None = None
) -> None:
    found = find_element(scope, "command", name, spot)
    if found is None:
        return
    definition, elements = found
    call = Call("command", name, spot, scope.call, definition)
    if call.depth > DEEPEST_CALLS:
        # Not a problem among others: the calls may branch at every level.
        raise LimitReached(
            "recursion",
            f"Commands call each other more than {DEEPEST_CALLS} levels deep; '{name}' is one.",
        )
    if _calls_itself(definition, name, scope):
        return
    inner = Scope(scope.run, elements, call)
    if body is not None and not isinstance(body, Map):
        inner.error(
            "argument-map",
            f"The arguments of command {name} must be a map, found: {type_word(body)}",
            item.value_spot(name) if item is not None else spot,
        )
        return
    arguments = bind(definition, body or {}, body, scope, elements, call)
    if arguments is None:
        return
    inner.arguments = arguments
    key = call_key("command", definition, arguments)
    known = scope.run.caches.get(key) if key is not None else None
    if isinstance(known, list):
        scope.run.budget.spend_steps(len(known))
        steps += [Step(step.kind, step.body, step.spot, call, step.node) for step in known]
        return
    errors, noted = scope.run.report.errors, scope.run.noted
    made = list_of_steps(definition, "steps", inner)
    steps += made
    # Steps of further calls carry those calls, so only plain ones can be used again.
    plain = scope.run.report.errors == errors and all(step.call is call for step in made)
    if plain and scope.run.noted == noted and key is not None:
        scope.run.caches[key] = made


def _calls_itself(definition: Map, name: str, scope: Scope) -> bool:
    """Report a command that is being expanded already: it would never end.

    Steps arguments are expanded in their writer's call, so a command may well be passed as an
    argument to itself.
    """
    outer = scope.call
    while outer is not None:
        if outer.definition is definition:
            scope.error(
                "recursion",
                f"Command {name} calls itself",
                scope.call.spot if scope.call is not None else definition.spot(),
                hint="a command cannot call itself, neither directly nor through others",
            )
            return True
        outer = outer.outer
    return False


def list_of_steps(holder: Map, key: str, scope: Scope) -> list[Step]:
    """Return the steps of a `steps:` key: a list, or one steps parameter."""
    node = holder.get(key)
    if isinstance(node, Seq):
        return expand_steps(node, scope)
    if node is None:
        return []
    spot = holder.value_spot(key)
    if isinstance(node, str) and "<<" in node:
        value = value_of(node, scope, spot)
        if isinstance(value, StepsValue):
            return _steps_of(value, scope)
        if value is None:
            return []
    scope.error("steps-type", f"expected type: Sequence, found: {type_word(node)}", spot)
    return []


def _steps_of(value: StepsValue, scope: Scope) -> list[Step]:
    steps = [step for step in value.steps if isinstance(step, Step)]
    scope.run.budget.spend_steps(len(steps))
    return steps


def _condition(name: str, body: Node, item: Map, scope: Scope, steps: list[Step]) -> None:
    """Expand `when` and `unless`: its steps, or nothing."""
    if not isinstance(body, Map):
        scope.error(
            "condition-shape",
            f"expected type: Mapping, found: {type_word(body)}",
            item.value_spot(name),
            hint=f"`{name}:` has the keys `condition` and `steps`",
        )
        return
    for key in ("condition", "steps"):
        if key not in body:
            scope.error("condition-shape", f"required key [{key}] not found", item.key_spot(name))
            return
    for key in body:
        if key not in ("condition", "steps"):
            scope.error(
                "condition-shape",
                f"extraneous key [{key}] is not permitted",
                body.key_spot(key),
                hint=nearest(key, ("condition", "steps")),
            )
            return
    wanted = name == "when"
    if statement(body["condition"], scope, body.value_spot("condition")) is wanted:
        steps += list_of_steps(body, "steps", scope)
    elif scope.run.left_out is not None:
        result = "false" if wanted else "true"
        reason = f"its `{name}` is {result}: {with_values(body['condition'], scope.lookup)}"
        left_out = LeftOut(scope.call, reason, item.key_spot(name), body["steps"])
        scope.run.left_out.append(left_out)
