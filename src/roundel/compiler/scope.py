"""Scopes: which names mean what at a point of a config.

Scoping is lexical.  A scope belongs to one call (of a workflow, job, command or executor) and knows
the elements of the text in which the call's body is written, the arguments of that call, and the
pipeline.  What a caller passes is evaluated in the caller's scope before the callee sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from roundel.compiler.expressions import UnknownName
from roundel.compiler.limits import Budget
from roundel.compiler.report import Hint, Report, nearest
from roundel.compiler.scanning import Value
from roundel.compiler.tree import Document, Map, Node, Spot
from roundel.compiler.values import REGISTERED, is_registered

if TYPE_CHECKING:
    from roundel.compiler.params import Parameter


class Elements:
    """What one text defines: the project's config, or an orb."""

    __slots__ = (
        "commands",
        "doc",
        "executors",
        "is_project",
        "jobs",
        "later",
        "name",
        "orbs",
        "templating",
    )

    def __init__(
        self, name: str, doc: Document, root: Map, *, is_project: bool, templating: bool = True
    ) -> None:
        self.name = name
        self.doc = doc
        self.is_project = is_project
        self.templating = templating  # version 2 files have no templates
        self.commands = _section(root, "commands")
        self.jobs = _section(root, "jobs")
        self.executors = _section(root, "executors")
        self.orbs: dict[str, Elements | None] = {}  # None: named, but could not be had
        self.later: dict[str, Callable[[], Elements | None]] = {}  # orbs not fetched yet

    def orb(self, alias: str) -> Elements | None:
        """Return an orb by its alias, fetching it at its first use; None if it cannot be had."""
        if alias in self.later:
            self.orbs[alias] = None  # an orb that uses itself ends here
            self.orbs[alias] = self.later.pop(alias)()
        return self.orbs.get(alias)

    def section(self, kind: str) -> Mapping[str, Node]:
        """Return the definitions of a kind: `job`, `command` or `executor`."""
        if kind == "job":
            return self.jobs
        return self.commands if kind == "command" else self.executors


def _section(root: Map, key: str) -> Mapping[str, Node]:
    found = root.get(key)
    return found if isinstance(found, Map) else {}


