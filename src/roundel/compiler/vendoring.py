"""Copying what a config needs into a folder, so that it compiles with no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from roundel.compiler.orb_sources import copy_of, is_path
from roundel.compiler.orbs import LockedOrb, NoOrbs, OrbPass, OrbSource, ResolvedOrb
from roundel.compiler.params import pipeline_parameters
from roundel.compiler.report import Problem, Report
from roundel.compiler.scope import Elements, Run
from roundel.compiler.source import load
from roundel.compiler.tree import Document, Map
from roundel.domain.plan import Json
from roundel.domain.records import dataclass

LOCK_FILE = "orbs.lock.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendored:
    """What was copied: the files, what each reference meant, and problems."""

    files: tuple[Path, ...]
    locked: tuple[LockedOrb, ...]
    problems: tuple[Problem, ...]


class _Recorder:
    """A source that remembers what it gave out."""

    def __init__(self, source: OrbSource) -> None:
        self.source = source
        self.given: dict[str, ResolvedOrb] = {}

    def resolve(self, reference: str) -> ResolvedOrb | None:
        """Return what the source has, and note it."""
        found = self.source.resolve(reference)
        if found is not None:
            self.given[found.reference] = found
        return found


def vendor_orbs(
    text: str,
    folder: Path,
    orbs: OrbSource | None = None,
    *,
    file: str = ".circleci/config.yml",
    parameters: Mapping[str, Json] | None = None,
    values: Mapping[str, Json] | None = None,
) -> Vendored:
    """Write every orb that a config can need and its repository has not, into a folder.

    Orbs of orbs are written too.  A lock beside them says what each reference meant.  Nothing is
    written if one cannot be had.
    """
    report = Report()
    recorder = _Recorder(orbs if orbs is not None else NoOrbs())
    run = Run(report, values or {})
    orb_pass = OrbPass(run, recorder)
    doc = Document(file, text)
    root = load(doc, report)
    if isinstance(root, Map):
        run.parameters = pipeline_parameters(root, parameters or {}, run, doc)
        elements = Elements("config", doc, root, is_project=True)
        orb_pass.attach(root, elements)
        _fetch_all(elements)
    files: list[Path] = []
    if not report.errors:
        files = [
            _write(orb, folder) for orb in recorder.given.values() if not is_path(orb.reference)
        ]
        files.append(_write_lock(orb_pass.locked, folder))
    return Vendored(files=tuple(files), locked=tuple(orb_pass.locked), problems=report.problems())


def _fetch_all(elements: Elements) -> None:
    """Fetch what would otherwise be fetched when it is used."""
    waiting = [elements]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        for alias in [*current.orbs, *current.later]:
            orb = current.orb(alias)
            if orb is not None:
                waiting.append(orb)


def _write(orb: ResolvedOrb, folder: Path) -> Path:
    file = folder / copy_of(orb.reference)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(orb.text, encoding="utf-8")
    return file


def _write_lock(locked: list[LockedOrb], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    entries = {orb.written: {"exact": orb.exact, "digest": orb.digest} for orb in locked}
    file = folder / LOCK_FILE
    file.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return file
