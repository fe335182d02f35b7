"""Packed orbs in a folder: DIR/NAMESPACE/NAME/VERSION.yml."""

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roundel.compiler import ResolvedOrb

_REFERENCE = re.compile(
    r"(?P<namespace>[a-z0-9_-]+)/(?P<name>[a-z0-9_-]+)@(?P<version>volatile|dev:[\w.-]+|[\d.]+)",
    re.ASCII | re.IGNORECASE,
)
_EXACT = re.compile(r"\d+\.\d+\.\d+", re.ASCII)


class OrbFolder:
    """The compiler's source of orbs for people who keep them in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def resolve(self, reference: str) -> "ResolvedOrb | None":
        """Return the newest version that the reference allows, or None."""
        from roundel.compiler import OrbRefused, ResolvedOrb

        found = _REFERENCE.fullmatch(reference)
        if found is None:
            return None
        folder = self._folder / found["namespace"] / found["name"]
        version = _best(found["version"], folder)
        if version is None:
            return None
        file = folder / f"{version}.yml"
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OrbRefused(f"Orb {reference} cannot be read: {file} is no text file") from error
        return ResolvedOrb(
            reference=f"{found['namespace']}/{found['name']}@{version}",
            text=text,
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )


def _best(wanted: str, folder: Path) -> str | None:
    """Return the version on disk that `wanted` means: itself, or the highest one below it."""
    if (folder / f"{wanted}.yml").is_file():
        return wanted
    versions = [file.stem for file in folder.glob("*.yml") if _EXACT.fullmatch(file.stem)]
    if wanted != "volatile":
        versions = [it for it in versions if it.startswith(f"{wanted}.")]
    return max(versions, key=lambda it: [int(part) for part in it.split(".")], default=None)
