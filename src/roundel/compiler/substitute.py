"""Filling the templates of a subtree."""

from __future__ import annotations

from roundel.compiler.expressions import UnknownName
from roundel.compiler.report import Hint, nearest
from roundel.compiler.scanning import Value
from roundel.compiler.scope import Scope
from roundel.compiler.templates import TemplateError, fill, parse_template
from roundel.compiler.tree import Map, Node, Seq, Spot, inside


def value_of(text: str, scope: Scope, spot: Spot) -> Value:
    """Return the typed value of a text; report a mistake in it and return None."""
    if "<<" not in text or not scope.elements.templating:
        return text
    try:
        value = fill(parse_template(text), scope.lookup)
    except TemplateError as error:
        hint = _unclosed_hint(error) or _name_hint(error, scope)
        scope.error(error.code, error.message, inside(spot, text, error.position(text)), hint=hint)
        return None
    if isinstance(value, str):
        scope.run.budget.spend_text(len(value))
    return value


def _unclosed_hint(error: TemplateError) -> str | None:
    if error.code == "template-unclosed":
        return "write `\\<<` for a literal `<<`, also in here-documents"
    return None


def _name_hint(error: TemplateError, scope: Scope) -> Hint | str | None:
    cause = error.__cause__.__cause__ if error.__cause__ is not None else None
    if not isinstance(cause, UnknownName):
        cause = error.__cause__ if isinstance(error.__cause__, UnknownName) else None
    if cause is None:
        return None
    if cause.name.startswith("pipeline.parameters.") and not scope.elements.is_project:
        return "orbs cannot see pipeline parameters; pass the value as an argument"
    return nearest(cause.name, scope.known_names(cause.name))


def substitute(node: Node, scope: Scope, spot: Spot) -> Node:
    """Return a subtree with its templates filled; unchanged parts are shared, not copied."""
    if not scope.elements.templating:
        return node
    if isinstance(node, str):
        return _as_node(value_of(node, scope, spot), node, scope, spot) if "<<" in node else node
    if isinstance(node, Map):
        return _map(node, scope)
    if isinstance(node, Seq):
        return _seq(node, scope)
    return node


def _map(node: Map, scope: Scope) -> Map:
    changed: dict[str, Node] | None = None
    renamed = False
    for key, value in node.items():
        if "<<" in key:
            renamed = True
        kind = type(value)
        if kind is str:
            if "<<" not in value:  # type: ignore[operator]
                continue
            made = substitute(value, scope, node.value_spot(key))
        elif kind is Map:
            made = _map(value, scope)  # type: ignore[arg-type]
        elif kind is Seq:
            made = _seq(value, scope)  # type: ignore[arg-type]
        else:
            continue
        if made is not value:
            if changed is None:
                changed = {}
            changed[key] = made
    if changed is None and not renamed:
        return node
    items = dict(node)
    if changed is not None:
        items.update(changed)
    made_map = node.with_values(items)
    return _with_keys(made_map, scope) if renamed else made_map


def _with_keys(node: Map, scope: Scope) -> Map:
    """Return a map with the templates of its keys filled.

    No public text says whether CircleCI does this; a key that is a template is of no use otherwise.
    """
    items: dict[str, Node] = {}
    for key, value in node.items():
        made = substitute(key, scope, node.key_spot(key)) if "<<" in key else key
        if isinstance(made, bool):
            made = "true" if made else "false"
        items[made if isinstance(made, str) else str(made)] = value
    return node.with_items(items)


def _seq(node: Seq, scope: Scope) -> Seq:
    changed: dict[int, Node] | None = None
    for index, value in enumerate(node):
        kind = type(value)
        if kind is str:
            if "<<" not in value:  # type: ignore[operator]
                continue
            made = substitute(value, scope, node.item_spot(index))
        elif kind is Map:
            made = _map(value, scope)  # type: ignore[arg-type]
        elif kind is Seq:
            made = _seq(value, scope)  # type: ignore[arg-type]
        else:
            continue
        if made is not value:
            if changed is None:
                changed = {}
            changed[index] = made
    if changed is None:
        return node
    items = list(node)
    for index, value in changed.items():
        items[index] = value
    return node.with_items(items)


def _as_node(value: Value, text: str, scope: Scope, spot: Spot) -> Node:
    """Return a template's value as a part of the tree."""
    if value is None or isinstance(value, (str, bool, int, float, Map, Seq)):
        return str(value) if type(value) is not str and isinstance(value, str) else value
    if isinstance(value, (dict, list)):
        return _grown(value, spot)
    named = getattr(value, "as_text", None)
    if isinstance(named, str):
        return named
    scope.error(
        "template-embedded",
        f"{text.strip()} is a list of steps and cannot be used as a value here",
        spot,
        hint="write `steps: << … >>` as a step of its own",
    )
    return None


def _grown(value: object, spot: Spot) -> Node:
    """Return plain data, such as a pipeline value's, as a subtree."""
    from roundel.compiler.tree import a_map, a_seq

    if isinstance(value, dict):
        return a_map({str(key): _grown(item, spot) for key, item in value.items()}, spot)
    if isinstance(value, list):
        return a_seq([_grown(item, spot) for item in value], spot)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)
