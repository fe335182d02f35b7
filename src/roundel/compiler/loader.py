"""Events to tree: one reading of one text with libyaml.

`yaml.load` is not used: it recurses in C and crashes on deep nesting, refuses repeated anchors,
and forgets places.  Here each map and list keeps its places, an anchor may be named twice, a
duplicate key is a warning, and depth, size and aliases have limits.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import Any, NoReturn

from yaml import events
from yaml._yaml import CParser

from roundel.compiler.limits import DEEPEST_NESTING, MOST_KEYS, MOST_NODES
from roundel.compiler.report import Hint, Report, nearest
from roundel.compiler.scalars import AMBIGUOUS, resolve
from roundel.compiler.tree import Document, Map, Mark, Node, Seq, Spot, text_of

_Scalar: Any = events.ScalarEvent
_MapStart: Any = events.MappingStartEvent
_MapEnd: Any = events.MappingEndEvent
_SeqStart: Any = events.SequenceStartEvent
_SeqEnd: Any = events.SequenceEndEvent
_Alias: Any = events.AliasEvent
_DocumentStart: Any = events.DocumentStartEvent

# Tags whose meaning is a plain value; all others belong to other programs.
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_TYPED_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
_COLLECTION_TAGS = frozenset({"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class Refused(Exception):
    """The text is no tree that a config could be.  Becomes a problem in `source.load`."""

    def __init__(self, code: str, message: str, mark: Mark, hint: Hint | str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.mark, self.hint = code, message, mark, hint


class Loader:
    """One reading of one text.

    A map or list is read by one call that keeps its state in local variables, and plain scalars
    are handled where they are met: that is where the time of a large config goes.
    """

    def __init__(self, doc: Document, report: Report) -> None:
        self.doc = doc
        self.report = report
        self.next_event: Callable[[], Any] = CParser(doc.text).get_event
        self.depth = 0
        self.count = 0  # nodes, aliases written out
        self.anchors: dict[str, tuple[Node, int]] = {}  # value and its size in nodes
        self.open_anchors: dict[str, int] = {}

    def run(self) -> Node:
        """Return the tree of the text; raise Refused or what libyaml raises."""
        root: Node = None
        documents = 0
        event: Any
        while (event := self.next_event()) is not None:
            kind = type(event)
            if kind is _DocumentStart:
                documents += 1
                if documents > 1:
                    raise Refused(
                        "yaml",
                        "Unable to parse YAML\nexpected a single document in the stream\n"
                        "but found another document",
                        event.start_mark,
                    )
            elif issubclass(kind, events.NodeEvent):
                root = self._node(event)
        return root

    def _node(self, event: Any) -> Node:
        """Return the value that begins with an event."""
        kind = type(event)
        if kind is _MapStart or kind is _SeqStart:
            return self._collection(event, kind is _MapStart)
        if kind is _Scalar:
            value = self._scalar(event)
            if event.anchor is not None:
                self.anchors[event.anchor] = (value, 1)
            size = 1
        else:
            value, size = self._aliased(event)
        self.count += size
        if self.count > MOST_NODES:
            _too_many_nodes(event.start_mark)
        return value

    def _collection(self, event: Any, is_map: bool) -> Map | Seq:
        """Return the map or list that begins with an event, its anchor kept."""
        if self.depth >= DEEPEST_NESTING:
            raise Refused(
                "too-deep",
                f"The config is nested more than {DEEPEST_NESTING} levels deep.",
                event.start_mark,
            )
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            raise _unknown_tag(event)
        anchor = event.anchor
        before = self.count
        self.depth += 1
        if anchor is not None:
            self.open_anchors[anchor] = self.open_anchors.get(anchor, 0) + 1
        made = self._map(event.start_mark) if is_map else self._seq(event.start_mark)
        self.depth -= 1
        self.count += 1
        if self.count > MOST_NODES:
            _too_many_nodes(event.start_mark)
        if anchor is not None:
            self.open_anchors[anchor] -= 1
            self.anchors[anchor] = (made, self.count - before)
        return made

    def _seq(self, mark: Mark) -> Seq:
        made = Seq()
        made.doc, made.mark = self.doc, mark
        marks: list[Mark] = []
        made.marks = marks
        next_event = self.next_event
        while True:
            event = next_event()
            kind = type(event)
            if kind is _Scalar and event.anchor is None and event.tag is None:
                text = event.value
                if event.implicit[0] and (not text or text[0] in AMBIGUOUS):
                    text = resolve(text)
                made.append(text)
                self.count += 1
                if self.count > MOST_NODES:
                    _too_many_nodes(event.start_mark)
            elif kind is _SeqEnd:
                return made
            else:
                made.append(self._node(event))
            marks.append(event.start_mark)

    def _map(self, mark: Mark) -> Map:
        made = Map()
        made.doc, made.mark = self.doc, mark
        marks: list[Mark] = []
        made.written = marks
        merges: list[tuple[Node, Mark]] = []
        next_event = self.next_event
        while True:
            event = next_event()
            kind = type(event)
            if kind is _Scalar and event.anchor is None:
                # Most keys are words that the passes look for: one object for each is found faster.
                key = intern(event.value)
                if key == "<<" and event.implicit[0]:
                    event = next_event()
                    merges.append((self._node(event), event.start_mark))
                    continue
            elif kind is _MapEnd:
                break
            else:
                key = self._unusual_key(event)
            key_mark = event.start_mark
            event = next_event()
            if type(event) is _Scalar and event.anchor is None and event.tag is None:
                value = event.value
                if event.implicit[0] and (not value or value[0] in AMBIGUOUS):
                    value = resolve(value)
                self.count += 1
                if self.count > MOST_NODES:
                    _too_many_nodes(event.start_mark)
            else:
                value = self._node(event)
            if key in made:
                at = 2 * list(made).index(key)
                self._duplicate(key, marks[at], key_mark)
                marks[at : at + 2] = key_mark, event.start_mark
            else:
                marks.append(key_mark)
                marks.append(event.start_mark)
            made[key] = value
        if merges:
            return self._merged(made, merges)
        if len(made) > MOST_KEYS:
            _too_many_keys(mark)
        return made

    def _unusual_key(self, event: Any) -> str:
        """Return a key that is not just a text: one with an anchor, or an alias."""
        if type(event) is _Scalar:
            self.anchors[event.anchor] = (event.value, 1)
            return str(event.value)
        if type(event) is _Alias:
            value, _ = self._aliased(event)
            if not isinstance(value, (Map, Seq)):
                return text_of(value)
            raise Refused(
                "yaml-key",
                "Unable to parse YAML\nwhile constructing a mapping\nfound unhashable key",
                event.start_mark,
            )
        raise Refused(
            "yaml-key",
            "Unable to parse YAML\nwhile constructing a mapping\n"
            "found a map or list where a key was expected",
            event.start_mark,
            hint="a value that begins with `{` or `[` needs quotes",
        )

    def _scalar(self, event: Any) -> Node:
        text: str = event.value
        if event.implicit[0]:
            return resolve(text)
        if event.tag is None or event.tag in _TEXT_TAGS:
            return text
        if event.tag in _TYPED_TAGS:
            return resolve(text)
        raise _unknown_tag(event)

    def _duplicate(self, key: str, first: Mark, again: Mark) -> None:
        self.report.warning(
            "duplicate-key",
            f"Duplicate key '{key}': it was given in line {first.line + 1} already;"
            " the last one is used.",
            Spot(self.doc, again),
        )

    def _merged(self, own: Map, merges: list[tuple[Node, Mark]]) -> Map:
        """Return the map with its merge keys written out; own keys win, then earlier merges."""
        items: dict[str, Node] = {}
        marks: dict[str, tuple[Mark, Mark]] = {}
        for value, mark in merges:
            for source in value if isinstance(value, Seq) else (value,):
                if not isinstance(source, Map):
                    raise Refused(
                        "yaml-merge",
                        "Unable to parse YAML\nwhile constructing a mapping\n"
                        "expected a mapping or list of mappings for merging",
                        mark,
                    )
                for key, item in source.items():
                    if key not in items:
                        items[key] = item
                        # A key that came by a merge is shown where it was written.
                        marks[key] = source.marks.get(key, (mark, mark))
                self.count += len(source)
        if len(items) + len(own) > MOST_KEYS:
            _too_many_keys(own.mark)
        items.update(own)
        marks.update(own.marks)
        made = own.with_items(items)
        made.marks = marks
        return made

    def _aliased(self, event: Any) -> tuple[Node, int]:
        """Return what an alias stands for, and its size in nodes."""
        name, mark = event.anchor, event.start_mark
        within_itself = self.open_anchors.get(name, 0) > 0
        if name in self.anchors and not within_itself:
            return self.anchors[name]
        where = f" in 'string', line {mark.line + 1}, column {mark.column + 1}:"
        line = self.doc.line(mark.line + 1)
        snippet = f"    {line.strip()}"
        offset = mark.column - (len(line) - len(line.lstrip()))
        caret = " " * (4 + max(offset, 0)) + "^"
        message = (
            f"found an alias {name} inside of the value that it names"
            if within_itself
            else f"found undefined alias {name}"
        )
        raise Refused(
            "yaml-alias",
            f"Unable to parse YAML\n{message}\n{where}\n{snippet}\n{caret}",
            mark,
            hint=nearest(name, self.anchors),
        )


def _unknown_tag(event: Any) -> Refused:
    mark = event.start_mark
    return Refused(
        "yaml-tag",
        "Unable to parse YAML\n"
        f"could not determine a constructor for the tag '{event.tag}'\n"
        f" in 'string', line {mark.line + 1}, column {mark.column + 1}:",
        mark,
        hint="tags are not part of the configuration language; quote the text if it is meant",
    )


def _too_many_nodes(mark: Mark) -> NoReturn:
    message = f"The config has more than {MOST_NODES} values, aliases included."
    raise Refused("too-many-nodes", message, mark)


def _too_many_keys(mark: Mark) -> NoReturn:
    raise Refused("too-many-keys", f"A map has more than {MOST_KEYS} keys.", mark)
