"""Blobs in the object store, or the shared folder, that an address names."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from roundel.domain.errors import Invalid
from roundel.store.blobs.local import FolderBlobs

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "http", "https")


class UrlBlobs(FolderBlobs):
    """The same through any store that obstore knows; credentials come from the environment."""

    def __init__(self, url: str) -> None:
        super().__init__(Path())
        self._url = url
        self._remote: ObjectStore | None = None

    @property
    def _store(self) -> Any:
        if self._remote is None:
            from obstore.store import from_url  # a server on a folder never loads it

            self._remote = from_url(self._url)
        return self._remote


def blobs_at(url: str) -> FolderBlobs:
    """Return the blobs at an address, or in a folder that is shared."""
    folder = folder_of(url)
    if folder is not None:
        return FolderBlobs(folder)
    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        raise Invalid(
            f"--blob-url {url!r}: expected file:///folder, s3://bucket/prefix, gs://… or az://…"
        )
    return UrlBlobs(url)


def folder_of(url: str) -> Path | None:
    """Return the folder that an address names, if it does."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(url) if not parts.scheme and Path(url).is_absolute() else None
