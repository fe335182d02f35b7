"""The images that tests and the demo run in, made here: no registry is needed.

An image is named after what it is made from, so a changed recipe makes another image, and one that
the engine has already is not made again.  The archives are kept for the next engine.
"""

import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cache import CACHE
from tests.engine import Engine, NoEngine

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEBIAN_SUITE = "bookworm"
_DEBIAN_PACKAGES = (
    *("bash", "ca-certificates", "curl", "git", "jq", "make"),
    *("openssh-client", "procps", "python3", "unzip", "zstd"),
)
_USER = "circleci:x:3434:3434::/home/circleci:/bin/sh\n"  # the id that CircleCI's images use


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an image's archive is made; `version` rises when the function changes."""

    name: str
    parts: tuple[str, ...]
    make: Callable[[Path], None]

    @property
    def tag(self) -> str:
        digest = hashlib.sha256("\0".join(self.parts).encode()).hexdigest()[:12]
        return f"roundel-test/{self.name}:{digest}"


def have(engine: Engine, recipe: Recipe) -> str:
    """Return the image's name, made and loaded if need be.  Raise NoEngine if it cannot be."""
    if engine.docker("images", "-q", recipe.tag):
        return recipe.tag
    folder = CACHE / "images"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / (recipe.tag.rpartition("/")[2].replace(":", "-") + ".tar")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            draft = archive.with_suffix(".new")
            recipe.make(draft)
            draft.rename(archive)
    with archive.open("rb") as file:
        engine.docker("import", "--change", f"ENV {_PATH}", "-", recipe.tag, stdin=file)
    return recipe.tag


def derived(engine: Engine, base: str, name: str, *lines: str) -> str:
    """Return the name of an image that is built from another one."""
    tag = f"roundel-test/derived-{name}-{base.rpartition(':')[2]}"
    done = subprocess.run(
        ["docker", "--host", engine.url, "build", "-q", "-t", tag, "-"],
        input="\n".join([f"FROM {base}", *lines]),
        env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tag


def _installed(*programs: str, packages: str) -> None:
    if all(shutil.which(program) for program in programs):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngine(f"{packages} is needed, and installed only as root on Debian")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", *packages.split()]):
        _run(["apt-get", *words], environment)


def _run(words: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoEngine(f"{words[0]} failed: {(done.stderr or done.stdout)[-400:]}")


# dpkg waits for a disk after each file: in memory it takes less than half the time.
_MEMORY = 'set -e; mount -t tmpfs none "$1"'
_BOOTSTRAP = """
set -e
debootstrap --variant=minbase --include="$2" "$3" "$1/root"
cd "$1/root"
rm -rf var/cache/apt var/lib/apt/lists usr/share/doc usr/share/man
printf %s "$5" >> etc/passwd
echo circleci:x:3434: >> etc/group
install -d -o 3434 -g 3434 home/circleci
tar --numeric-owner -cf "$4" .
"""


def _make_debian(archive: Path, packages: tuple[str, ...] = _DEBIAN_PACKAGES) -> None:
    _installed("debootstrap", packages="debootstrap")
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        words = ["sh", "-c", _BOOTSTRAP, "sh", folder, ",".join(packages), _DEBIAN_SUITE]
        words += [str(archive), _USER]
        try:
            _run(["unshare", "--mount", "sh", "-c", f"{_MEMORY}\n{words[2]}", *words[3:]])
        except NoEngine:  # not permitted to mount anything
            _run(words)


def _make_busybox(archive: Path) -> None:
    _installed("busybox", packages="busybox-static")
    program = Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    with tarfile.open(archive, "w") as tar:
        for folder, mode in (
            ("bin", 0o755),
            ("etc", 0o755),
            ("root", 0o700),
            ("home", 0o755),
            ("tmp", 0o1777),
        ):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        home = tarfile.TarInfo("home/circleci")
        home.type, home.mode, home.uid, home.gid = tarfile.DIRTYPE, 0o755, 3434, 3434
        tar.addfile(home)
        _file(tar, "bin/busybox", program, 0o755)
        _file(tar, "etc/passwd", ("root:x:0:0:root:/root:/bin/sh\n" + _USER).encode(), 0o644)
        for applet in listed.stdout.split():
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            if applet != "busybox":
                tar.addfile(link)


def _file(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


DEBIAN = Recipe("debian", ("1", _DEBIAN_SUITE, *_DEBIAN_PACKAGES, _USER), _make_debian)
REDIS = Recipe(
    "redis",
    ("1", _DEBIAN_SUITE, _USER),
    lambda archive: _make_debian(archive, ("redis-server",)),
)
BUSYBOX = Recipe("busybox", ("1", _USER), _make_busybox)
