"""Schema violations in the form in which CircleCI's validator prints them."""

from __future__ import annotations

from dataclasses import field

from roundel.compiler.report import FirstHint, Hint, Report
from roundel.compiler.tree import Spot
from roundel.domain.records import dataclass

HEADING = "ERROR IN CONFIG FILE:"


@dataclass(slots=True)
class Violation:
    """One thing that is wrong at a place of the tree, named by its path of keys."""

    path: tuple[str, ...]
    text: str
    spot: Spot
    details: tuple[str, ...] = ()
    hint: Hint | str | None = None


@dataclass(slots=True)
class _Branch:
    path: tuple[str, ...]
    text: str
    details: tuple[str, ...] = ()
    children: list[_Branch] = field(default_factory=list)


def pointer(path: tuple[str, ...]) -> str:
    """Return a path as the messages have it."""
    return "[#" + "".join(f"/{part}" for part in path) + "]"


def extraneous(
    path: tuple[str, ...], key: str, permitted: tuple[str, ...], spot: Spot, hint: Hint | str | None
) -> Violation:
    """Return the violation of a key that has no meaning."""
    details = ("Permitted keys:", *(f"  - {name}" for name in permitted))
    return Violation(path, f"extraneous key [{key}] is not permitted", spot, details, hint)


def missing(
    path: tuple[str, ...], key: str, spot: Spot, hint: Hint | str | None = None
) -> Violation:
    """Return the violation of a key that is not there."""
    return Violation(path, f"required key [{key}] not found", spot, (), hint)


def wrong_type(path: tuple[str, ...], expected: str, found: str, spot: Spot) -> Violation:
    """Return the violation of a value of another type."""
    return Violation(path, f"expected type: {expected}, found: {found}", spot)


def report_violations(
    found: list[Violation], base: tuple[str, ...], report: Report, *, job: str | None = None
) -> None:
    """Report what is wrong with one element as one problem, placed at the first violation.

    A job is an alternative of two (a map, or another job's name), and the message says so.
    """
    if not found:
        return
    branch = _tree(found, base)
    lines = [HEADING]
    if job is None:
        lines += _rendered(branch, 0, None)
    else:
        lines += _job_lines(branch, base)
    first = found[0]
    hint = FirstHint(violation.hint for violation in found)
    report.error("schema", "\n".join(lines), first.spot, hint=hint)


def _job_lines(branch: _Branch, base: tuple[str, ...]) -> list[str]:
    either = _Branch(base, "only 1 subschema matches out of 2", (), [branch])
    text = _Branch(
        base,
        "expected type: String, found: Mapping",
        ("Job may be a string reference to another job",),
    )
    kind = _Branch(base, "required key [type] not found")
    top = _Branch(base, "0 subschemas matched instead of one", (), [either, text, kind])
    return _rendered(top, 0, None)


def _tree(found: list[Violation], base: tuple[str, ...]) -> _Branch:
    """Group violations by where they are; a group of one stands for itself."""
    if len(found) == 1:
        return _Branch(found[0].path, found[0].text, found[0].details)
    children: list[_Branch] = []
    below: dict[str, list[Violation]] = {}
    for violation in found:
        if len(violation.path) <= len(base):
            children.append(_Branch(violation.path, violation.text, violation.details))
        else:
            below.setdefault(violation.path[len(base)], []).append(violation)
    groups = [_tree(group, (*base, part)) for part, group in below.items()]
    if not children and len(groups) == 1:
        return groups[0]
    return _Branch(base, f"{len(found)} schema violations found", (), children + groups)


def _rendered(branch: _Branch, depth: int, number: int | None) -> list[str]:
    margin = "|   " * depth
    count = "" if number is None else f"{number}. "
    lines = [f"{margin}{count}{pointer(branch.path)} {branch.text}"]
    inner = depth if number is None else depth + 1
    lines += [f"{'|   ' * inner}{detail}" for detail in branch.details]
    for index, child in enumerate(branch.children, 1):
        lines += _rendered(child, inner, index)
    return lines
