"""Orb sources for tests: a folder of packed orbs, in the two layouts of the published material."""

import hashlib
from pathlib import Path

from roundel.compiler import ResolvedOrb, best_version


class FolderOrbs:
    """Orbs in files: `NS__NAME@VERSION.yml` beside a case, `NS/NAME/VERSION.yml` in the corpus."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[tuple[str, str], Path] = {}
        self.characters = 0  # of all texts that were handed out
        for file in folder.glob("*__*@*.yml"):
            name, _, version = file.stem.partition("@")
            self.files[name.replace("__", "/"), version] = file
        for file in folder.glob("*/*/*.yml"):
            self.files[f"{file.parent.parent.name}/{file.parent.name}", file.stem] = file

    def resolve(self, reference: str) -> ResolvedOrb | None:
        name, _, wanted = reference.partition("@")
        version = best_version(wanted, [v for n, v in self.files if n == name])
        if version is None:
            return None
        text = self.files[name, version].read_text()
        self.characters += len(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return ResolvedOrb(reference=f"{name}@{version}", text=text, digest=digest)
