"""Archives through FIFOs and zstandard, and the files in them one by one."""

import asyncio
import contextlib
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zstandard

from roundel.runner.archives.entries import Entries, Entry
from roundel.runner.archives.ground import Ground
from roundel.runner.archives.headers import Broken
from roundel.runner.archives.pipes import Stopped
from roundel.runner.archives.scan import Scan
from roundel.runner.archives.transfer import pack, plain, unpack
from tests.unit.runner.archives.tars import (
    contents,
    file,
    folder,
    hard_link,
    symlink,
    tar,
)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


async def pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def through_cat(archive: bytes, fifo: Path) -> asyncio.Task[int]:
    """Write `archive` into the FIFO from another process, as a job does."""
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f"cat >'{fifo}'", stdin=asyncio.subprocess.PIPE
    )

    async def feed() -> int:
        await process.communicate(archive)
        return await process.wait()

    return asyncio.create_task(feed())


async def unpacked(packed: bytes, fifo: Path, ground: Ground | None = None) -> bytes:
    process = await asyncio.create_subprocess_exec("cat", str(fifo), stdout=asyncio.subprocess.PIPE)
    reading = asyncio.create_task(process.communicate())
    try:
        await unpack(pieces(packed), fifo, Scan(ground or Ground()))
    finally:
        out, _ = await reading
    return out


async def test_an_archive_comes_back_as_it_went(fifo: Path) -> None:
    archive = tar(*(file(f"f{number}", os.urandom(3000)) for number in range(500)))
    feeding = await through_cat(archive, fifo)
    packed = b"".join([piece async for piece in pack(fifo, Scan(Ground()))])
    assert await feeding == 0
    assert (
        zstandard.ZstdDecompressor().decompressobj().decompress(packed).startswith(archive[:-10240])
    )
    assert contents(await unpacked(packed, fifo)) == contents(archive)


async def test_an_archive_that_breaks_off_is_told_from_a_whole_one(fifo: Path) -> None:
    feeding = await through_cat(tar(file("a", b"1" * 5000))[:3000], fifo)
    with pytest.raises(Broken, match="breaks off"):
        async for _ in pack(fifo, Scan(Ground())):
            pass
    await feeding


@pytest.mark.parametrize("damage", ["cut", "flip", "noise", "empty"])
async def test_a_damaged_archive_is_broken_when_it_is_unpacked(damage: str, fifo: Path) -> None:
    archive = tar(*(file(f"f{number}", os.urandom(3000)) for number in range(50)))
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(archive)
    middle = len(packed) // 2
    damaged = {
        "cut": packed[:middle],
        "flip": packed[:4] + bytes([packed[4] ^ 255]) + packed[5:],
        "noise": b"not zstandard at all" * 100,
        "empty": b"",
    }[damage]
    writer = os.open(fifo, os.O_RDWR)  # the reader of an archive of nothing sees an end as well
    try:
        task = asyncio.create_task(unpack(pieces(damaged), fifo, Scan(Ground())))
        with pytest.raises(Broken):
            await task
    finally:
        os.close(writer)


async def test_a_bomb_is_unpacked_in_bounded_pieces_and_stopped(fifo: Path) -> None:
    info = tarfile.TarInfo("zeros")
    info.size = 1 << 40
    frame = zstandard.ZstdCompressor(level=3).compressobj()
    bomb = frame.compress(info.tobuf()) + frame.compress(bytes(1 << 24)) + frame.flush()
    process = await asyncio.create_subprocess_exec(
        "cat", str(fifo), stdout=asyncio.subprocess.DEVNULL
    )
    with pytest.raises(Broken, match="breaks off"):
        await unpack(pieces(bomb), fifo, Scan(Ground(max_bytes=1 << 41)))
    await process.wait()


async def test_a_reader_that_goes_away_ends_the_transfer(fifo: Path) -> None:
    packed = zstandard.ZstdCompressor().compress(tar(file("a", os.urandom(4_000_000))))
    process = await asyncio.create_subprocess_exec(
        "head", "-c", "100", str(fifo), stdout=asyncio.subprocess.DEVNULL
    )
    with pytest.raises(Stopped):
        await unpack(pieces(packed), fifo, Scan(Ground()))
    await process.wait()


@pytest.mark.parametrize("direction", ["pack", "unpack"])
async def test_a_transfer_that_nobody_answers_can_be_called_off(direction: str, fifo: Path) -> None:
    async def run() -> None:
        if direction == "pack":
            async for _ in pack(fifo, Scan(Ground())):
                pass
        else:
            whole = zstandard.ZstdCompressor().compress(tar(file("a")))
            await unpack(pieces(whole), fifo, Scan(Ground()))

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(run(), 0.05)
        pytest.fail("it ended by itself")


async def test_the_files_of_an_archive_come_one_by_one() -> None:
    archive = tar(
        folder("d"),
        file("./d/a", b"1" * 5000),
        symlink("d/l", "a"),
        file("d/b", b""),
        hard_link("d/h", "d/a"),
        file("d/" + "n" * 200, b"long"),
    )
    ground = Ground()
    entries = Entries(pieces(archive, 700), ground)
    found: dict[str, bytes] = {}
    seen: list[Entry] = []
    async for entry in entries:
        seen.append(entry)
        if not entry.path.endswith("b"):
            found[entry.path] = b"".join([part async for part in entries.contents()])
    await entries.drain()
    assert found == {"d/a": b"1" * 5000, "d/h": b"", "d/" + "n" * 200: b"long"}
    assert [entry.path for entry in seen if entry.same_as == "d/a"] == ["d/h"]
    assert [refusal.path for refusal in ground.refused] == ["d/l"]


async def test_files_of_an_archive_that_breaks_off_are_told_of() -> None:
    with pytest.raises(Broken):
        async for _ in Entries(pieces(tar(file("a", b"1" * 5000))[:2000]), Ground()):
            pass


async def test_what_a_job_writes_is_passed_on_as_it_is(fifo: Path) -> None:
    feeding = await through_cat(b"some text", fifo)
    assert b"".join([piece async for piece in plain(fifo)]) == b"some text"
    await feeding
