"""The tree of a config: plain values whose maps and lists know where they were written.

A scalar is a plain Python value and its place is kept by the map or list that holds it, so a tree
costs little more than the same data without places.  Trees are shared freely between passes and
are never changed after they were built.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from roundel.domain.plan import Json, Place


class Mark(Protocol):
    """A point in a text, counted from 0; libyaml's own mark is one."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


LONGEST_SHOWN = 5_000_000  # characters within which lines are found for problems


class Document:
    """One text: a file, or an orb named by its reference."""

    __slots__ = ("_lines", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        """Return a line, counted from 1; empty if there is none."""
        if self._lines is None:
            # A text that was refused for its size is not split up to show one line of it.
            self._lines = self.text[:LONGEST_SHOWN].splitlines()
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def place(self, mark: Mark) -> Place:
        """Return the place of a mark in this text."""
        return Place(file=self.name, line=mark.line + 1, column=mark.column + 1)


class Spot:
    """A mark in a document: what a problem points at, turned into a Place only when it is shown."""

    __slots__ = ("doc", "mark")

    def __init__(self, doc: Document, mark: Mark) -> None:
        self.doc = doc
        self.mark = mark

    def place(self) -> Place:
        """Return the place to show."""
        mark = self.mark
        return Place(file=self.doc.name, line=mark.line + 1, column=mark.column + 1)

    def key(self) -> tuple[str, int, int]:
        """Return what makes two spots the same place."""
        return (self.doc.name, self.mark.line, self.mark.column)


class _Point:
    """A mark that was computed."""

    __slots__ = ("column", "line")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column


START: Mark = _Point(0, 0)  # of a text, for problems that have no better place


def inside(spot: Spot, text: str, at: int) -> Spot:
    """Return the place of a character of a scalar, or the scalar's own if it cannot be told.

    Quoting, folding and escapes can move characters; the place is used only if the source has the
    same characters there.
    """
    mark, doc = spot.mark, spot.doc
    wanted = text[at : at + 2]
    source = doc.line(mark.line + 1)
    if source[mark.column : mark.column + 1] == "|":
        # A literal block: its lines are those of the text, moved to the right.
        before = text[:at]
        line = mark.line + 1 + before.count("\n")
        start = before.rfind("\n") + 1
        end = text.find("\n", at)
        length = (len(text) if end < 0 else end) - start
        source = doc.line(line + 1)
        column = len(source) - length + at - start
    else:
        quoted = source[mark.column : mark.column + 1] in ("'", '"')
        line, column = mark.line, mark.column + at + (1 if quoted else 0)
    if column >= 0 and wanted.strip() and source[column : column + len(wanted)] == wanted:
        return Spot(doc, _Point(line, column))
    return spot


_FEW_MARKS = 16  # two for each key


class Map(dict[str, "Node"]):
    """A mapping; `marks` has the marks of each key and of its value.

    As read, they are one flat list, `written`: most maps are never asked for a place.
    """

    __slots__ = ("doc", "mark", "written")

    doc: Document
    mark: Mark
    written: list[Mark] | dict[str, tuple[Mark, Mark]]

    @property
    def marks(self) -> dict[str, tuple[Mark, Mark]]:
        """Return the marks by key."""
        written = self.written
        if isinstance(written, list):
            pairs = zip(written[::2], written[1::2], strict=True)
            written = self.written = dict(zip(self, pairs, strict=True))
        return written

    @marks.setter
    def marks(self, marks: dict[str, tuple[Mark, Mark]]) -> None:
        self.written = marks

    def spot(self) -> Spot:
        """Return where the map begins."""
        return Spot(self.doc, self.mark)

    def key_spot(self, key: str) -> Spot:
        """Return where a key stands, or the map itself if the key was not written here."""
        return Spot(self.doc, self._mark_of(key, 0))

    def value_spot(self, key: str) -> Spot:
        """Return where the value of a key begins."""
        value = self.get(key)
        if isinstance(value, (Map, Seq)):
            return value.spot()
        return Spot(self.doc, self._mark_of(key, 1))

    def _mark_of(self, key: str, which: int) -> Mark:
        written = self.written
        if type(written) is list and len(written) <= _FEW_MARKS:
            # Looking through a few is quicker than sorting them by key.
            at = which
            for name in self:
                if name == key:
                    return written[at]
                at += 2
            return self.mark
        marks = self.marks.get(key)
        return self.mark if marks is None else marks[which]

    def with_values(self, items: dict[str, Node]) -> Map:
        """Return a map with other values of the same keys, in the same order."""
        made = Map(items)
        made.doc, made.mark, made.written = self.doc, self.mark, self.written
        return made

    def with_items(self, items: dict[str, Node]) -> Map:
        """Return a map with other items at the same place."""
        made = Map(items)
        made.doc, made.mark, made.written = self.doc, self.mark, self.marks
        return made


class Seq(list["Node"]):
    """A list; `marks` has the mark of each item."""

    __slots__ = ("doc", "mark", "marks")

    doc: Document
    mark: Mark
    marks: list[Mark]

    def spot(self) -> Spot:
        """Return where the list begins."""
        return Spot(self.doc, self.mark)

    def item_spot(self, index: int) -> Spot:
        """Return where an item begins."""
        value = self[index] if index < len(self) else None
        if isinstance(value, (Map, Seq)):
            return value.spot()
        return Spot(self.doc, self.marks[index] if index < len(self.marks) else self.mark)

    def with_items(self, items: list[Node]) -> Seq:
        """Return a list with other items at the same place."""
        made = Seq(items)
        made.doc, made.mark, made.marks = self.doc, self.mark, self.marks
        return made


Node: TypeAlias = "bool | int | float | str | Map | Seq | None"


def a_map(items: dict[str, Node], spot: Spot) -> Map:
    """Return a map that the compiler made, placed at what caused it."""
    made = Map(items)
    made.doc, made.mark, made.written = spot.doc, spot.mark, {}
    return made


def a_seq(items: list[Node], spot: Spot) -> Seq:
    """Return a list that the compiler made, placed at what caused it."""
    made = Seq(items)
    made.doc, made.mark, made.marks = spot.doc, spot.mark, []
    return made


def plain(node: Node) -> Json:
    """Return the same data as plain dicts and lists."""
    if isinstance(node, Map):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, Seq):
        return [plain(value) for value in node]
    return node


def type_word(node: object) -> str:
    """Return the name that the schema messages use for a value's type."""
    if isinstance(node, dict):
        return "Mapping"
    if isinstance(node, list):
        return "Sequence"
    if isinstance(node, bool):
        return "Boolean"
    if isinstance(node, int):
        return "Integer"
    if isinstance(node, float):
        return "Number"
    return "Null" if node is None else "String"


def text_of(node: object) -> str:
    """Return a scalar as the text that it becomes inside other text."""
    if isinstance(node, str):
        return node
    if node is True:
        return "true"
    if node is False:
        return "false"
    if node is None:
        return ""
    return str(node)