class Call:
    """A call in progress, for the lines `Error calling …` and for the source map."""

    __slots__ = ("definition", "depth", "kind", "name", "outer", "spot")

    def __init__(
        self,
        kind: str,
        name: str,
        spot: Spot,
        outer: Call | None,
        definition: Map | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.spot = spot
        self.outer = outer
        self.definition = definition
        self.depth: int = 0 if outer is None else outer.depth + 1

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls from outermost to this one."""
        chain: list[Call] = []
        call: Call | None = self
        while call is not None:
            chain.append(call)
            call = call.outer
        return reversed(chain)

    def lines(self) -> list[str]:
        """Return CircleCI's context lines."""
        return [f"Error calling {call.kind}: '{call.name}'" for call in self]


class LeftOut:
    """Something that was written and is not there: steps of a call, or a member of a matrix.

    `name` is that of the member; steps have the names in `node`.
    """

    __slots__ = ("call", "name", "node", "reason", "spot")

    def __init__(
        self, call: Call | None, reason: str, spot: Spot, node: Node = None, name: str | None = None
    ) -> None:
        self.call = call
        self.reason = reason
        self.spot = spot
        self.node = node
        self.name = name


class Run:
    """What all passes of one compilation share."""

    __slots__ = ("budget", "caches", "declared", "left_out", "parameters", "report", "values")

    def __init__(self, report: Report, values: Mapping[str, object]) -> None:
        self.report = report
        self.budget = Budget()
        self.values = values  # flat: "pipeline.git.branch" -> value
        self.parameters: dict[str, Value] = {}  # effective pipeline parameters
        # By identity of the tree's nodes, which live as long as the run.
        self.declared: dict[int, tuple[Map, dict[str, Parameter]]] = {}
        self.caches: dict[object, object] = {}
        # Only noted for those who ask why something is not there; what notes is then not cached.
        self.left_out: list[LeftOut] | None = None

    @property
    def noted(self) -> int:
        """How much was noted as left out, to tell whether an expansion has noted anything."""
        return 0 if self.left_out is None else len(self.left_out)


class Scope:
    """The names in force inside one call."""

    __slots__ = ("arguments", "call", "elements", "matrix", "run")

    def __init__(
        self,
        run: Run,
        elements: Elements,
        call: Call | None,
        arguments: Mapping[str, Value] | None = None,
        matrix: Mapping[str, Value] | None = None,
    ) -> None:
        self.run = run
        self.elements = elements
        self.call = call
        self.arguments = arguments
        self.matrix = matrix

    def inside(self, call: Call) -> Scope:
        """Return this scope for another call made in it."""
        return Scope(self.run, self.elements, call, self.arguments, self.matrix)

    def lookup(self, name: str) -> Value:
        """Return a named value, None if it is declared without a value; raise UnknownName."""
        if name.startswith("parameters."):
            if self.arguments is not None and name[11:] in self.arguments:
                return self.arguments[name[11:]]
            raise UnknownName(name, f"Arguments referenced without declared parameters: {name}")
        if name.startswith("pipeline.parameters."):
            # Pipeline parameters belong to the project's config; orbs cannot see them.
            if self.elements.is_project and name[20:] in self.run.parameters:
                return self.run.parameters[name[20:]]
        elif name in self.run.values:
            return self.run.values[name]
        elif name.startswith("matrix."):
            if self.matrix is not None and name[7:] in self.matrix:
                return self.matrix[name[7:]]
        elif is_registered(name):
            return None
        raise UnknownName(name)

    def known_names(self, unknown: str) -> Iterator[str]:
        """Yield the names that may have been meant by an unknown one, for hints."""
        if unknown.startswith("pipeline.parameters."):
            if self.elements.is_project:
                yield from (f"pipeline.parameters.{name}" for name in self.run.parameters)
            return
        if unknown.startswith("pipeline."):
            yield from sorted(REGISTERED)
            return
        yield from (f"parameters.{name}" for name in self.arguments or ())
        yield from (f"matrix.{name}" for name in self.matrix or ())

    def error(self, code: str, message: str, spot: Spot, *, hint: Hint | str | None = None) -> None:
        """Report an error inside this call."""
        context = self.call.lines() if self.call is not None else ()
        self.run.report.error(code, message, spot, context=context, hint=hint)


_KINDS = {"job": "jobs", "command": "commands", "executor": "executors"}
LONGEST_ALIAS_CHAIN = 20


def find_element(
    scope: Scope, kind: str, name: str, spot: Spot, elements: Elements | None = None
) -> tuple[Map, Elements] | None:
    """Return a definition and the elements it is written among; report it if there is none.

    A definition that is a string stands for another element.
    """
    place = elements if elements is not None else scope.elements
    for _ in range(LONGEST_ALIAS_CHAIN):
        found = _direct(scope, kind, name, spot, place)
        if found is None:
            return None
        definition, place = found
        if isinstance(definition, Map):
            return definition, place
        if not isinstance(definition, str):
            scope.error("not-a-map", f"The definition of {kind} {name} is not a map", spot)
            return None
        name = definition
    scope.error("alias-loop", f"The {kind} {name} stands for itself", spot)
    return None


def _direct(
    scope: Scope, kind: str, name: str, spot: Spot, place: Elements
) -> tuple[Node, Elements] | None:
    own = place.section(kind)
    if name in own:
        return own[name], place
    if "/" in name:
        alias, _, rest = name.partition("/")
        orb = place.orb(alias)
        if alias not in place.orbs:
            scope.error(
                "unknown-orb",
                f"Cannot find orb '{alias}' looking for {kind} named '{name}'",
                spot,
                hint=nearest(alias, place.orbs),
            )
            return None
        if orb is None:
            return None  # why it could not be had was reported when it was fetched
        if rest in orb.section(kind):
            return orb.section(kind)[rest], orb
        qualified = [f"{alias}/{other}" for other in orb.section(kind)]
        _report_missing(scope, kind, name, spot, place, qualified)
        return None
    _report_missing(scope, kind, name, spot, place, own)
    return None


def _report_missing(
    scope: Scope, kind: str, name: str, spot: Spot, place: Elements, own: Iterable[str]
) -> None:
    scope.error(
        f"unknown-{kind}",
        f"Cannot find a definition for {kind} named {name}",
        spot,
        hint=_hint(place, kind, name, own),
    )
    return


def _hint(place: Elements, kind: str, name: str, own: Iterable[str]) -> Hint:
    known: Iterable[str] = own
    if kind == "command":
        from roundel.compiler.builtins import BUILTIN_STEPS

        known = chain(BUILTIN_STEPS, own)
    otherwise = None
    for other in _KINDS:
        if other != kind and name in place.section(other):
            otherwise = f"there is a {other} of that name, but a {kind} is needed here"
    return nearest(name, known, otherwise)
