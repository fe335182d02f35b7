"""The data folder: private, and used by one server at a time."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from roundel.domain.errors import DomainError

DATABASE_FILE = "roundel.sqlite3"


class FolderInUse(DomainError):
    """Another server has this data folder."""


class DataFolder:
    """The folder, locked for as long as this is open.  The lock ends with the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)  # tokens and output lie here; an older umask may have left it open
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode(errors="replace").strip()
            os.close(self._lock)
            raise FolderInUse(
                f"the data folder {path} is in use by another server"
                f" (process {holder or 'unknown'}); stop it, or give another folder with --data"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    @property
    def database(self) -> Path:
        return self.path / DATABASE_FILE

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def repositories(self) -> Path:
        return self.path / "repositories"

    @property
    def orbs(self) -> Path:
        """Packed orbs, which people put there: NAMESPACE/NAME/VERSION.yml."""
        return self.path / "orbs"

    @property
    def runner(self) -> Path:
        return self.path / "runner"

    def write_private(self, name: str, text: str) -> Path:
        """Write a file that only its owner may read."""
        path = self.path / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
        return path

    def succeed(self, instance: str) -> str | None:
        """Write down which server has the folder now; return which one had it before."""
        path = self.path / "instance"
        before = path.read_text().strip() if path.exists() else None
        self.write_private("instance", f"{instance}\n")
        return before or None

    def close(self) -> None:
        """Let others have the folder.  May be said twice."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def __enter__(self) -> "DataFolder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
