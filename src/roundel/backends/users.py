"""A user of each job's own on the process back end, where the runner may give one.

The user has no entry in the machine's table: its number follows from the execution, and a copy of
the table with a line for it is laid over the machine's in the job's mount namespace, so that `ssh`
and others who ask for the home find the job's.
"""

import hashlib
import os
import shutil
from pathlib import Path

from roundel.backends.folder import JobFolder
from roundel.backends.processes import succeeds
from roundel.domain.ids import ExecutionId
from roundel.domain.records import dataclass

# Above the numbers that people, services and user namespaces of others are given.
_FIRST, _SPAN = 0x70000000, 0x01000000
NAME = "circleci"
INSIDE = Path("/tmp/.roundel")  # noqa: S108 a /tmp of the job's own
_MOUNTS = "mounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUser:
    """A user and group of one job."""

    number: int

    def prepare(self, folder: JobFolder, home: Path, tmp: Path, skeleton: Path) -> None:
        """Give the job's home to its user, and write down what is to be mounted for it."""
        os.chown(home, self.number, self.number)
        home.chmod(0o700)
        tables = folder.private
        line = f"{NAME}:x:{self.number}:{self.number}::{INSIDE / 'home'}:/bin/sh\n"
        _write_table(tables / "passwd", Path("/etc/passwd"), line)
        _write_table(tables / "group", Path("/etc/group"), f"{NAME}:x:{self.number}:\n")
        own = tmp / INSIDE.name
        own.mkdir(mode=0o755, exist_ok=True)
        own.chmod(0o755)
        places = {
            skeleton: own,
            folder.job: own / "job",
            folder.secrets: own / "launch",
            home: own / "home",
            tables / "passwd": Path("/etc/passwd"),
            tables / "group": Path("/etc/group"),
            tmp: Path("/tmp"),  # noqa: S108 last, with all that is in it by then
        }
        lines = [
            f"{_in_a_table(source)} {_in_a_table(target)} none rbind 0 0\n"
            for source, target in places.items()
        ]
        (tables / _MOUNTS).write_text("".join(lines), "utf-8", "surrogateescape")


def user_of(execution: ExecutionId) -> JobUser:
    """Return the user of an execution, always the same."""
    digest = hashlib.sha256(execution.encode()).digest()
    return JobUser(number=_FIRST + int.from_bytes(digest[:4], "big") % _SPAN)


def has_own_user(folder: JobFolder) -> bool:
    """Tell whether the job of a folder was started as a user of its own."""
    return (folder.private / _MOUNTS).exists()


async def users_permitted(isolation: tuple[str, ...]) -> bool:
    """Tell whether jobs can be other users than ours, with mounts of their own."""
    if os.geteuid() != 0 or not isolation or "--user" in isolation:
        return False
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return False
    number = str(_FIRST)
    words = ("--reuid", number, "--regid", number, "--clear-groups", "true")
    return await succeeds(*isolation, setpriv, *words)


def _in_a_table(path: Path) -> str:
    """Return a path as `fstab` has it, where spaces and their like end a word."""
    return "".join(f"\\{ord(c):03o}" if c in " \t\n\\" else c for c in str(path))


def _write_table(path: Path, table: Path, line: str) -> None:
    # A name that is there already would be found before ours.
    name = line.partition(":")[0]
    try:
        lines = table.read_text("utf-8", "surrogateescape").splitlines(keepends=True)
    except OSError:
        lines = []
    kept = [other for other in lines if other.partition(":")[0] != name]
    path.write_text("".join(kept) + line, "utf-8", "surrogateescape")
    path.chmod(0o644)
