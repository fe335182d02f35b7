"""The server's settings: read once, from options and the environment, and passed on as values."""

from enum import StrEnum
from pathlib import Path

from roundel.domain.limits import LimitClass
from roundel.domain.records import dataclass
from roundel.domain.runners import Secret

DEFAULT_PORT = 8400


class BackendChoice(StrEnum):
    """`auto` takes the container engine that answers; docker jobs wait where none does."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"


class MachineChoice(StrEnum):
    """Where `machine` jobs run.  They may do as they like there, so it is never guessed."""

    PROCESS = "process"  # as processes of this machine, for trusted code
    CONTAINER = "container"  # in a privileged container
    RUNNERS = "runners"  # not here: they wait for a runner that serves them


PREPARE_AHEAD = 2


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
    machine: MachineChoice | None = None  # None: process with --backend process, else runners
    remote_docker: str = "refuse"  # or `socket`, or `sidecar=IMAGE`
    image_map: tuple[tuple[str, str], ...] = ()  # (pattern, image), the first that fits counts
    prepare_ahead: int = PREPARE_AHEAD  # containers for jobs that may come next; 0: none
    public_url: str | None = None
    job_url: str | None = None
    master_key: Secret | None = None  # from the environment; else the file, else one in `data`
    master_key_file: Path | None = None
    rate_limits: tuple[tuple[LimitClass, int], ...] = ()  # requests a minute; others: the default
    durable: bool = True  # whether SQLite waits for the disk at each commit
    identity_tokens: bool = True  # whether jobs get OpenID Connect tokens
    shells: bool = False  # whether people may open shells in jobs that run
    allow_private_addresses: bool = False  # requests to addresses that users name


def default_data_folder(environment: dict[str, str], home: Path) -> Path:
    """Return where data lies unless said otherwise (XDG base directories)."""
    base = environment.get("XDG_DATA_HOME")
    return Path(base) / "roundel" if base else home / ".local" / "share" / "roundel"


def default_cache_folder(environment: dict[str, str], home: Path) -> Path:
    """Return where local runs keep what may be lost (XDG base directories)."""
    base = environment.get("XDG_CACHE_HOME")
    return Path(base) / "roundel" if base else home / ".cache" / "roundel"
