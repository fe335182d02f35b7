"""Removing what local runs have kept of their jobs' files, to go on from there."""

import asyncio
import shutil
from contextlib import ExitStack
from pathlib import Path

from roundel.app.local_backend import engine_here
from roundel.app.local_snapshots import repository_of
from roundel.app.local_wanted import MOST_AT_ONCE, CannotRunHere, state_folder, state_name
from roundel.domain.records import dataclass
from roundel.store.folder import DataFolder, FolderInUse
from roundel.vcs.working_tree import find_checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How much was removed: folders, one for each step, and images of an engine."""

    folders: int
    images: int


def prune_here(folder: Path, cache: Path) -> Pruned:
    """Remove all snapshots of a checkout's jobs; refuse while a run of it may need them."""
    base = state_folder(cache, find_checkout(folder).root)
    with ExitStack() as held:
        kept: list[Path] = []
        for number in range(MOST_AT_ONCE):
            state = base / state_name(number)
            if not state.is_dir():
                continue
            try:
                held.callback(DataFolder(state).close)
            except FolderInUse as error:
                words = "a run of this checkout is under way; prune when it has ended"
                raise CannotRunHere(words) from error
            kept += (state / "snapshots").glob("*/*/about.json")
            shutil.rmtree(state / "snapshots", ignore_errors=True)
        images = asyncio.run(_drop_images(repository_of(base.name))) if base.is_dir() else 0
    return Pruned(folders=len(kept), images=images)


async def _drop_images(repository: str) -> int:
    """Remove the images of an engine, where one answers."""
    engine = await engine_here()
    if engine is None:
        return 0
    try:
        return await engine.drop_saved(repository)
    finally:
        await engine.close()
