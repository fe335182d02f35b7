"""A PostgreSQL of the tests' own: own data folder, own socket, no port; a running one is left be.

It lies in memory where there is room: a database is hundreds of files, which cost a disk half a
second each time.  Elsewhere it is kept between runs.  Each test gets a database of its own, made of
an empty one or of one that has our tables already.
"""

import contextlib
import fcntl
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cache import CACHE
from tests.groups import POSTGRES_USER, postgres_programs

START_SECONDS = 60.0
MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30  # for four clusters, with what a killed run has left
# Without fsync a killed process still loses nothing, only a machine without power would.
_FASTER = "-c fsync=off -c max_connections=200 -c listen_addresses="
_numbers = itertools.count(1)


class NoPostgres(Exception):
    """No PostgreSQL can be had here; `str()` says why."""


class Cluster:
    """One server process.  `stop` and `start` may follow each other."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home = home
        self._programs = folder
        self._user = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        self._tables: str | None = None  # a database with our tables, to be copied
        # A socket's path must be short, and whoever runs the cluster must be let in.
        self.socket = Path(tempfile.mkdtemp(prefix="rdlpg", dir="/tmp"))
        if self._user is not None:
            os.chown(self.socket, *self._user)
        if not (home / "data" / "PG_VERSION").exists():
            self._make()
        self.start()

    def url(self, database: str) -> str:
        return f"postgresql:///{database}?host={self.socket}&user=roundel"

    def empty(self) -> str:
        """Return the address of an empty database."""
        return self._copy_of("template0")

    def fresh(self) -> str:
        """Return the address of a database with our tables and nothing in them.

        A copy takes a quarter of the time that making them does.
        """
        if self._tables is None:
            from roundel.store.postgres_schema import prepare_postgres

            url = self.empty()
            prepare_postgres(url)
            self._tables = _name_in(url)
        return self._copy_of(self._tables)

    def _copy_of(self, template: str) -> str:
        name = f"t{os.getpid()}_{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database and whoever is still connected to it."""
        self.sql(f"DROP DATABASE {_name_in(url)} WITH (FORCE)")

    def sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start, and return once it answers."""
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(self._programs / "postgres"), "-D", str(self._home / "data")),
                    *("-k", str(self.socket), *_FASTER.split()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_user(),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NoPostgres(f"postgres does not start: {self._log()}")
            time.sleep(0.02)  # it has no other way to say that it is ready

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT breaks connections off, SIGQUIT is like a power cut."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Freeze all of its processes: connections stay, and nobody answers on them."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        frozen = [pid, *map(int, children)]  # the first, so that it makes no more of them
        for each in frozen:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in reversed(frozen):
                os.kill(each, signal.SIGCONT)

    def remove(self) -> None:
        self.stop()
        if self._home.is_relative_to(MEMORY):
            shutil.rmtree(self._home, ignore_errors=True)
        shutil.rmtree(self.socket, ignore_errors=True)

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def _make(self) -> None:
        shutil.rmtree(self._home / "data", ignore_errors=True)
        if self._user is not None:
            os.chown(self._home, *self._user)
        done = subprocess.run(
            [
                *(str(self._programs / "initdb"), "-D", str(self._home / "data")),
                *("-U", "roundel", "--auth", "trust", "--locale", "C.UTF-8", "--encoding", "UTF8"),
            ],
            capture_output=True,
            check=False,
            **self._as_user(),
        )
        if done.returncode != 0:
            raise NoPostgres(f"initdb failed: {done.stderr.decode(errors='replace')[-400:]}")

    def _as_user(self) -> dict[str, object]:
        if self._user is None:
            return {"cwd": "/"}
        return {"user": self._user[0], "group": self._user[1], "extra_groups": [], "cwd": "/"}

    def _log(self) -> str:
        return (self._home / "log").read_text(errors="replace")[-600:]


def _name_in(url: str) -> str:
    return url.removeprefix("postgresql:///").partition("?")[0]


def _unprivileged() -> tuple[int, int] | None:
    """Return as whom to run it: root becomes Debian's user, everybody else stays who he is."""
    if os.geteuid() != 0:
        return None
    found = pwd.getpwnam(POSTGRES_USER)
    return found.pw_uid, found.pw_gid


def free_home() -> tuple[Path, int]:
    """Return a folder whose cluster no other run uses, and the lock that keeps it ours."""
    base = _base()
    base.mkdir(mode=0o755, parents=True, exist_ok=True)
    for number in range(16):
        home = base / f"postgres-{number}"
        home.mkdir(mode=0o755, exist_ok=True)
        lock = os.open(base / f"postgres-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        if not _still_runs(home):
            return home, lock
        os.close(lock)
    raise NoPostgres(f"all PostgreSQL folders in {base} are in use")


def _base() -> Path:
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        return MEMORY / f"roundel-tests-{os.geteuid()}"
    # Not below root's home, where the user that runs it could not enter.
    return Path("/var/tmp/roundel-tests") if os.geteuid() == 0 else CACHE


def _still_runs(home: Path) -> bool:
    """Tell whether a cluster outlived the run that started it, which was killed."""
    try:
        pid = int((home / "data" / "postmaster.pid").read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return False
    return str(home).encode() in command


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A cluster for the length of the test session."""
    folder = postgres_programs()
    assert folder is not None
    home, lock = free_home()
    cluster = Cluster(home, folder)
    try:
        yield cluster
    finally:
        cluster.remove()
        os.close(lock)


DATABASES = [
    pytest.param("sqlite"),
    pytest.param("postgresql", marks=pytest.mark.postgresql),
]


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None for the embedded database, else the address of one on PostgreSQL that has no rows."""
    if request.param == "sqlite":
        yield None
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    url = cluster.fresh()
    yield url
    cluster.drop(url)
