"""Bringing a database to this program's schema.

A fresh database comes from `snapshot.sql` at once.  An older one runs the migrations that it
lacks; only then is the migration tool imported.  A test holds the snapshot equal to them.
"""

import sqlite3
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from roundel.domain.errors import DomainError
from roundel.store.dialect import connect_writer

MIGRATIONS = Path(__file__).parent / "migrations"
SNAPSHOT = Path(__file__).parent / "snapshot.sql"


class NewerDatabase(DomainError):
    """The database was written by a newer program; ours would not understand it."""


def prepare(path: Path, migrations: Path = MIGRATIONS) -> None:
    """Make the database at `path`, or bring it up to date; refuse one from the future."""
    steps = migration_ids(migrations)
    version = _version(path)
    if version is None:
        _create(path, len(steps))
    elif version > len(steps):
        refuse_newer(str(path), version, len(steps))
    elif version < len(steps):
        _migrate(path, version, len(steps), migrations)


def refuse_newer(place: str, version: int, known: int) -> NoReturn:
    """Say what to do about a database from the future."""
    raise NewerDatabase(
        f"{place} has schema version {version}, and this program knows only up to {known}. Start"
        " the newer program that last used it, or restore a backup from before the upgrade."
    )


def migration_ids(migrations: Path = MIGRATIONS) -> list[str]:
    """Return the names of all migrations in their order."""
    names = [entry.name for entry in migrations.iterdir()]
    return sorted(name.removesuffix(".sql") for name in names if name.endswith(".sql"))


def _version(path: Path) -> int | None:
    """Return the number of migrations that the database has, or None for a fresh one."""
    connection = sqlite3.connect(path)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            return None
        return int(connection.execute("SELECT version FROM schema_version").fetchone()[0])
    finally:
        connection.close()


def _create(path: Path, version: int) -> None:
    snapshot = SNAPSHOT.read_text()
    connection = connect_writer(path)
    try:
        # One transaction: a process killed in the middle leaves a fresh database, not half of one.
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{snapshot}\n{VERSION_TABLE}"
            f"INSERT INTO schema_version (version) VALUES ({version:d});\nCOMMIT;"
        )
    finally:
        connection.close()


VERSION_TABLE = "CREATE TABLE schema_version (version INTEGER NOT NULL);\n"


def _migrate(path: Path, have: int, want: int, migrations: Path) -> None:
    """Run the migrations from number `have` on, and note how far the database has come."""
    run_yoyo(f"sqlite:///{quote(str(path))}", str(migrations), have)
    connection = connect_writer(path)
    try:
        connection.execute(VERSION_TABLE.replace("TABLE", "TABLE IF NOT EXISTS"))
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version (version) VALUES (?)", (want,))
    finally:
        connection.close()


def run_yoyo(url: str, folder: str, have: int) -> None:
    """Run the migrations in `folder` that the database lacks; the first `have` it has."""
    from yoyo import get_backend, read_migrations  # half a second that most starts do not need

    backend = get_backend(url)
    steps = read_migrations(folder)
    try:
        with backend.lock():
            known = backend.to_apply(steps[:have])
            backend.mark_migrations(known)  # these came with the snapshot
            backend.apply_migrations(backend.to_apply(steps))
    finally:
        backend.connection.close()
