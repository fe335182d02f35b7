"""What archives may put where: rules of paths and links, kept across all archives of a place."""

import unicodedata
from collections.abc import Callable
from dataclasses import field
from typing import TypeAlias

from roundel.domain.records import dataclass
from roundel.runner.archives.headers import (
    DIRECTORY,
    HARD_LINK,
    KIND_NAMES,
    PLAIN,
    SYMLINK,
    Header,
)

MAX_ENTRIES = 2_000_000
MAX_BYTES = 1024 * 1024 * 1024 * 1024  # unpacked; the disk of the job is the nearer bound
_REASONS_KEPT = 20

Rename: TypeAlias = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An entry that was left out, and why."""

    path: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Ground:
    """One place into which archives are unpacked, one after another.

    A path never leads through a symbolic link that an archive has made, and a hard link only to
    a file of the same archive; so it does not matter where symbolic links point, and they may
    point anywhere (the interpreter in a virtual environment is one).
    """

    rename: Rename | None = None
    max_entries: int = MAX_ENTRIES
    max_bytes: int = MAX_BYTES
    list_paths: bool = False
    entries: int = 0
    size: int = 0  # bytes of contents
    paths: list[str] = field(default_factory=list)  # files and links, where `list_paths`
    refused: list[Refusal] = field(default_factory=list)  # the first few
    refused_count: int = 0
    _symlinks: set[bytes] = field(default_factory=set)
    _files: set[int] = field(default_factory=set)
    _safe_folder: bytes | None = None

    def begin(self) -> None:
        """Begin another archive: hard links do not reach into the ones before."""
        self._files.clear()

    def admit(self, header: Header) -> bool:
        """Tell whether an entry may be unpacked; its names are renamed where that is asked for."""
        named, path = header.name, clean(header.name)
        reason = _why_not(header) or ("its path leaves the folder" if path is None else None)
        if path is None or reason is not None:
            return self.refuse(named, reason or "")
        if self.rename is not None:
            path = header.name = self.rename(path)
        reason = self._place(header, path)
        if reason is not None:
            return self.refuse(named, reason)
        if self.list_paths and header.kind != DIRECTORY:
            self.paths.append(path.decode("utf-8", "surrogateescape"))
        return True

    def _place(self, header: Header, path: bytes) -> str | None:
        """Note what stands where; return why it must not."""
        if not path and header.kind != DIRECTORY:
            return "it would replace the folder itself"
        if self._symlinks and self._through_link(path):
            return "its path leads through a symbolic link"
        if header.kind == HARD_LINK:
            return self._hard_link(header, path)
        if header.kind == SYMLINK:
            self._symlinks.add(_folded(path))
            self._safe_folder = None
        elif header.kind == DIRECTORY:
            if _folded(path) in self._symlinks:
                return "a symbolic link stands where this folder belongs"
        else:
            self._symlinks.discard(_folded(path))  # tar removes what stands there first
            self._files.add(hash(path))
        return None

    def _hard_link(self, header: Header, path: bytes) -> str | None:
        target = clean(header.link)
        if target is None:
            return "it is a hard link to outside of the folder"
        if self.rename is not None:
            target = header.link = self.rename(target)
        if hash(target) not in self._files or _folded(target) in self._symlinks:
            return "it is a hard link to a file that is not in the archive"
        self._files.add(hash(path))
        self._symlinks.discard(_folded(path))
        return None

    def _through_link(self, path: bytes) -> bool:
        folder = path.rpartition(b"/")[0]
        if folder == self._safe_folder:
            return False
        folded = _folded(folder)
        above = folded
        while above:
            if above in self._symlinks:
                return True
            above = above.rpartition(b"/")[0]
        self._safe_folder = folder
        return False

    def refuse(self, name: bytes, reason: str) -> bool:
        """Note that an entry was left out; return False."""
        self.refused_count += 1
        if len(self.refused) < _REASONS_KEPT:
            shown = name[:400].decode("utf-8", "replace")
            self.refused.append(Refusal(path=shown, reason=reason))
        return False


def clean(name: bytes) -> bytes | None:
    """Return a relative path without `.` and doubled slashes; None if it may lead outside."""
    if name[:1] == b"/":
        return None
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    return None if b".." in parts else b"/".join(parts)


def _why_not(header: Header) -> str | None:
    kind = header.kind
    if kind in PLAIN or kind in (DIRECTORY, SYMLINK, HARD_LINK):
        return None
    return f"it is {KIND_NAMES.get(kind, 'of an unknown kind')}"


def _folded(path: bytes) -> bytes:
    """Return what a file system that ignores case and composition takes `path` for."""
    if path.isascii():
        return path.lower()
    text = unicodedata.normalize("NFC", path.decode("utf-8", "surrogateescape")).casefold()
    return text.encode("utf-8", "surrogateescape")
