"""Routing: a trie over the segments of the raw path, each decoded once.

Templates have literal segments, `{name}` for one segment, `{project-slug}` for a slug (three raw
segments, one escaped segment, or a UUID), `{org-slug-or-id}` or `{org-slug}` for the first two
parts of one and, last, `{name*}` for all that is left.  A literal wins over a slug, a longer slug
over a shorter one, a slug over one segment, one segment over the rest.
"""

from dataclasses import field
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

from roundel.domain.errors import Invalid
from roundel.domain.ids import is_uuid
from roundel.domain.records import dataclass

T = TypeVar("T")

MAX_SEGMENTS = 64  # longer paths are none of ours; this bounds the work on hostile ones
SLUG = "{project-slug}"
SLUG_IN_PARTS = "{provider}/{organization}/{project}"
SLUG_PARTS = {SLUG: 3, "{org-slug-or-id}": 2, "{org-slug}": 2}

Values: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Node(Generic[T]):
    """What may follow, and what ends here, by method."""

    literals: dict[str, "Node[T]"] = field(default_factory=dict)
    slugs: dict[int, "Node[T]"] = field(default_factory=dict)  # by their number of parts
    one: "Node[T] | None" = None
    rest: "Node[T] | None" = None
    ends: dict[str, T] = field(default_factory=dict)


def segments_of(raw_path: bytes) -> list[str]:
    """Return the decoded segments; empty ones (doubled slashes, a last slash) are dropped."""
    parts = [part for part in raw_path.split(b"/") if part]
    try:
        return [
            unquote_to_bytes(part).decode() if b"%" in part else part.decode() for part in parts
        ]
    except UnicodeDecodeError as error:
        raise Invalid("The path is not valid UTF-8") from error


def names_in(template: str) -> tuple[str, ...]:
    """Return the names of the template's parameters in their order."""
    return tuple(
        part[1:-1].removesuffix("*") for part in template.split("/") if part.startswith("{")
    )


class Router(Generic[T]):
    """Finds what was added under a template; a template and method are added once."""

    def __init__(self) -> None:
        self._root: Node[T] = Node()

    def add(self, method: str, template: str, target: T) -> None:
        node = self._root
        for part in (part for part in template.split("/") if part):
            node = _child(node, part)
        if method in node.ends:
            raise ValueError(f"{method} {template} is routed twice")
        node.ends[method] = target

    def find(self, segments: list[str]) -> tuple[dict[str, T], Values] | None:
        """Return what ends at the path, by method, with the values of its parameters."""
        if len(segments) > MAX_SEGMENTS:
            return None
        return _walk(self._root, segments, 0, ())


def _child(node: Node[T], part: str) -> Node[T]:
    if not part.startswith("{"):
        return node.literals.setdefault(part, Node())
    if part in SLUG_PARTS:
        following = node.slugs.setdefault(SLUG_PARTS[part], Node())
        node.slugs = dict(sorted(node.slugs.items(), reverse=True))
        return following
    if part.endswith("*}"):
        node.rest = node.rest or Node()
        return node.rest
    node.one = node.one or Node()
    return node.one


def _walk(
    node: Node[T], segments: list[str], at: int, values: Values
) -> tuple[dict[str, T], Values] | None:
    if at == len(segments):
        return (node.ends, values) if node.ends else None
    literal = node.literals.get(segments[at])
    if literal is not None:
        found = _walk(literal, segments, at + 1, values)
        if found is not None:
            return found
    for parts, following in node.slugs.items():
        end = _slug_end(segments, at, parts)
        slug = "/".join(segments[at:end])
        found = _walk(following, segments, end, (*values, slug))
        if found is not None:
            return found
    if node.one is not None:
        found = _walk(node.one, segments, at + 1, (*values, segments[at]))
        if found is not None:
            return found
    if node.rest is not None and node.rest.ends:
        return node.rest.ends, (*values, "/".join(segments[at:]))
    return None


def _slug_end(segments: list[str], at: int, wanted: int) -> int:
    """Return where the slug ends: as many segments as make the wanted parts, or one UUID."""
    if is_uuid(segments[at]):
        return at + 1
    parts = 0
    for end in range(at, len(segments)):
        parts += segments[end].count("/") + 1
        if parts >= wanted:
            return end + 1
    return len(segments)
