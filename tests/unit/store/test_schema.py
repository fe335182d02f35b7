"""A fresh database comes from the snapshot, an older one from the migrations: to the same end."""

import re
import sqlite3
from pathlib import Path

import pytest

from roundel.store.schema import MIGRATIONS, NewerDatabase, migration_ids, prepare


def shape(path: Path) -> dict[str, str]:
    """Return every table and index with the statement that made it."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
            " AND name NOT LIKE '%yoyo%' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    finally:
        connection.close()
    return {name: re.sub(r"\s+", " ", sql) for name, sql in rows}


def set_version(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_the_snapshot_equals_all_migrations(tmp_path: Path) -> None:
    fresh, migrated = tmp_path / "fresh", tmp_path / "migrated"
    prepare(fresh)
    set_version(migrated, "CREATE TABLE schema_version (version INTEGER NOT NULL)")
    set_version(migrated, "INSERT INTO schema_version (version) VALUES (0)")
    prepare(migrated)
    assert shape(migrated) == shape(fresh)


def test_a_database_from_the_snapshot_can_be_migrated_further(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name in migration_ids():
        text = (MIGRATIONS / f"{name}.sql").read_text()
        (folder / f"{name}.sql").write_text(text)
    path = tmp_path / "store"
    prepare(path)
    last = migration_ids()[-1]
    (folder / "9999-later.sql").write_text(
        f"-- A later one.\n-- depends: {last}\n\nALTER TABLE project ADD COLUMN color TEXT;\n"
    )
    prepare(path, folder)
    prepare(path, folder)
    assert "color TEXT" in shape(path)["project"]


def test_a_database_that_is_up_to_date_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store"
    prepare(path)
    before = path.stat().st_mtime_ns
    prepare(path)
    assert path.stat().st_mtime_ns == before


def test_a_database_of_a_newer_program_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "store"
    prepare(path)
    set_version(path, "UPDATE schema_version SET version = 99")
    with pytest.raises(NewerDatabase, match=r"schema version 99.*newer program"):
        prepare(path)
