"""Which names a condition mentions, and what they are, to explain its result to people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from roundel.compiler.expressions import UnknownName, names_in, parse
from roundel.compiler.scanning import ExpressionError, Value
from roundel.compiler.templates import names_of
from roundel.compiler.tree import Map, Node, Seq, text_of

LONGEST_SHOWN = 300  # characters of a condition, and of one value


def shown(node: Node) -> str:
    """Return a condition in one line."""
    return _cut(node if isinstance(node, str) else json.dumps(node))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def with_values(node: Node, lookup: Callable[[str], Value]) -> str:
    """Return a condition in one line, followed by the values of the names in it."""
    pairs: dict[str, str] = {}
    for name in _names(node):
        try:
            value = lookup(name)
        except UnknownName:
            continue
        pairs[name] = "undefined" if value is None else _cut(_quoted(value))
    values = ", ".join(f"{name} is {value}" for name, value in pairs.items())
    return f"{shown(node)} ({values})" if values else shown(node)


def _quoted(value: Value) -> str:
    return json.dumps(value) if isinstance(value, str) else text_of(value)


def _names(node: Node) -> Iterator[str]:
    if isinstance(node, str):
        if "<<" in node:
            yield from names_of(node)
        else:
            yield from _expression_names(node)
    elif isinstance(node, Map):
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, Seq):
        for value in node:
            yield from _names(value)


def _expression_names(text: str) -> list[str]:
    try:
        return names_in(parse(text))
    except ExpressionError:
        return []
