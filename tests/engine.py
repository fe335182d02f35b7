"""A container engine of the tests' own: own socket, data folder, bridge; a running one is left be.

The data folder is kept between runs, so that images are made once.
"""

import contextlib
import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cache import CACHE

START_SECONDS = 60.0
_NUMBERS = itertools.count()  # of the engines of this process


class NoEngine(Exception):
    """No engine can be had here; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine."""

    socket: Path
    pid: int

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def docker(self, *words: str, stdin: object = subprocess.DEVNULL) -> str:
        """Run the engine's own client and return what it prints."""
        done = subprocess.run(
            ["docker", "--host", self.url, *words],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def containers_below(self, home: Path) -> list[str]:
        """Return the containers of jobs below `home`; other tests use the engine as well."""
        shown = self.docker("ps", "-a", "--format", '{{.Label "roundel.home"}} {{.ID}}')
        return [line for line in shown.splitlines() if Path(line.split()[0]).is_relative_to(home)]


def install() -> None:
    """Install the engine where that is ours to do: as root on Debian.  Raise NoEngine."""
    if shutil.which("dockerd") and shutil.which("docker"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngine("there is no dockerd, and it is installed only as root on Debian")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "docker.io", "iptables"]):
        done = subprocess.run(
            ["apt-get", *words], env=environment, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise NoEngine(f"apt-get {words[0]} failed: {done.stderr.decode()[-400:]}")


@contextlib.contextmanager
def _no_other_starts() -> Iterator[None]:
    """Wait until no daemon of any run is starting: each makes the rules of iptables anew."""
    with Path("/run/roundel-engines.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class RunningEngine:
    """An engine's process with all that belongs to it."""

    def __init__(self, bits: int = 24) -> None:
        """Start an engine with so many bits for its network.  Raise NoEngine."""
        if sys.platform != "linux" or os.geteuid() != 0:
            raise NoEngine("an engine of our own needs root on Linux")
        install()
        self._home, self._lock = _free_home()
        number = next(_NUMBERS)
        self._run = (
            Path("/run") / f"roundel-engine-{os.getpid()}-{number}"
        )  # a socket's path must be short
        self._run.mkdir(mode=0o700, exist_ok=True)
        self._bridge, self._subnet = _make_bridge(number, bits)
        self.begin()
        for left in self.engine.docker("ps", "-aq").split():  # by a run that was killed
            self.engine.docker("rm", "--force", left)

    def begin(self) -> None:
        """Start the daemon, at its socket of before."""
        with _no_other_starts(), (self._home / "dockerd.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    # A run of tests that is killed takes its engine with it.
                    *("setpriv", "--pdeathsig", "TERM"),
                    "dockerd",
                    f"--host=unix://{self._run}/docker.sock",
                    f"--data-root={self._home}/data",
                    f"--exec-root={self._run}/exec",
                    f"--pidfile={self._run}/docker.pid",
                    f"--bridge={self._bridge}",
                    f"--fixed-cidr={self._subnet}",
                    "--storage-driver=overlay2",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(self._lock,),  # the folder is taken for as long as the engine lives
            )
            self.engine = Engine(self._run / "docker.sock", self._process.pid)
            self._until_it_answers()

    def end(self) -> None:
        """End the daemon, as a restart of the machine's does; `begin` starts it again."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End the engine and remove what it does not keep."""
        if self._process.poll() is None:
            self.end()
        subprocess.run(["ip", "link", "delete", self._bridge], capture_output=True, check=False)
        shutil.rmtree(self._run, ignore_errors=True)
        os.close(self._lock)

    def _until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.engine.docker("version")
            except RuntimeError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    tail = (self._home / "dockerd.log").read_text(errors="replace")[-600:]
                    self.stop()
                    raise NoEngine(f"dockerd does not start: {tail}") from None
                time.sleep(0.05)  # a daemon has no other way to say that it is ready
            else:
                return


def _free_home() -> tuple[Path, int]:
    """Return a data folder that no other engine uses, and the lock that keeps it ours."""
    for number in range(16):
        home = CACHE / (f"engine-{number}" if number else "engine")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return home, lock
    raise NoEngine(f"all engine folders in {CACHE} are in use")


def _make_bridge(number: int, bits: int) -> tuple[str, str]:
    """Make a bridge on a subnet that nobody uses here."""
    with (CACHE / "bridges.lock").open("w") as lock:  # two at once would see the same one free
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _make_next_bridge(number, bits)


def _make_next_bridge(number: int, bits: int) -> tuple[str, str]:
    used = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=False).stdout
    name = f"rdl{os.getpid() % 100_000_000}.{number}"[:15]
    for third in range(200, 256):
        subnet = f"10.213.{third}.0/{bits}"
        if f"10.213.{third}." not in used:
            break
    for words in (
        ["add", "name", name, "type", "bridge"],
        ["set", name, "up"],
    ):
        _ip("link", *words)
    _ip("addr", "add", f"10.213.{third}.1/{bits}", "dev", name)
    return name, subnet


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoEngine(f"ip {' '.join(words)}: {done.stderr.strip()}")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine for the length of the test session."""
    running = RunningEngine()
    try:
        yield running.engine
    finally:
        running.stop()
