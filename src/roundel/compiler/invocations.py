"""Invocations: the entries of a workflow's `jobs`, one per job that will run."""

from __future__ import annotations

from collections.abc import Mapping

from roundel.compiler.binding import bind
from roundel.compiler.jobs import JobBody, expand_job
from roundel.compiler.matrix import Matrix, member_name, read_matrix
from roundel.compiler.mentions import shown
from roundel.compiler.params import declared
from roundel.compiler.scanning import Value
from roundel.compiler.scope import Call, Elements, LeftOut, Scope, find_element
from roundel.compiler.steps import Step, list_of_steps
from roundel.compiler.substitute import substitute
from roundel.compiler.tree import Map, Node, Seq, Spot, text_of, type_word

# Keys that stay in the compiled config; `requires` is handled apart.
KEPT_KEYS = ("context", "filters", "type", "serial-group")

RESERVED_KEYS = frozenset(
    {*KEPT_KEYS, "requires", "name", "matrix", "pre-steps", "post-steps", "override-with"}
)

STATUSES = ("success", "failed", "canceled", "unauthorized", "not_run")
ANY_STATUS = "terminal"


class Required:
    """One entry of `requires:` as written; `status` is None for the plain form."""

    __slots__ = ("name", "spot", "status")

    def __init__(self, name: str, status: Node, spot: Spot) -> None:
        self.name = name
        self.status = status
        self.spot = spot


class Invocation:
    """One job of a workflow.  `name` is what others require, `final` what it is called at last."""

    __slots__ = (
        "body",
        "call",
        "final",
        "group",
        "group_aliases",
        "group_name",
        "group_requires",
        "keys",
        "name",
        "order",
        "requires",
        "resolved",
        "spot",
        "type",
    )

    def __init__(self, name: str, kind: str, spot: Spot, call: Call) -> None:
        self.name = name
        self.final = name
        self.type = kind
        self.spot = spot
        self.call = call
        self.body: JobBody | None = None
        self.keys: dict[str, Node] = {}
        self.order: tuple[str, ...] = ()
        self.requires: list[Required] = []
        self.resolved: list[tuple[Invocation, Node]] = []
        self.group: list[Invocation] | None = None
        self.group_aliases: Mapping[str, list[list[Invocation]]] = {}
        self.group_requires: list[Required] = []
        self.group_name: str | None = None


_NOTHING: Mapping[str, Node] = {}


def expand_invocation(
    job: str, given: Map | None, spot: Spot, scope: Scope, *, group: bool = False
) -> tuple[list[Invocation], str | None]:
    """Return the invocations that one entry means, and the alias under which all are required."""
    if given is None or "matrix" not in given or not scope.elements.templating:
        return [_one(job, given, None, spot, scope, None, group=group)], None
    matrix = read_matrix(given["matrix"], job, scope, given)
    if matrix is None:
        return [], None
    if scope.run.left_out is not None:
        _note_excluded(matrix, job, given, scope, scope.run.left_out)
    members: list[Invocation] = []
    for member, name in zip(matrix.members, _names(job, given, matrix), strict=True):
        inner = Scope(scope.run, scope.elements, scope.call, None, member)
        members.append(_one(job, given, member, spot, inner, name))
    literal = given.get("name")
    alias = matrix.alias
    if alias is None:
        alias = literal if isinstance(literal, str) and "<<" not in literal else job
    return members, alias


def _note_excluded(
    matrix: Matrix, job: str, given: Map, scope: Scope, noted: list[LeftOut]
) -> None:
    """Note the members that `exclude` leaves out, under the names that they would have had."""
    generated = "name" not in given
    for member, entry in matrix.left_out:
        name = member_name(job, member) if generated else job
        reason = f"{shown(member)} is excluded by {shown(entry)}"
        call = Call("job", job, entry.spot(), scope.call)
        noted.append(LeftOut(call, reason, entry.spot(), name=name))


def _names(job: str, given: Map, matrix: Matrix) -> list[str | None]:
    """Return the name of each member; None where its own `name:` template is to be filled."""
    written = given.get("name")
    if isinstance(written, str) and "<<" in written:
        return [None] * len(matrix.members)
    if written is not None:
        base = text_of(written)
        if len(matrix.members) == 1:
            return [base]
        return [f"{base}-{number}" for number in range(1, len(matrix.members) + 1)]
    return [
        text_of(member["name"]) if "name" in member else member_name(job, member)
        for member in matrix.members
    ]


def _one(
    job: str,
    given: Map | None,
    member: Mapping[str, Node] | None,
    spot: Spot,
    scope: Scope,
    name: str | None,
    *,
    group: bool = False,
) -> Invocation:
    """Return one invocation, its body expanded unless it is an approval or a group's frame."""
    scope.run.budget.spend_job()
    if name is None:
        name = _name(job, given, scope)
    call = Call("job", job, spot, scope.call)
    made = Invocation(name, "build", spot, call)
    if given is not None:
        made.order = tuple(given)
        made.requires = read_requires(given, scope)
        for key in KEPT_KEYS:
            if key in given and given[key] is not None:
                made.keys[key] = substitute(given[key], scope, given.value_spot(key))
        if given.get("type") == "approval":
            return _approval(made, given, scope)
    if group:
        return made
    found = _definition(job, given, spot, scope)
    body = None
    if found is not None:
        definition, elements = found
        body = _body(definition, elements, given, member or _NOTHING, call, scope)
    if body is None:
        # Kept under its name, so that others who require it are not reported for it.
        return made
    made.type = body.kind
    if body.kind == "approval":
        made.keys["type"] = "approval"
        return made
    made.keys.pop("type", None)
    made.body = body
    return made


