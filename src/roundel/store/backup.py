"""Backups: one file with the database as of one moment and every blob that it names.

Blobs are written once and may be removed at any time.  So they are copied before the database, and
those that came meanwhile after it: whatever the copy of the database names is in the file.
"""

import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from roundel.domain.errors import DomainError, Invalid
from roundel.store.schema import migration_ids

ABOUT = "roundel-backup.json"
DATABASE = "database.sqlite3"
BLOBS = "blobs/"
TABLES = "tables/"
FORMAT = 1


class CannotRestore(DomainError):
    """This backup cannot be restored here; `str()` says why."""


class About(msgspec.Struct, kw_only=True):
    """What a backup says of itself, in its first entry."""

    format: int
    schema: int
    database: str  # sqlite or postgresql
    blobs: bool


def write_backup(
    target: Path, *, database: Path, url: str | None = None, blobs: Path | None
) -> About:
    """Write the backup to a new file that only its owner may read; return what is in it."""
    kind = "sqlite" if url is None else "postgresql"
    about = About(
        format=FORMAT, schema=len(migration_ids()), database=kind, blobs=blobs is not None
    )
    draft = target.with_name(target.name + ".part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Invalid(f"{draft} is there already: another backup runs, or broke off") from None
    try:
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
            _add_bytes(tar, ABOUT, msgspec.json.encode(about))
            copied = _add_blobs(tar, blobs, set())
            if url is None:
                _add_sqlite(tar, database)
            else:
                from roundel.store.postgres_copy import dump_tables

                for name, data in dump_tables(url):
                    _add_bytes(tar, f"{TABLES}{name}", data)
            _add_blobs(tar, blobs, copied)
        draft.rename(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return about


def read_backup(
    source: Path, *, database: Path, url: str | None = None, blobs: Path | None
) -> About:
    """Put a backup into a place that has nothing yet."""
    try:
        tar = tarfile.open(source)  # noqa: SIM115 - the next line closes it
    except (OSError, tarfile.TarError) as error:
        raise CannotRestore(f"cannot read {source}: {error}") from error
    with tar:
        about = _about(tar, source)
        _check(about, database, url)
        if url is not None:
            from roundel.store.postgres_copy import Restoration

            with Restoration(url) as restoration:
                for name, data in _entries(tar, blobs):
                    restoration.add(name.removeprefix(TABLES), data)
            return about
        draft = database.with_name(database.name + ".part")
        for _, data in _entries(tar, blobs):
            draft.write_bytes(data.read())
        draft.rename(database)
    return about


def _about(tar: tarfile.TarFile, source: Path) -> About:
    first = tar.next()
    data = None if first is None or first.name != ABOUT else tar.extractfile(first)
    try:
        return msgspec.json.decode(b"" if data is None else data.read(), type=About)
    except msgspec.DecodeError as error:
        raise CannotRestore(f"{source} is no backup of Roundel's") from error


def _check(about: About, database: Path, url: str | None) -> None:
    here = "sqlite" if url is None else "postgresql"
    if about.database != here:
        wanted = "with" if about.database == "postgresql" else "without"
        raise CannotRestore(
            f"this backup is of {about.database}: restore it {wanted} --database-url"
        )
    if about.format != FORMAT or about.schema != len(migration_ids()):
        raise CannotRestore(
            f"this backup has schema version {about.schema}, this program {len(migration_ids())}:"
            " restore it with the version that made it, and upgrade afterwards"
        )
    if url is None and database.exists():
        raise CannotRestore(f"{database} is there already: restore into an empty folder")


def _entries(tar: tarfile.TarFile, blobs: Path | None) -> Iterator[tuple[str, io.BufferedIOBase]]:
    """Yield what belongs to the database; put blobs where they belong."""
    while (entry := tar.next()) is not None:
        data = tar.extractfile(entry) if entry.isreg() else None
        if data is None or ".." in Path(entry.name).parts or entry.name.startswith("/"):
            raise CannotRestore(f"the backup has an entry {entry.name!r} that is none of ours")
        if not entry.name.startswith(BLOBS):
            yield entry.name, data  # type: ignore[misc]
        elif blobs is not None:
            path = blobs / entry.name.removeprefix(BLOBS)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("wb") as file:
                while piece := data.read(1 << 20):
                    file.write(piece)


def _add_sqlite(tar: tarfile.TarFile, database: Path) -> None:
    with tempfile.TemporaryDirectory(dir=database.parent) as name:
        copy = Path(name) / DATABASE
        source, target = sqlite3.connect(database), sqlite3.connect(copy)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        tar.add(copy, DATABASE)


def _add_blobs(tar: tarfile.TarFile, blobs: Path | None, copied: set[str]) -> set[str]:
    """Add the blobs that are not among `copied`; return all that were seen."""
    if blobs is None or not blobs.is_dir():
        return copied
    for path in sorted(blobs.rglob("*")):
        name = path.relative_to(blobs).as_posix()
        if name in copied or not path.is_file() or "#" in path.name:  # one that is being written
            continue
        try:
            tar.add(path, BLOBS + name)
        except FileNotFoundError:
            continue  # removed since, as nothing named it any more
        copied.add(name)
    return copied


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = 0o600
    tar.addfile(entry, io.BytesIO(data))
