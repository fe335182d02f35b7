"""Filters: whether a job runs for the branch or tag of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from roundel.compiler.expressions import evaluate, parse, truthy
from roundel.compiler.mentions import shown, with_values
from roundel.compiler.patterns import BadPattern, matches_whole
from roundel.compiler.scanning import ExpressionError, Value
from roundel.compiler.tree import Map, Node


def why_filtered(filters: Node, values: Mapping[str, Value]) -> str | None:
    """Return why a job's filters keep it from running, None if it runs.

    Without a branch and a tag (a pipeline whose git values are unknown) filters by name keep
    nothing.
    """
    if isinstance(filters, str):
        return _by_expression(filters, values)
    rules = filters if isinstance(filters, Map) else Map()
    branch, tag = values.get("pipeline.git.branch"), values.get("pipeline.git.tag")
    if isinstance(tag, str) and tag:
        return _by_tag(rules.get("tags"), tag)
    if isinstance(branch, str) and branch:
        return _by_branch(rules.get("branches"), branch)
    return None


def _by_expression(text: str, values: Mapping[str, Value]) -> str | None:
    # Names were checked before; those without a value are undefined.
    try:
        holds = truthy(evaluate(parse(text), values.get))
    except ExpressionError as error:
        return f"its filter cannot be evaluated: {error}"
    return None if holds else f"its filter is false: {with_values(text, values.get)}"


def _by_branch(rule: Node, branch: str) -> str | None:
    if rule is None or accepts(rule, branch):
        return None
    return f"branch '{branch}' does not pass its branch filter: {shown(rule)}"


def _by_tag(rule: Node, tag: str) -> str | None:
    if rule is None:
        return f"tag '{tag}': a job without a tag filter does not run for tags"
    if accepts(rule, tag):
        return None
    return f"tag '{tag}' does not pass its tag filter: {shown(rule)}"


def accepts(rule: object, name: str) -> bool:
    """Tell whether a branch or tag passes `{only, ignore}`; `only` decides where both are given."""
    if not isinstance(rule, Mapping):
        # `branches: main` is read as `only`, which is what its writers mean.
        return _listed(rule, name)
    if rule.get("only") is not None:
        return _listed(rule["only"], name)
    if rule.get("ignore") is not None:
        return not _listed(rule["ignore"], name)
    return True


def _listed(entries: object, name: str) -> bool:
    items = entries if isinstance(entries, list) else [entries]
    return any(_one(item, name) for item in items)


def _one(entry: object, name: str) -> bool:
    if not isinstance(entry, str):
        return str(entry) == name
    if len(entry) >= 2 and entry.startswith("/") and entry.endswith("/"):
        try:
            return matches_whole(entry[1:-1], name)
        except BadPattern:
            return False
    return entry == name


def bad_pattern(entries: object) -> str | None:
    """Return the first pattern among a filter's entries that is not valid."""
    for item in entries if isinstance(entries, list) else [entries]:
        if isinstance(item, str) and len(item) >= 2 and item[0] == "/" and item[-1] == "/":
            try:
                matches_whole(item[1:-1], "")
            except BadPattern:
                return item[1:-1]
    return None
