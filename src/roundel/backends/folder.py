"""The job folder: how the runner and what runs inside talk, as files.

    FOLDER/            0700, the runner's alone
      job/             0777, mounted into the job: steps, output, events, control
      secrets -> …     launch files, on a tmpfs where there is one

Everything below `job/` may be written by the job.  What is read there is opened without following
links, must be a regular file, and is read within bounds.
"""

import contextlib
import json
import os
import shutil
import stat
from pathlib import Path

from roundel.backends.hostile import NotWhatItWas, open_fifo, open_regular
from roundel.domain.ids import ExecutionId

AHEAD = "ahead"  # beside the folders of jobs, a folder for what is made before its job is known
BALLAST_BYTES = 64 * 1024  # what a full disk gives back for the last words of the supervisor


class NotOurs(Exception):
    """Something in the job folder is not what the runner put there."""


def memory_folder() -> Path | None:
    """Return a folder in memory, ours alone, where secrets may lie; None if there is none."""
    for candidate in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):  # noqa: S108 checked below
        if not candidate or not os.access(candidate, os.W_OK | os.X_OK):
            continue
        ours = Path(candidate) / f"roundel-{os.getuid()}"
        try:
            found = ours.lstat()
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                ours.mkdir(mode=0o700)
            found = ours.lstat()  # anyone can make a folder there first
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
            return ours
    return None


def remove_orphaned_secrets() -> int:
    """Remove secrets in memory whose job folder is gone (somebody deleted it); return how many."""
    memory = memory_folder()
    removed = 0
    for owner in memory.glob("secrets-*/of") if memory is not None else ():
        with contextlib.suppress(OSError):
            if not Path(owner.read_text()).exists():
                shutil.rmtree(owner.parent)
                removed += 1
    return removed


class JobFolder:
    """The files of one execution, seen from the runner's side."""

    def __init__(self, folder: Path, execution: ExecutionId) -> None:
        self.root = folder
        self.execution = execution
        self.job = folder / "job"
        memory = memory_folder()
        # Ours alone, also where the job is us: in memory where there is some.
        self.private = (memory or folder) / f"secrets-{execution}"
        self.secrets = self.private / "launch"
        self._learned = self.private / "learned"

    def exists(self) -> bool:
        """Tell whether `make` was finished here before."""
        return (self.root / "made").exists()

    def make(self, *, programs_beside: bool = False) -> None:
        """Lay out a new job folder.  Doing it again over half of one is fine.

        With `programs_beside` the job finds them in a `bin` beside the folder (`skeleton.py`).
        """
        self.make_room_for_secrets()
        for path, mode in ((self.secrets, 0o755), (self.job, 0o777), (self.job / "task", 0o777)):
            _make_folder(path, mode)
        if programs_beside:
            with contextlib.suppress(FileExistsError):
                (self.job / "bin").symlink_to("../bin")
        else:
            self._copy_programs()
        self._write(f"{self.job}/ballast", "\n" * BALLAST_BYTES, 0o666)
        for name in ("events", "bash_env"):
            self._write(f"{self.job}/{name}", "", 0o666)
        control = self.job / "control"
        with contextlib.suppress(FileExistsError):
            os.mkfifo(control)
        control.chmod(0o666)
        self._write(f"{self.root}/made", "", 0o600)

    def _copy_programs(self) -> None:
        _make_folder(self.job / "bin", 0o755)
        self._write(f"{self.job}/supervisor.sh", text_of("supervisor.sh"), 0o755)
        self._write(f"{self.job}/bin/circleci", text_of("circleci.sh"), 0o755)
        with contextlib.suppress(FileExistsError):
            os.link(f"{self.job}/bin/circleci", f"{self.job}/bin/circleci-agent")

    def make_room_for_secrets(self) -> None:
        """Make the place of `remember_secret`: all that there is of it where a job has the files
        of another folder."""
        for path in (self.root, self.private.parent, self.private):
            _make_folder(path, 0o700)
        self._write(f"{self.private}/of", str(self.root), 0o600)

    def remove(self) -> None:
        """Remove everything but the root; may be said twice.

        What a job's root user made and we may not remove stays behind.
        """
        for path in (self.private, self.job):
            shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            (self.root / "made").unlink()

    def remember_secret(self, secret: str) -> None:
        """Write down a secret that the job is about to learn, for a runner that comes after us."""
        with self._learned.open("a", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(json.dumps(secret) + "\n")

    def remembered_secrets(self) -> list[str]:
        """Return what `remember_secret` wrote."""
        try:
            lines = self._learned.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [str(json.loads(line)) for line in lines]

    def write_step(self, index: int, script: str, launch: str) -> None:
        """Put a step where the supervisor finds it.  An output that is there already is kept."""
        self._write(f"{self.secrets}/{index}.launch", launch, 0o644)
        self._write(f"{self.job}/{index}.script", script, 0o755)
        path = f"{self.job}/{index}.out"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            try:
                descriptor = os.open(path, flags, 0o666)
            except FileExistsError:
                descriptor = open_regular(path, os.O_WRONLY)
        except OSError as error:
            raise NotOurs(f"{index}.out in the job folder: {error.strerror or error}") from error
        try:
            os.fchmod(descriptor, 0o666)
        finally:
            os.close(descriptor)

    def write_shell(self, script: str, name: str = "shell.sh") -> None:
        """Put the script of a person's shell where the job can read it and nobody else."""
        self._write(f"{self.secrets}/{name}", script, 0o644)

    def remove_shell(self, name: str) -> None:
        """Take it away again; may be said when all of it is gone."""
        (self.secrets / name).unlink(missing_ok=True)

    def open_file(self, name: str) -> int:
        """Open a file of the job for reading and cutting, or refuse what is not a plain file."""
        try:
            return open_regular(f"{self.job}/{name}", os.O_RDWR)
        except NotWhatItWas as error:
            raise NotOurs(f"{name} in the job folder is no longer a plain file") from error
        except OSError as error:
            raise NotOurs(f"{name} in the job folder cannot be opened: {error.strerror}") from error

    def open_control(self) -> int:
        """Open the FIFO.  Open for reading too: lines wait in it until the supervisor is there."""
        try:
            return open_fifo(f"{self.job}/control", os.O_RDWR)
        except NotWhatItWas as error:
            raise NotOurs("the control file is no longer a FIFO") from error
        except OSError as error:
            raise NotOurs(f"the control file cannot be opened: {error.strerror}") from error

    def halted(self) -> bool:
        """Tell whether `circleci step halt` was said."""
        return os.path.lexists(f"{self.job}/halt")

    @staticmethod
    def _write(path: str, text: str, mode: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, mode)
        except FileExistsError:
            # What lies there under this name may be a link that the job has made.
            Path(path).unlink(missing_ok=True)
            descriptor = os.open(path, flags, mode)
        try:
            os.fchmod(descriptor, mode)
            data = text.encode("utf-8", "surrogateescape")
            while data:
                data = data[os.write(descriptor, data) :]
        finally:
            os.close(descriptor)


def _make_folder(path: Path, mode: int) -> None:
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    path.chmod(mode)


_texts: dict[str, str] = {}


def text_of(name: str) -> str:
    """Return one of the programs that are put into jobs."""
    if name not in _texts:
        _texts[name] = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return _texts[name]
