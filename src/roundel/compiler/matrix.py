"""Matrices: one invocation becomes one per combination of values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

from roundel.compiler.limits import MOST_MEMBERS
from roundel.compiler.logic import equal
from roundel.compiler.report import nearest
from roundel.compiler.scanning import Value
from roundel.compiler.scope import Scope
from roundel.compiler.substitute import substitute
from roundel.compiler.tree import Map, Node, Seq, a_map, text_of, type_word
from roundel.domain.records import dataclass

MOST_NOTED = 200  # members that were left out; more tell nobody anything
_KEYS = ("parameters", "exclude", "alias")


@dataclass(frozen=True, slots=True)
class Matrix:
    """The members of a matrix, in order, and the name under which all are required."""

    members: tuple[Mapping[str, Node], ...]
    alias: str | None
    # Members that `exclude` leaves out, each with the entry that does; only for those who ask why.
    left_out: tuple[tuple[Map, Map], ...] = ()


def read_matrix(node: Node, job: str, scope: Scope, holder: Map) -> Matrix | None:
    """Return the members of an invocation's `matrix:`; report what is wrong with it."""
    spot = holder.value_spot("matrix")
    if not isinstance(node, Map):
        scope.error("matrix", f"expected type: Mapping, found: {type_word(node)}", spot)
        return None
    for key in node:
        if key not in _KEYS:
            scope.error(
                "matrix",
                f"extraneous key [{key}] is not permitted",
                node.key_spot(key),
                hint=nearest(key, _KEYS),
            )
            return None
    axes = _axes(node, job, scope)
    if axes is None:
        return None
    excluded = _excluded(node, axes, scope)
    if excluded is None:
        return None
    every = (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))
    members: list[Mapping[str, Node]] = []
    left_out: list[tuple[Map, Map]] = []
    for member in every:
        if not excluded.covers(member):
            members.append(member)
        elif scope.run.left_out is not None and len(left_out) < MOST_NOTED:
            left_out.append((a_map(member, spot), excluded.by(member)))
    alias = substitute(node.get("alias"), scope, node.value_spot("alias"))
    return Matrix(tuple(members), text_of(alias) if alias is not None else None, tuple(left_out))


def _axes(node: Map, job: str, scope: Scope) -> dict[str, list[Node]] | None:
    given = node.get("parameters")
    if not isinstance(given, Map):
        scope.error("matrix", "required key [parameters] not found", node.spot())
        return None
    axes: dict[str, list[Node]] = {}
    for name, written in given.items():
        values = substitute(written, scope, given.value_spot(name))
        if values is None:
            axes[name] = []  # a parameter without values has no members
        elif isinstance(values, Seq):
            axes[name] = list(values)
        else:
            scope.error(
                "matrix",
                f"expected type: Sequence, found: {type_word(values)}",
                given.value_spot(name),
                hint="the values of a matrix parameter are a list",
            )
            return None
    size = math.prod(len(values) for values in axes.values())
    if size > MOST_MEMBERS:
        scope.error(
            "matrix-size",
            f"The {job} build matrix expands to {size} jobs."
            f" Matrices cannot generate more than {MOST_MEMBERS} jobs.",
            node.spot(),
        )
        return None
    return axes


def _excluded(node: Map, axes: Mapping[str, object], scope: Scope) -> _Excluded | None:
    written = node.get("exclude")
    if written is None:
        return _Excluded([])
    found = substitute(written, scope, node.value_spot("exclude"))
    if not isinstance(found, Seq):
        scope.error(
            "matrix",
            f"expected type: Sequence, found: {type_word(found)}",
            node.value_spot("exclude"),
        )
        return None
    entries: list[Map] = []
    for index, entry in enumerate(found):
        if not isinstance(entry, Map):
            scope.error(
                "matrix",
                f"expected type: Mapping, found: {type_word(entry)}",
                found.item_spot(index),
            )
            continue
        unknown = [name for name in entry if name not in axes]
        if unknown:
            scope.run.report.warning(
                "matrix-exclude",
                f"exclude names '{unknown[0]}', which is not a parameter of this matrix;"
                " nothing is excluded by it.",
                entry.key_spot(unknown[0]),
                hint=nearest(unknown[0], axes),
            )
        entries.append(entry)
    return _Excluded(entries)


class _Excluded:
    """The entries of `exclude:`, arranged so that a member need not be compared with each."""

    def __init__(self, entries: list[Map]) -> None:
        self._entries = entries
        self._simple: dict[tuple[str, ...], set[object]] = {}
        self._others: list[Map] = []
        for entry in entries:
            if any(isinstance(value, (Map, Seq)) for value in entry.values()):
                self._others.append(entry)
            elif entry:
                names = tuple(sorted(entry))
                self._simple.setdefault(names, set()).add(_typed(entry, names))

    def covers(self, member: Mapping[str, Node]) -> bool:
        """Tell whether a member is left out: an entry is equal to it on all of its keys."""
        for names, known in self._simple.items():
            if all(name in member for name in names) and _typed(member, names) in known:
                return True
        return any(
            all(name in member and equal(member[name], value) for name, value in entry.items())
            for entry in self._others
        )

    def by(self, member: Mapping[str, Node]) -> Map:
        """Return the entry that leaves a member out."""
        return next(entry for entry in self._entries if entry and _Excluded([entry]).covers(member))


def _typed(values: Mapping[str, Node], names: tuple[str, ...]) -> object:
    """Return values with their types, since 1 and true are equal to Python."""
    found = (values[name] for name in names)
    return tuple((type(v), None if isinstance(v, (Map, Seq)) else v) for v in found)


def member_name(base: str, member: Mapping[str, Node], *, declared_order: bool = False) -> str:
    """Return a member's generated name: the values joined, by default in order of their names.

    Real configs show the alphabetical order; one test of the language server has the declared one.
    """
    names = list(member) if declared_order else sorted(member)
    return "-".join([base, *(value_text(member[name]) for name in names)])


def value_text(value: Value) -> str:
    """Return a matrix value as a part of a name: an executor by its name."""
    if isinstance(value, Map):
        return value_text(value.get("name"))
    if isinstance(value, Seq):
        return "-".join(value_text(item) for item in value)
    return text_of(value)
