"""Logic statements: the conditions of workflows and steps.

Here `false`, null, 0, NaN, the empty text and empty lists are falsy; expressions differ.
"""

from __future__ import annotations

from collections.abc import Callable

from roundel.compiler.executors import definition_of
from roundel.compiler.expressions import UnknownName, evaluate, parse, truthy
from roundel.compiler.params import ExecutorValue, StepsValue
from roundel.compiler.patterns import BadPattern, matches_whole
from roundel.compiler.report import nearest
from roundel.compiler.scanning import ExpressionError, Value
from roundel.compiler.scope import Scope
from roundel.compiler.substitute import substitute, value_of
from roundel.compiler.tree import Map, Node, Seq, Spot, inside

OPERATORS = ("and", "or", "not", "equal", "matches")


def holds(value: Value) -> bool:
    """Return the truth of a value in a logic statement."""
    if isinstance(value, StepsValue):
        return value.count > 0
    if isinstance(value, (Seq, list)):
        return len(value) > 0
    if isinstance(value, float) and value != value:
        return False
    return value is not None and value is not False and value != 0 and value != ""


def statement(node: Node, scope: Scope, spot: Spot) -> bool:
    """Return the truth of a statement; report what is wrong with it and return False.

    All branches are looked at, also those that cannot change the result, so that a mistake in them
    is found.
    """
    if isinstance(node, str):
        return holds(value_of(node, scope, spot))
    if isinstance(node, Map):
        return _operator(node, scope)
    if isinstance(node, Seq):
        scope.error(
            "condition",
            "A condition must be a value or a logic statement, found: Sequence",
            spot,
            hint="use `and:` or `or:` with a list",
        )
        return False
    return holds(node)


def _operator(node: Map, scope: Scope) -> bool:
    if len(node) != 1:
        scope.error(
            "condition",
            "A logic statement must have exactly one of: " + ", ".join(OPERATORS),
            node.spot(),
            hint="put several statements into the list of an `and:`" if node else None,
        )
        return False
    (name, argument), *_ = node.items()
    operator = _OPERATORS.get(name)
    if operator is None:
        scope.error(
            "condition",
            f"Unknown logic operator '{name}', expected one of: {', '.join(OPERATORS)}",
            node.key_spot(name),
            hint=nearest(name, OPERATORS),
        )
        return False
    return operator(argument, scope, node.value_spot(name), name)


def _items(argument: Node, scope: Scope, spot: Spot, name: str) -> Seq | None:
    if not isinstance(argument, Seq):
        scope.error("condition", f"The argument of '{name}' must be a list", spot)
        return None
    if not argument:
        scope.error("condition", f"[{name}] expected minimum item count: 1, found: 0", spot)
        return None
    return argument


def _each(items: Seq, scope: Scope) -> list[bool]:
    """Return the truth of every item; a list, since none may be left out."""
    return [statement(item, scope, items.item_spot(at)) for at, item in enumerate(items)]


def _and(argument: Node, scope: Scope, spot: Spot, name: str) -> bool:
    items = _items(argument, scope, spot, name)
    if items is None:
        return False
    return False not in _each(items, scope)


def _or(argument: Node, scope: Scope, spot: Spot, name: str) -> bool:
    items = _items(argument, scope, spot, name)
    if items is None:
        return False
    return True in _each(items, scope)


def _not(argument: Node, scope: Scope, spot: Spot, _: str) -> bool:
    if isinstance(argument, Seq) and len(argument) == 1:
        return not statement(argument[0], scope, argument.item_spot(0))
    return not statement(argument, scope, spot)


def _equal(argument: Node, scope: Scope, spot: Spot, name: str) -> bool:
    items = _items(argument, scope, spot, name)
    if items is None:
        return False
    values = [_operand(item, scope, items.item_spot(at)) for at, item in enumerate(items)]
    return all(equal(values[0], other) for other in values[1:])


def _operand(item: Node, scope: Scope, spot: Spot) -> Value:
    if isinstance(item, str):
        return value_of(item, scope, spot)
    return substitute(item, scope, spot)


def equal(left: Value, right: Value) -> bool:
    """Tell whether two values are equal in type and value.

    An executor equals its definition, and also its name: documentation compares with the one,
    compiler test data with the other.
    """
    if isinstance(left, ExecutorValue) or isinstance(right, ExecutorValue):
        return _same_executor(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return type(left) is type(right) and left == right


def _same_executor(left: Value, right: Value) -> bool:
    if not isinstance(left, ExecutorValue):
        left, right = right, left
    assert isinstance(left, ExecutorValue)  # noqa: S101 - one of the two is
    if isinstance(right, ExecutorValue):
        return left.as_text == right.as_text
    if isinstance(right, str):
        return left.as_text == right
    return equal(definition_of(left), right)


def _matches(argument: Node, scope: Scope, spot: Spot, _: str) -> bool:
    if not isinstance(argument, Map) or set(argument) != {"pattern", "value"}:
        scope.error("condition", "The argument of 'matches' must have 'pattern' and 'value'", spot)
        return False
    pattern = _operand(argument["pattern"], scope, argument.value_spot("pattern"))
    value = _operand(argument["value"], scope, argument.value_spot("value"))
    if isinstance(value, ExecutorValue):
        value = value.as_text
    if not isinstance(pattern, str):
        scope.error(
            "condition",
            "matches: pattern must produce a string",
            argument.value_spot("pattern"),
        )
        return False
    try:
        # The pattern is tried in any case, so that a bad one is found on every branch.
        found = matches_whole(pattern, value if isinstance(value, str) else "")
    except BadPattern:
        scope.error(
            "pattern",
            f"Invalid regular expression: {pattern}: Invalid pattern.",
            argument.value_spot("pattern"),
            hint="patterns are RE2: no look-ahead, look-behind or back-references",
        )
        return False
    if value is None:
        return False  # an undefined pipeline value, such as the branch of a tag's pipeline
    if not isinstance(value, str):
        scope.error(
            "condition",
            "matches: value must produce a string",
            argument.value_spot("value"),
        )
        return False
    return found


_OPERATORS: dict[str, Callable[[Node, Scope, Spot, str], bool]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "equal": _equal,
    "matches": _matches,
}


def expression_holds(text: str, scope: Scope, spot: Spot, code: str = "expression") -> bool:
    """Return the truth of a bare expression; report what is wrong with it and return False."""
    try:
        return truthy(evaluate(parse(text), scope.lookup))
    except ExpressionError as error:
        cause = error.__cause__
        hint = (
            nearest(cause.name, scope.known_names(cause.name))
            if isinstance(cause, UnknownName)
            else None
        )
        scope.error(code, error.shown(text), inside(spot, text, error.at), hint=hint)
        return False


def workflow_condition(node: Node, scope: Scope, spot: Spot) -> bool:
    """Return the truth of a workflow's `when` or `unless`.

    Text without a tag is an expression.  Text that is one tag is judged by its value.  Text with a
    tag and anything else is just text, and true.
    """
    if isinstance(node, str) and "<<" not in node:
        return expression_holds(node, scope, spot)
    return statement(node, scope, spot)
