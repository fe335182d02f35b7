"""Tree to text: the processed config.

The text is valid YAML for any content and is read back as the same values, by YAML 1.1 and 1.2
readers alike, as far as the two can agree.
"""

from __future__ import annotations

import json
import re

from roundel.compiler.scalars import number_text, plain_is_safe
from roundel.compiler.tree import Map, Node, Seq

LONGEST_SIMPLE_KEY = 120  # characters; YAML readers give up on a simple key after 1,024

# Compiled when first searched for, which few configs need: the first one takes 6 ms.
_BLOCK_UNSAFE = r"[^\n\t -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_NOT_JSON = r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"


def emit(root: Map) -> str:
    """Return a tree as YAML in block style."""
    writer = _Writer()
    writer.write_map(root, 0)
    return "".join(writer.out) or "{}\n"


_INDENTS = ["  " * depth for depth in range(120)]


def _indent(depth: int) -> str:
    return _INDENTS[depth] if depth < len(_INDENTS) else "  " * depth


class _Writer:
    """Writes one tree.

    Jobs share what they have of executors, commands and anchors, so a list, and a map in a list,
    that was written before at the same depth is copied from there.
    """

    __slots__ = ("keys", "known", "out", "plain")

    def __init__(self) -> None:
        self.out: list[str] = []
        self.keys: dict[str, str] = {}  # as they are written
        self.plain: dict[str, bool] = {}  # texts of one line: whether they need no quotes
        self.known: dict[tuple[int, int], tuple[int, int]] = {}  # node and depth -> part of `out`

    def write_map(self, node: Map, depth: int, first: str | None = None) -> None:
        """Write a map; `first` stands before its first key instead of the indentation."""
        indent = _indent(depth)
        add = self.out.append
        start = indent if first is None else first
        keys, plain = self.keys, self.plain
        for key, value in node.items():
            shown = keys.get(key)
            if shown is None:
                shown = keys[key] = key if plain_is_safe(key) else _quoted(key)
            if len(shown) > LONGEST_SIMPLE_KEY:
                add(f"{start}? {_quoted(key)}\n")
                shown, start = "", indent
            kind = type(value)
            if kind is str:
                if plain.get(value):  # type: ignore[arg-type]
                    add(f"{start}{shown}: {value}\n")
                else:
                    add(f"{start}{shown}: {self._text(value, depth)}\n")  # type: ignore[arg-type]
            elif kind is Map:
                if value:
                    add(f"{start}{shown}:\n")
                    self.write_map(value, depth + 1)  # type: ignore[arg-type]
                else:
                    add(f"{start}{shown}: {{}}\n")
            elif kind is Seq:
                if value:
                    add(f"{start}{shown}:\n")
                    if not self._copied(value, depth):
                        before = len(self.out)
                        self.write_seq(value, depth)  # type: ignore[arg-type]
                        self.known[id(value), depth] = (before, len(self.out))
                else:
                    add(f"{start}{shown}: []\n")
            else:
                add(f"{start}{shown}: {_scalar(value)}\n")
            start = indent

    def write_seq(self, node: Seq, depth: int, first: str | None = None) -> None:
        """Write a list; `first` stands before its first item instead of the indentation."""
        indent = _indent(depth)
        add = self.out.append
        for value in node:
            start = (indent if first is None else first) + "- "
            kind = type(value)
            if kind is str:
                add(f"{start}{self._text(value, depth)}\n")  # type: ignore[arg-type]
            elif kind is Map:
                if not value:
                    add(f"{start}{{}}\n")
                elif first is not None:
                    self.write_map(value, depth + 1, start)  # type: ignore[arg-type]
                elif not self._copied(value, depth):
                    before = len(self.out)
                    self.write_map(value, depth + 1, start)  # type: ignore[arg-type]
                    self.known[id(value), depth] = (before, len(self.out))
            elif kind is Seq:
                if value:
                    self.write_seq(value, depth + 1, start)  # type: ignore[arg-type]
                else:
                    add(f"{start}[]\n")
            else:
                add(f"{start}{_scalar(value)}\n")
            first = None

    def _text(self, text: str, depth: int) -> str:
        plain = self.plain.get(text)
        if plain is None:
            if "\n" in text:
                return _block(text, depth) if _block_is_safe(text) else _double_quoted(text)
            plain = self.plain[text] = plain_is_safe(text)
        return text if plain else _quoted(text)

    def _copied(self, node: Node, depth: int) -> bool:
        """Write a node again if it was written at this depth before."""
        part = self.known.get((id(node), depth))
        if part is not None:
            self.out += self.out[part[0] : part[1]]
        return part is not None


def _scalar(value: Node) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    assert isinstance(value, (int, float))  # noqa: S101 - all other kinds were handled
    return number_text(value)


def _quoted(text: str) -> str:
    """Return a text of one line in quotes: single ones where that is enough."""
    if text.isascii() and text.isprintable():
        if "'" not in text or '"' in text or "\\" in text:
            return "'" + text.replace("'", "''") + "'"
        return f'"{text}"'
    return _double_quoted(text)


def _double_quoted(text: str) -> str:
    return re.sub(_NOT_JSON, _escaped, json.dumps(text, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


def _block_is_safe(text: str) -> bool:
    """Tell whether a text can stand as a literal block without an indentation indicator."""
    if text[0] in " \n\t":
        return False
    common = text.isascii() and text.replace("\n", "").isprintable()
    if not common and re.search(_BLOCK_UNSAFE, text) is not None:
        return False
    stripped = text.rstrip("\n")
    last = stripped.rfind("\n") + 1
    return stripped[last:].strip(" \t") != ""


def _block(text: str, depth: int) -> str:
    stripped = text.rstrip("\n")
    endings = len(text) - len(stripped)
    indicator = "|-" if endings == 0 else "|" if endings == 1 else "|+"
    indent = "\n" + _indent(depth + 1)
    body = stripped.replace("\n", indent)
    made = f"{indicator}{indent}{body}"
    # Empty lines need no indentation; trailing blanks would only look untidy.
    made = made.replace(indent + "\n", "\n\n") if indent + "\n" in made else made
    return made + "\n" * (endings - 1) if endings > 1 else made


def with_source(output: str, source: str) -> str:
    """Return the processed config followed by its source as comments, as the compile API has it."""
    lines = ["# Original config.yml file:"]
    for line in source.splitlines():
        shown = json.dumps(line)[1:-1].replace("/", "\\/")
        lines.append(f"# {shown}" if shown else "#")
    return output + "\n".join(lines) + "\n"
