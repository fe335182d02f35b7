"""Settings: read once at the start, passed on as values, never reached for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PORT = 8400


class BadSetting(Exception):
    """A setting that cannot be meant; `str()` says which and what it may be."""


def default_data_folder() -> Path:
    """Return the folder that a server uses when none is named."""
    return Path.home() / ".local" / "share" / "roundel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `roundel serve` can be told; each option is also `ROUNDEL_<OPTION>`."""

    data: Path = field(default_factory=default_data_folder)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT  # 0: any free one
    database_url: str | None = None  # None: SQLite in the data folder
    blob_url: str | None = None  # None: a folder in the data folder
    slots: int = field(default_factory=lambda: os.cpu_count() or 1)
    runner: bool = True
    backend: str = "auto"
    image_map: tuple[tuple[str, str], ...] = ()  # (pattern, image), first match wins
    public_url: str | None = None
    job_url: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise BadSetting(f"port must be from 0 to 65535, not {self.port}")
        if self.slots < 1:
            raise BadSetting(f"slots must be at least 1, not {self.slots}")
        if self.backend not in ("auto", "docker", "process"):
            raise BadSetting(f"backend must be auto, docker or process, not {self.backend!r}")
        if self.database_url is not None:
            raise BadSetting("database-url: only the built-in SQLite database is supported yet")
        if self.blob_url is not None:
            raise BadSetting("blob-url: only the data folder is supported yet")


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings that `ROUNDEL_*` variables give; what is unset has its default."""
    given = {
        name.removeprefix("ROUNDEL_").lower(): value
        for name, value in environment.items()
        if name.startswith("ROUNDEL_") and value
    }
    defaults = Settings()
    return Settings(
        data=Path(given["data"]).expanduser() if "data" in given else defaults.data,
        host=given.get("host", defaults.host),
        port=_number("ROUNDEL_PORT", given.get("port"), defaults.port),
        database_url=given.get("database_url"),
        blob_url=given.get("blob_url"),
        slots=_number("ROUNDEL_SLOTS", given.get("slots"), defaults.slots),
        runner=not _truth("ROUNDEL_NO_RUNNER", given.get("no_runner")),
        backend=given.get("backend", defaults.backend),
        image_map=parse_image_map(given.get("image_map", "").split()),
        public_url=given.get("public_url"),
        job_url=given.get("job_url"),
    )


def parse_image_map(entries: list[str]) -> tuple[tuple[str, str], ...]:
    """Return `PATTERN=IMAGE` entries as pairs; refuse one without both."""
    pairs = []
    for entry in entries:
        pattern, separator, image = entry.partition("=")
        if not (pattern and separator and image):
            raise BadSetting(f"image-map: {entry!r} is not of the form PATTERN=IMAGE")
        pairs.append((pattern, image))
    return tuple(pairs)


def _number(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise BadSetting(f"{name} must be a whole number, not {text!r}") from None


def _truth(name: str, text: str | None) -> bool:
    match (text or "0").lower():
        case "1" | "true" | "yes":
            return True
        case "0" | "false" | "no":
            return False
    raise BadSetting(f"{name} must be 1 or 0, not {text!r}")
