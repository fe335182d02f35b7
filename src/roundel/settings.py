"""The server's settings: read once, from options and the environment, and passed on as values."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

DEFAULT_PORT = 8400


class BackendChoice(StrEnum):
    """`auto` takes the container engine that answers; docker jobs wait where none does."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How `roundel serve` runs.  `None` means what the server finds out by itself."""

    data: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT  # 0: any free one
    database_url: str | None = None
    blob_url: str | None = None
    slots: int | None = None
    run_jobs: bool = True
    backend: BackendChoice = BackendChoice.AUTO
    image_map: tuple[tuple[str, str], ...] = ()  # (pattern, image), the first that fits counts
    public_url: str | None = None
    job_url: str | None = None
    allow_private_addresses: bool = False  # requests to addresses that users name


def default_data_folder(environment: dict[str, str], home: Path) -> Path:
    """Return where data lies unless said otherwise (XDG base directories)."""
    base = environment.get("XDG_DATA_HOME")
    return Path(base) / "roundel" if base else home / ".local" / "share" / "roundel"
