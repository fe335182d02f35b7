"""Backups of what a server keeps, taken while it runs, and put back while it does not."""

from pathlib import Path

from roundel.settings import Settings
from roundel.store.backup import About, read_backup, write_backup
from roundel.store.blobs.url import folder_of
from roundel.store.folder import DATABASE_FILE, DataFolder


def back_up(settings: Settings, target: Path) -> About:
    """Write everything into one file."""
    return write_backup(
        target,
        database=settings.data / DATABASE_FILE,
        url=settings.database_url,
        blobs=_blobs(settings, settings.data / "blobs"),
    )


def restore(settings: Settings, source: Path) -> About:
    """Put everything back, where no server uses the data folder."""
    with DataFolder(settings.data) as folder:
        return read_backup(
            source,
            database=folder.database,
            url=settings.database_url,
            blobs=_blobs(settings, folder.blobs),
        )


def _blobs(settings: Settings, own: Path) -> Path | None:
    """Return the folder of blobs; an object store has backups of its own."""
    return own if settings.blob_url is None else folder_of(settings.blob_url)
