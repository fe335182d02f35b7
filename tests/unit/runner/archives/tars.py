"""Tar archives for tests, honest and otherwise."""

import io
import tarfile
from collections.abc import Sequence

from roundel.runner.archives.ground import Ground
from roundel.runner.archives.scan import Scan


def member(
    name: str,
    data: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    link: str = "",
    mode: int = 0o644,
) -> tuple[tarfile.TarInfo, bytes]:
    """Return an entry and its contents."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    info.size = len(data)
    return info, data


def file(name: str, data: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return member(name, data)


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.DIRTYPE, mode=0o755)


def symlink(name: str, to: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.SYMTYPE, link=to)


def hard_link(name: str, to: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.LNKTYPE, link=to)


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    """Return an archive of `members`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def scanned(archive: bytes, ground: Ground | None = None, *, cut: int = 1 << 20) -> bytes:
    """Return what a scan passes, the archive being fed in pieces of `cut` bytes."""
    scan = Scan(ground or Ground())
    out = bytearray()
    for at in range(0, len(archive), cut):
        for part in scan.feed(archive[at : at + cut]):
            out += part
    out += scan.finish()
    return bytes(out)


def names(archive: bytes) -> list[str]:
    """Return the names in an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return [info.name for info in opened.getmembers()]


def contents(archive: bytes) -> dict[str, bytes]:
    """Return the regular files of an archive."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        for info in opened.getmembers():
            if info.isreg():
                taken = opened.extractfile(info)
                assert taken is not None
                found[info.name] = taken.read()
    return found


def refused(archive: bytes, ground: Ground | None = None) -> Sequence[str]:
    """Return the paths that a scan leaves out."""
    ground = ground or Ground()
    scanned(archive, ground)
    return [refusal.path for refusal in ground.refused]
