"""Text to tree: a loader over libyaml's events.

`yaml.load` is not used: it recurses in C and crashes on deep nesting, refuses repeated anchors,
and forgets places.  Here each map and list keeps its places, an anchor may be named twice, a
duplicate key is a warning, and depth, size and aliases have limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from roundel.compiler.limits import DEEPEST_NESTING, LONGEST_TEXT, MOST_KEYS, MOST_NODES
from roundel.compiler.scalars import AMBIGUOUS, resolve
from roundel.compiler.tree import Document, Map, Mark, Node, Seq, Spot, text_of

if TYPE_CHECKING:
    from roundel.compiler.report import Hint, Report


class _Start:
    """The beginning of a text, for problems that have no better place."""

    line = 0
    column = 0


START = _Start()


def load(doc: Document, report: Report) -> Node:
    """Return the tree of a text; report what is wrong with it and return None."""
    if len(doc.text) > LONGEST_TEXT:
        report.error(
            "too-large",
            f"The config has {len(doc.text)} characters; at most {LONGEST_TEXT} are allowed.",
            Spot(doc, START),
        )
        return None
    from yaml import YAMLError

    try:
        return _Loader(doc, report).run()
    except _Refused as refused:
        report.error(refused.code, refused.message, Spot(doc, refused.mark), hint=refused.hint)
    except (YAMLError, UnicodeError, ValueError) as error:
        # ValueError: libyaml rejects lone surrogates while the text is encoded.
        _report_parse_failure(doc, report, error)
    return None


def _report_parse_failure(doc: Document, report: Report, error: Exception) -> None:
    from roundel.compiler.yaml_errors import explain_parse_failure

    message, mark = explain_parse_failure(doc.text, error)
    report.error("yaml", f"Unable to parse YAML\n{message}", Spot(doc, mark or START))


class _Refused(Exception):
    def __init__(self, code: str, message: str, mark: Mark, hint: Hint | str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.mark, self.hint = code, message, mark, hint


_NO_KEY: Any = object()
_MERGE: Any = object()

# Tags whose meaning is a plain value; all others belong to other programs.
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_TYPED_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
_COLLECTION_TAGS = frozenset({"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class _Frame:
    """A map or list that is being read."""

    __slots__ = ("anchor", "count", "into", "is_map", "key", "key_mark", "marks", "merges")

    def __init__(self, into: Map | Seq, anchor: str | None, count: int) -> None:
        self.into: Any = into
        self.marks: Any = into.marks
        self.is_map = type(into) is Map
        self.anchor = anchor
        self.count = count  # nodes before this one, to know its size when it ends
        self.key: Any = _NO_KEY
        self.key_mark: Mark = START
        self.merges: list[tuple[Node, Mark]] | None = None


class _Loader:
    """One reading of one text."""

    def __init__(self, doc: Document, report: Report) -> None:
        self.doc = doc
        self.report = report
        self.stack: list[_Frame] = []
        self.frame: _Frame | None = None  # the innermost one
        self.documents = 0
        self.anchors: dict[str, tuple[Node, int]] = {}  # value and its size in nodes
        self.open_anchors: dict[str, int] = {}
        self.count = 0
        self.root: Node = None

    def run(self) -> Node:
        """Read all events.

        Keys and values of open maps and lists are handled in this loop, without a call each: that
        is where the time of a large config goes.
        """
        from yaml import events
        from yaml._yaml import CParser

        scalar: Any = events.ScalarEvent
        handlers: dict[Any, Callable[[Any], None]] = {
            events.MappingStartEvent: self._open_map,
            events.MappingEndEvent: self._close,
            events.SequenceStartEvent: self._open_seq,
            events.SequenceEndEvent: self._close,
            events.ScalarEvent: self._anchored_scalar,
            events.AliasEvent: self._alias,
            events.DocumentStartEvent: self._begin_document,
        }
        next_event: Any = CParser(self.doc.text).get_event
        frame: Any = None
        into: Any = None
        is_map = False
        key: Any = _NO_KEY
        while True:
            event = next_event()
            kind = type(event)
            if kind is not scalar or event.anchor is not None:
                if frame is not None:
                    frame.key = key
                handler = handlers.get(kind)
                if handler is not None:
                    handler(event)
                elif event is None:
                    return self.root
                frame = self.frame
                if frame is not None:
                    into, is_map, key = frame.into, frame.is_map, frame.key
                continue
            text = event.value
            if is_map and key is _NO_KEY and frame is not None:
                key = _MERGE if text == "<<" and event.implicit[0] else text
                frame.key_mark = event.start_mark
                continue
            value: Node = text
            if event.implicit[0]:
                if not text or text[0] in AMBIGUOUS:
                    value = resolve(text)
            elif event.tag is not None:
                value = self._tagged(event, text)
            if (
                frame is None
                or self.count >= MOST_NODES
                or (is_map and (key is _MERGE or key in into))
            ):
                if frame is not None:
                    frame.key = key
                self._put(value, event.start_mark)
                key = _NO_KEY
                continue
            self.count += 1
            if is_map:
                into[key] = value
                frame.marks[key] = (frame.key_mark, event.start_mark)
                key = _NO_KEY
            else:
                into.append(value)
                frame.marks.append(event.start_mark)

    def _begin_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _Refused(
                "yaml",
                "Unable to parse YAML\nexpected a single document in the stream\n"
                "but found another document",
                event.start_mark,
            )

    def _anchored_scalar(self, event: Any) -> None:
        text = event.value
        frame = self.frame
        if frame is not None and frame.is_map and frame.key is _NO_KEY:
            self.anchors[event.anchor] = (text, 1)
            frame.key = text
            frame.key_mark = event.start_mark
            return
        value = self._scalar_value(event, text)
        self.anchors[event.anchor] = (value, 1)
        self._put(value, event.start_mark)

    def _scalar_value(self, event: Any, text: str) -> Node:
        if event.implicit[0]:
            return resolve(text)
        return text if event.tag is None else self._tagged(event, text)

    def _tagged(self, event: Any, text: str) -> Node:
        if event.tag in _TEXT_TAGS:
            return text
        if event.tag in _TYPED_TAGS:
            return resolve(text)
        raise self._unknown_tag(event)

    def _unknown_tag(self, event: Any) -> _Refused:
        return _Refused(
            "yaml-tag",
            "Unable to parse YAML\n"
            f"could not determine a constructor for the tag '{event.tag}'\n"
            f" in 'string', line {event.start_mark.line + 1},"
            f" column {event.start_mark.column + 1}:",
            event.start_mark,
            hint="tags are not part of the configuration language; quote the text if it is meant",
        )

    def _put(self, value: Node, mark: Mark) -> None:
        """Add a value to the map or list that is open."""
        self.count += 1
        if self.count > MOST_NODES:
            raise _Refused(
                "too-many-nodes",
                f"The config has more than {MOST_NODES} values, aliases included.",
                mark,
            )
        frame = self.frame
        if frame is None:
            self.root = value
            return
        into = frame.into
        if not frame.is_map:
            into.append(value)
            into.marks.append(mark)
            return
        key = frame.key
        frame.key = _NO_KEY
        if key is _MERGE:
            if frame.merges is None:
                frame.merges = []
            frame.merges.append((value, mark))
            return
        if key in into:
            self._duplicate(into, key, frame.key_mark)
        into[key] = value
        into.marks[key] = (frame.key_mark, mark)

    def _duplicate(self, into: Map | Seq, key: str, mark: Mark) -> None:
        assert isinstance(into, Map)  # noqa: S101 - only maps have keys
        first = into.marks[key][0].line + 1
        self.report.warning(
            "duplicate-key",
            f"Duplicate key '{key}': it was given in line {first} already; the last one is used.",
            Spot(self.doc, mark),
        )

    def _open_map(self, event: Any) -> None:
        into = Map()
        into.doc, into.mark, into.marks = self.doc, event.start_mark, {}
        self._open(into, event)

    def _open_seq(self, event: Any) -> None:
        into = Seq()
        into.doc, into.mark, into.marks = self.doc, event.start_mark, []
        self._open(into, event)

    def _open(self, into: Map | Seq, event: Any) -> None:
        if len(self.stack) >= DEEPEST_NESTING:
            raise _Refused(
                "too-deep",
                f"The config is nested more than {DEEPEST_NESTING} levels deep.",
                event.start_mark,
            )
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            raise self._unknown_tag(event)
        top = self.frame
        if top is not None and top.is_map and top.key is _NO_KEY:
            raise _Refused(
                "yaml-key",
                "Unable to parse YAML\nwhile constructing a mapping\n"
                "found a map or list where a key was expected",
                event.start_mark,
                hint="a value that begins with `{` or `[` needs quotes",
            )
        anchor = event.anchor
        if anchor is not None:
            self.open_anchors[anchor] = self.open_anchors.get(anchor, 0) + 1
        self.frame = _Frame(into, anchor, self.count)
        self.stack.append(self.frame)

    def _close(self, _: Any) -> None:
        frame = self.stack.pop()
        self.frame = self.stack[-1] if self.stack else None
        into: Map | Seq = frame.into
        if frame.merges is not None:
            into = self._merged(into, frame.merges)
        elif len(into) > MOST_KEYS and frame.is_map:
            raise _Refused("too-many-keys", f"A map has more than {MOST_KEYS} keys.", into.mark)
        if frame.anchor is not None:
            self.open_anchors[frame.anchor] -= 1
            self.anchors[frame.anchor] = (into, self.count - frame.count + 1)
        self._put(into, into.mark)

    def _merged(self, into: Map | Seq, merges: list[tuple[Node, Mark]]) -> Map:
        """Return the map with its merge keys written out; own keys win, then earlier merges."""
        assert isinstance(into, Map)  # noqa: S101 - only maps have merge keys
        items: dict[str, Node] = {}
        marks: dict[str, tuple[Mark, Mark]] = {}
        for value, mark in merges:
            for source in value if isinstance(value, Seq) else (value,):
                if not isinstance(source, Map):
                    raise _Refused(
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
        if len(items) + len(into) > MOST_KEYS:
            raise _Refused("too-many-keys", f"A map has more than {MOST_KEYS} keys.", into.mark)
        items.update(into)
        marks.update(into.marks)
        made = into.with_items(items)
        made.marks = marks
        return made

    def _alias(self, event: Any) -> None:
        name = event.anchor
        found = self.anchors.get(name)
        if found is None or self.open_anchors.get(name, 0):
            self._bad_alias(event, name)
        assert found is not None  # noqa: S101 - _bad_alias does not return
        value, size = found
        frame = self.frame
        if frame is not None and frame.is_map and frame.key is _NO_KEY:
            if isinstance(value, (Map, Seq)):
                raise _Refused(
                    "yaml-key",
                    "Unable to parse YAML\nwhile constructing a mapping\nfound unhashable key",
                    event.start_mark,
                )
            frame.key = text_of(value)
            frame.key_mark = event.start_mark
            return
        self.count += size - 1
        self._put(value, event.start_mark)

    def _bad_alias(self, event: Any, name: str) -> None:
        mark = event.start_mark
        where = f" in 'string', line {mark.line + 1}, column {mark.column + 1}:"
        line = self.doc.line(mark.line + 1)
        snippet = f"    {line.strip()}"
        offset = mark.column - (len(line) - len(line.lstrip()))
        caret = " " * (4 + max(offset, 0)) + "^"
        if self.open_anchors.get(name, 0):
            message = f"found an alias {name} inside of the value that it names"
        else:
            message = f"found undefined alias {name}"
        from roundel.compiler.report import nearest

        raise _Refused(
            "yaml-alias",
            f"Unable to parse YAML\n{message}\n{where}\n{snippet}\n{caret}",
            mark,
            hint=nearest(name, self.anchors),
        )
