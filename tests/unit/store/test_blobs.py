"""Blobs in a folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.store.blobs.local import FolderBlobs


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


async def test_what_was_put_is_got_whole_or_in_part(blobs: FolderBlobs) -> None:
    await blobs.put("a/b", b"hello world")
    assert await blobs.get("a/b") == b"hello world"
    assert await blobs.get("a/b", start=6) == b"world"
    assert await blobs.get("a/b", start=0, end=5) == b"hello"
    assert await blobs.get("a/b", start=5, end=5) == b""


async def test_putting_the_same_again_changes_nothing(blobs: FolderBlobs) -> None:
    for _ in range(2):
        await blobs.put("a", b"hello")
    assert await blobs.get("a") == b"hello"


async def test_an_object_may_come_in_pieces(blobs: FolderBlobs) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(1000):
            yield b"%d\n" % number

    await blobs.put_stream("a/b/c", pieces())
    assert (await blobs.get("a/b/c")).split() == [b"%d" % number for number in range(1000)]


async def test_an_object_that_is_not_there_is_missed_but_may_be_removed(
    blobs: FolderBlobs,
) -> None:
    with pytest.raises(FileNotFoundError):
        await blobs.get("nope")
    await blobs.remove("nope")
    await blobs.put("a", b"x")
    await blobs.remove("a")
    with pytest.raises(FileNotFoundError):
        await blobs.get("a")


def test_the_client_is_not_loaded_before_it_is_needed(tmp_path: Path) -> None:
    FolderBlobs(tmp_path / "blobs")
    assert not (tmp_path / "blobs").exists()
