"""Orb sources that need no server: a folder of packed orbs, files of the repository, and chains."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from roundel.compiler.resolved import OrbRefused, OrbSource, ResolvedOrb

LARGEST_ORB_BYTES = 5_000_000


def split_reference(reference: str) -> tuple[str, str]:
    """Return the name and version of a registry reference; the version may be empty."""
    name, _, version = reference.partition("@")
    return name, version


def is_path(reference: str) -> bool:
    """Tell whether a reference names a file of the repository: `./orbs/mine.yml`."""
    return reference.startswith(("./", "../"))


def is_url(reference: str) -> bool:
    """Tell whether a reference names an orb on the web."""
    return reference.startswith(("https://", "http://"))


def best_version(wanted: str, known: Iterable[str]) -> str | None:
    """Return the version that a reference means: exact, the highest of a range, or `volatile`.

    `1` is the highest 1.x.y, `1.2` the highest 1.2.x, `volatile` the highest of all; `dev:x` and
    exact versions mean only themselves.
    """
    versions = list(known)
    if wanted in versions:
        return wanted
    released = [v for v in versions if _numbers(v) is not None]
    if wanted != "volatile":
        prefix = _numbers(wanted)
        if prefix is None or len(prefix) > 2:
            return None
        released = [v for v in released if (_numbers(v) or ())[: len(prefix)] == prefix]
    return max(released, key=lambda v: _numbers(v) or (), default=None)


def _numbers(version: str) -> tuple[int, ...] | None:
    parts = version.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return None
    return tuple(int(part) for part in parts)


def digest_of(text: str) -> str:
    """Return the digest by which an orb's text is locked."""
    import hashlib  # only here, since it is slow to import and most configs have no orbs

    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def copy_of(exact: str) -> str:
    """Return where a vendored copy of an orb lies, below the folder of the copies.

    No registry has a namespace that begins with @, so addresses have a folder of their own.
    """
    if is_url(exact):
        return f"@urls/{digest_of(exact).removeprefix('sha256:')[:32]}.yml"
    name, version = split_reference(exact)
    return f"{name}/{version}.yml"


class FolderOrbs:
    """Packed orbs in a folder: `namespace/name/1.2.3.yml`, and copies of those on the web."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self, name: str) -> list[str]:
        """Return the versions that the folder has of an orb."""
        parts = name.split("/")
        if len(parts) != 2 or not all(_is_plain(part) for part in parts):
            return []
        return [file.stem for file in (self.folder / parts[0] / parts[1]).glob("*.yml")]

    def resolve(self, reference: str) -> ResolvedOrb | None:
        """Return the orb of the highest version that the reference allows."""
        if is_path(reference):
            return None
        if is_url(reference):
            return self._copied(reference)
        name, wanted = split_reference(reference)
        version = best_version(wanted, self.versions(name))
        if version is None:
            return None
        text = _read(self.folder / name / f"{version}.yml")
        return ResolvedOrb(reference=f"{name}@{version}", text=text, digest=digest_of(text))

    def _copied(self, url: str) -> ResolvedOrb | None:
        file = self.folder / copy_of(url)
        if not file.is_file():
            return None
        text = _read(file)
        return ResolvedOrb(reference=url, text=text, digest=digest_of(text))


def _is_plain(part: str) -> bool:
    return part not in ("", ".", "..") and "\\" not in part and "\0" not in part


class RepositoryOrbs:
    """Orbs that are files of the repository itself: `./orbs/mine.yml`, seen from its root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def resolve(self, reference: str) -> ResolvedOrb | None:
        """Return the file as an orb; refuse one outside of the repository."""
        if not is_path(reference) or "\0" in reference:
            return None
        root = self.root.resolve()
        file = (root / reference).resolve()
        if not file.is_relative_to(root):
            raise OrbRefused(f"The orb {reference} lies outside of the repository.")
        if not file.is_file():
            return None
        text = _read(file)
        return ResolvedOrb(reference=reference, text=text, digest=digest_of(text))


def _read(file: Path) -> str:
    if file.stat().st_size > LARGEST_ORB_BYTES:
        raise OrbRefused(f"The orb {file.name} is larger than {LARGEST_ORB_BYTES} bytes.")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise OrbRefused(f"The orb {file.name} is not UTF-8 text.") from error


class UrlOrbs:
    """Orbs on the web, from addresses that begin with an allowed prefix.

    `fetch` returns the text of an address, None if there is nothing; it brings its own limits.
    """

    def __init__(self, allowed: Iterable[str], fetch: Callable[[str], str | None]) -> None:
        self.allowed = tuple(allowed)
        self.fetch = fetch

    def resolve(self, reference: str) -> ResolvedOrb | None:
        """Return the text at an address; refuse one that is not allowed."""
        if not is_url(reference):
            return None
        if not reference.startswith(self.allowed):
            raise OrbRefused(f"URL orbs from {reference} are not allowed in this organization.")
        text = self.fetch(reference)
        if text is None:
            return None
        return ResolvedOrb(reference=reference, text=text, digest=digest_of(text))


class OrbChain:
    """Several sources; the first that has an orb answers."""

    def __init__(self, *sources: OrbSource) -> None:
        self.sources = sources

    def resolve(self, reference: str) -> ResolvedOrb | None:
        """Return the orb of the first source that has it."""
        for source in self.sources:
            found = source.resolve(reference)
            if found is not None:
                return found
        return None