def _name(job: str, given: Map | None, scope: Scope) -> str:
    if given is None or given.get("name") is None:
        return job
    value = substitute(given["name"], scope, given.value_spot("name"))
    if isinstance(value, (Map, Seq)):
        scope.error(
            "invocation-name",
            f"expected type: String, found: {type_word(value)}",
            given.value_spot("name"),
        )
        return job
    return text_of(value) or job


def _approval(made: Invocation, given: Map, scope: Scope) -> Invocation:
    made.type = "approval"
    for key in given:
        if key in ("pre-steps", "post-steps"):
            scope.error("approval", f"An approval job cannot have {key}", given.key_spot(key))
        elif key not in RESERVED_KEYS:
            scope.run.report.warning(
                "approval",
                f"The key '{key}' has no effect on an approval job.",
                given.key_spot(key),
            )
    return made


def _definition(
    job: str, given: Map | None, spot: Spot, scope: Scope
) -> tuple[Map, Elements] | None:
    """Return the job that is called: `override-with` wins if it exists."""
    other = given.get("override-with") if given is not None else None
    if isinstance(other, str) and given is not None:
        wanted = substitute(other, scope, given.value_spot("override-with"))
        alias, _, rest = text_of(wanted).partition("/")
        orb = scope.elements.orb(alias)
        if orb is not None and rest in orb.jobs:
            return find_element(scope, "job", text_of(wanted), spot)
    return find_element(scope, "job", job, spot)


def _body(
    definition: Map,
    elements: Elements,
    given: Map | None,
    member: Mapping[str, Node],
    call: Call,
    scope: Scope,
) -> JobBody | None:
    """Return the expanded body of a job for one invocation."""
    arguments = {k: v for k, v in (given or _NOTHING).items() if k not in RESERVED_KEYS}
    plain = not arguments and not member and not _adds_steps(given)
    key = ("job", id(definition))
    if plain and key in scope.run.caches:
        # The same job called the same way: its body is shared, which also makes it equal.
        cached = scope.run.caches[key]
        assert isinstance(cached, JobBody)  # noqa: S101 - only bodies have this key
        return cached
    spots = given
    if member:
        for name, value in member.items():
            if name in arguments:
                # Given by both, mostly as `p: << matrix.p >>`: what the job says is used.
                continue
            if name != "name" or name in declared(definition, scope.run):
                arguments[name] = value
    bound: dict[str, Value] | None = {}
    if elements.templating:
        bound = bind(definition, arguments, spots, scope, elements, call)
    elif arguments and spots is not None:
        _ignored(arguments, spots, scope)
    before = _added("pre-steps", given, scope)
    after = _added("post-steps", given, scope)
    if bound is None:
        return None
    errors, noted = scope.run.report.errors, scope.run.noted
    body = expand_job(definition, Scope(scope.run, elements, call, bound), before, after)
    unshared = scope.run.report.errors > errors or scope.run.noted > noted
    if plain and body is not None and not unshared:
        scope.run.caches[key] = body
    return body


def _ignored(arguments: Mapping[str, Node], spots: Map, scope: Scope) -> None:
    for name in arguments:
        scope.run.report.warning(
            "version-2-argument",
            f"The key '{name}' has no effect: version 2 has no parameters.",
            spots.key_spot(name),
            hint="use `version: 2.1`",
        )


def _adds_steps(given: Map | None) -> bool:
    return given is not None and ("pre-steps" in given or "post-steps" in given)


def _added(key: str, given: Map | None, scope: Scope) -> list[Step]:
    if given is None or key not in given:
        return []
    return list_of_steps(given, key, scope)


def read_requires(given: Map, scope: Scope) -> list[Required]:
    """Return the entries of an invocation's `requires:`."""
    written = given.get("requires")
    if written is None:
        return []
    spot = given.value_spot("requires")
    filled = substitute(written, scope, spot)
    if isinstance(filled, str):
        return [Required(filled, None, spot)]
    if not isinstance(filled, Seq):
        scope.error("requires", f"expected type: Sequence, found: {type_word(filled)}", spot)
        return []
    entries: list[Required] = []
    for index, item in enumerate(filled):
        at = filled.item_spot(index)
        if isinstance(item, Map) and len(item) == 1:
            (name, status), *_ = item.items()
            if statuses_of(status) is None:
                scope.error(
                    "requires-status",
                    f"{text_of(status) or type_word(status)} is not a valid enum value",
                    item.value_spot(name),
                    hint="allowed: " + ", ".join((*STATUSES, ANY_STATUS)),
                )
            else:
                entries.append(Required(name, status, at))
        elif isinstance(item, (Map, Seq)) or item is None:
            scope.error("requires", f"expected type: String, found: {type_word(item)}", at)
        else:
            entries.append(Required(text_of(item), None, at))
    return entries


def statuses_of(status: Node) -> tuple[str, ...] | None:
    """Return the endings that an entry of `requires:` accepts; None if it is not valid."""
    if status is None:
        return ("success",)
    if status == ANY_STATUS:
        return STATUSES
    items = list(status) if isinstance(status, Seq) else [status]
    found = [item for item in items if isinstance(item, str) and item in STATUSES]
    return tuple(found) if items and len(found) == len(items) else None
