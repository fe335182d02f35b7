"""A real `roundel serve` in a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.e2e.client import Client

ROOT = Path(__file__).parent.parent.parent
READY_WITHIN_SECONDS = 30.0
STOP_WITHIN_SECONDS = 30.0
READY = "Roundel is ready at "


def program_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a program of ours: no settings of the developer's, our source first.

    Its bytecode is kept, as that of an installed program is: compiling takes longer than starting.
    """
    ours = ("ROUNDEL_", "CIRCLE", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", **(extra or {})}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """Start with `start`, end with `stop` or `kill`; may be started again on the same data."""

    def __init__(
        self,
        data: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "roundel"),
    ) -> None:
        self.program = program
        self.data = data
        self.options: Sequence[str] = options
        self.environment = environment
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = data.with_name(data.name + ".log")
        self.ready_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def token(self) -> str:
        return (self.data / "admin-token").read_text().strip()

    def client(self, token: str | None = None) -> Client:
        return Client(self.url, token or self.token)

    def start(self) -> Self:
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [
                *(*self.program, "serve"),
                *("--data", str(self.data), "--port", str(self.port)),
                *self.options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=program_environment(self.environment),
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._copy_log, args=(ready,), daemon=True)
        self._reader.start()
        in_time = ready.wait(READY_WITHIN_SECONDS)
        self.ready_seconds = time.perf_counter() - began
        if not in_time or not self.alive:
            self.kill()
            raise AssertionError(f"the server did not become ready:\n{self.log}")
        return self

    def _copy_log(self, ready: threading.Event) -> None:
        assert self._process is not None and self._process.stdout is not None
        with self._process.stdout as lines, self.log_path.open("ab") as log:
            for line in lines:
                log.write(line)
                log.flush()
                if line.decode(errors="replace").startswith(READY):
                    ready.set()
        ready.set()  # the output ended: whoever waits finds the process dead

    def stop(self) -> int:
        """End it politely; the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it as a power cut would."""
        return self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        assert self._process is not None and self._reader is not None
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            code = self._process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"the server did not stop:\n{self.log[-4000:]}") from None
        self._reader.join(STOP_WITHIN_SECONDS)
        return code


def processes_of(folder: Path) -> list[int]:
    """The processes, apart from this one, that name a folder on their command lines."""
    if not Path("/proc").is_dir():
        return []
    name = str(folder).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if name in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue  # it ended while we looked
    return found


def end_processes_of(folder: Path) -> None:
    """End what jobs left running: they outlive a server on purpose, to be taken up again."""
    for pid in processes_of(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
