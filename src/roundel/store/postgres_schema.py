"""Bringing a PostgreSQL database to this program's schema; see `schema.py`."""

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from roundel.domain.errors import DomainError
from roundel.store.dialect import schema_for_postgres
from roundel.store.postgres_link import connect
from roundel.store.schema import (
    MIGRATIONS,
    SNAPSHOT,
    VERSION_TABLE,
    migration_ids,
    refuse_newer,
    run_yoyo,
)

_PREPARE_LOCK = 0x726F756E64656D  # servers that start at once prepare one after another


class NoDatabase(DomainError):
    """PostgreSQL cannot be used; `str()` says why."""


def prepare_postgres(url: str, migrations: Path = MIGRATIONS) -> None:
    """Make our tables in the database at `url`, or bring them up to date."""
    steps = migration_ids(migrations)
    try:
        with connect(url) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [_PREPARE_LOCK])
            version = _version(connection)
            if version is None:
                _create(connection, len(steps))
            elif version > len(steps):
                refuse_newer(shown(url), version, len(steps))
            elif version < len(steps):
                _migrate(connection, url, version, migrations)
    except psycopg.OperationalError as error:
        raise NoDatabase(f"the database at {shown(url)} does not answer: {error}") from error


def shown(url: str) -> str:
    """Return the address without its password."""
    parts = urlsplit(url)
    host = parts.hostname or "the local socket"
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _version(connection: "psycopg.Connection[Any]") -> int | None:
    found = connection.execute("SELECT to_regclass('schema_version') IS NOT NULL").fetchone()
    if found is None or not found[0]:
        return None
    row = connection.execute("SELECT version FROM schema_version").fetchone()
    return None if row is None else int(row[0])


def _create(connection: "psycopg.Connection[Any]", version: int) -> None:
    snapshot = SNAPSHOT.read_text()
    script = (
        f"BEGIN;\n{schema_for_postgres(snapshot)}\n{VERSION_TABLE}"
        f"INSERT INTO schema_version (version) VALUES ({version:d});\nCOMMIT;"
    )
    connection.execute(script.encode())


def _migrate(connection: "psycopg.Connection[Any]", url: str, have: int, migrations: Path) -> None:
    steps = migration_ids(migrations)
    with tempfile.TemporaryDirectory() as name:
        for step in steps:
            text = (migrations / f"{step}.sql").read_text()
            (Path(name) / f"{step}.sql").write_text(schema_for_postgres(text))
        run_yoyo(f"postgresql+psycopg://{url.partition('://')[2]}", name, have)
    connection.execute("UPDATE schema_version SET version = %s", [len(steps)])
