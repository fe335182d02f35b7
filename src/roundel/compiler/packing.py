"""Packing: a folder of YAML files becomes one file, for orbs and for configs.

Folders and file names become keys; a file whose name begins with `@` is merged into the folder that
it lies in; `<<include(path)>>` as a whole value is replaced by a file's text.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from roundel.compiler.emit import emit
from roundel.compiler.report import Problem, Report
from roundel.compiler.source import load
from roundel.compiler.tree import START, Document, Map, Node, Seq, Spot, a_map
from roundel.domain.records import dataclass

_INCLUDE = re.compile(r"\s*<<\s*include\(([^()]*)\)\s*>>\s*\Z")
_ANY_INCLUDE = re.compile(r"<<\s*include\(")
LARGEST_INCLUDE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """The packed text, None if there were errors."""

    text: str | None
    problems: tuple[Problem, ...]


def pack_folder(folder: Path) -> Packed:
    """Return a folder, or a single file, as one YAML text with sorted keys."""
    report = Report()
    packing = _Packing(folder if folder.is_dir() else folder.parent, report)
    here = Spot(Document(str(folder), ""), START)
    if folder.is_dir():
        node: Node = packing.folder(folder, here)
    elif folder.is_file():
        node = packing.file(folder)
    else:
        report.error("pack", f"{folder} is neither a folder nor a file", here)
        node = None
    if report.errors or not isinstance(node, Map) or not node:
        if not report.errors:
            report.error("pack", f"{folder} has nothing to pack", here)
        return Packed(text=None, problems=report.problems())
    return Packed(text=emit(_sorted(node)), problems=report.problems())


class _Packing:
    def __init__(self, root: Path, report: Report) -> None:
        self.root = root
        self.report = report
        self._inside: list[Path] = []  # the folders that are being read, outermost first

    def folder(self, folder: Path, here: Spot) -> Map:
        """Return a folder as a map: files by their names, what `@` files hold merged in."""
        items: dict[str, Node] = {}
        real = folder.resolve()
        if real in self._inside:
            words = f"{self._shown(folder)} is a link to a folder that it lies in"
            self.report.error("pack", words, here)
            return a_map(items, here)
        self._inside.append(real)
        self._read_folder(folder, items, here)
        self._inside.pop()
        return a_map(items, here)

    def _read_folder(self, folder: Path, items: dict[str, Node], here: Spot) -> None:
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            if not _is_text(entry.name):
                words = f"The file name {_readable(entry.name)} is not UTF-8; rename the file"
                self.report.error("pack", words, here)
                continue
            if entry.is_dir():
                inner = self.folder(entry, here)
                if inner:
                    self._add(items, entry.name, inner, inner.spot())
            elif entry.suffix in (".yml", ".yaml"):
                node = self.file(entry)
                if entry.name.startswith("@"):
                    self._merge(items, node, entry)
                elif node is not None:
                    self._add(items, entry.stem, node, here)

    def file(self, file: Path) -> Node:
        """Return what a file holds, its includes filled in; report what is wrong with it."""
        if file.exists() and not file.is_file():  # a pipe would be waited for without end
            doc = Document(self._shown(file), "")
            self.report.error("pack", f"{self._shown(file)} is no file of text", Spot(doc, START))
            return None
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            doc = Document(self._shown(file), "")
            self.report.error("pack", f"{self._shown(file)} is not UTF-8 text", Spot(doc, START))
            return None
        doc = Document(self._shown(file), text)
        return self._included(load(doc, self.report), Spot(doc, START))

    def _shown(self, file: Path) -> str:
        return str(file.relative_to(self.root)) if file.is_relative_to(self.root) else str(file)

    def _merge(self, items: dict[str, Node], node: Node, file: Path) -> None:
        if isinstance(node, Map):
            for key, value in node.items():
                self._add(items, key, value, node.key_spot(key))
        elif node is not None:
            doc = Document(self._shown(file), "")
            self.report.error("pack", f"{file.name} must be a map to be merged", Spot(doc, START))

    def _add(self, items: dict[str, Node], key: str, value: Node, spot: Spot) -> None:
        known = items.get(key)
        if isinstance(known, Map) and isinstance(value, Map):
            merged = dict(known)
            for inner, node in value.items():
                self._add(merged, inner, node, value.key_spot(inner))
            items[key] = known.with_items(merged)
        elif key in items:
            self.report.error("pack", f"The key '{key}' is given twice", spot)
        else:
            items[key] = value

    def _included(self, node: Node, spot: Spot) -> Node:
        if isinstance(node, str):
            return self._include(node, spot) if "include(" in node else node
        if isinstance(node, Map):
            return node.with_items(
                {key: self._included(node[key], node.value_spot(key)) for key in node}
            )
        if isinstance(node, Seq):
            return node.with_items(
                [self._included(item, node.item_spot(at)) for at, item in enumerate(node)]
            )
        return node

    def _include(self, text: str, spot: Spot) -> str:
        found = _INCLUDE.match(text)
        if found is None:
            if _ANY_INCLUDE.search(text) is not None:
                self.report.error(
                    "include", "An include must be the whole value: <<include(path)>>", spot
                )
            return text
        name = found.group(1).strip()
        root = self.root.resolve()
        file = (root / name).resolve()
        if "\0" in name or not file.is_relative_to(root) or not file.is_file():
            self.report.error("include", f"There is no file {name} to include", spot)
            return text
        if file.stat().st_size > LARGEST_INCLUDE_BYTES:
            self.report.error("include", f"The file {name} is too large to include", spot)
            return text
        # The text is no template: what looks like a tag in a script is the script's own.
        return file.read_text(encoding="utf-8", errors="replace").replace("<<", "\\<<")


def _is_text(name: str) -> bool:
    """Tell whether a file name can be a key: names of other encodings have surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _readable(name: str) -> str:
    return repr(os.fsencode(name))[1:]


def _sorted(node: Node) -> Map:
    made = _sorted_node(node)
    assert isinstance(made, Map)  # noqa: S101 - only maps are packed
    return made


def _sorted_node(node: Node) -> Node:
    if isinstance(node, Map):
        return node.with_items({key: _sorted_node(node[key]) for key in sorted(node)})
    if isinstance(node, Seq):
        return node.with_items([_sorted_node(item) for item in node])
    return node
