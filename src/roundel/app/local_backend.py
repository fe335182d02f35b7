"""Where the jobs of a local run go, and the removal of what a run had to leave behind."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from roundel.app.local_events import Audience, Note
from roundel.backends.folder import JobFolder
from roundel.backends.process import ProcessBackend
from roundel.backends.protocol import Backend
from roundel.backends.routed import RoutedBackend
from roundel.domain.errors import DomainError
from roundel.domain.ids import ExecutionId
from roundel.settings import BackendChoice

if TYPE_CHECKING:
    from roundel.backends.docker import DockerBackend

NO_ENGINE = (
    "no container engine answers, so jobs run as processes of this machine: with its programs, as"
    " this user, without images and service containers"
)


HERE = "127.0.0.1"

OnPull = Callable[[ExecutionId, str, int, int | None], None]
"""Hears how far the pull of an image is that a job waits for; bytes, and bytes in all."""


class NoBackend(DomainError):
    """Jobs cannot run in the way that was asked for; `str()` says why."""


async def choose_backend(
    choice: BackendChoice,
    image_map: tuple[tuple[str, str], ...],
    audience: Audience,
    shared: Path | None = None,
    on_pull: OnPull = lambda *_: None,
    prepare_ahead: int = 0,
) -> tuple[Backend, str]:
    """Return containers where an engine answers, else processes, with a warning.

    `shared` is a folder that jobs are to see where it is.  With the back end comes the address of
    this machine as its jobs see it.
    """
    if choice is BackendChoice.PROCESS:
        return _processes(shared), HERE
    folders = () if shared is None else (shared,)
    docker, why = await _engine(
        choice is BackendChoice.DOCKER, image_map, folders, on_pull, prepare_ahead
    )
    if docker is not None:
        # Who runs it here trusts it here: machine jobs have this machine.
        return RoutedBackend(docker, _processes(shared)), await docker.gateway()
    if choice is BackendChoice.DOCKER:
        raise NoBackend(why)
    audience.hear(Note(text=NO_ENGINE, warning=True))
    return _processes(shared), HERE


async def engine_here() -> "DockerBackend | None":
    """Return the container engine that answers here."""
    found, _ = await _engine(asked_for=False)
    return found


async def _engine(
    asked_for: bool,
    image_map: tuple[tuple[str, str], ...] = (),
    shared: tuple[Path, ...] = (),
    on_pull: OnPull = lambda *_: None,
    prepare_ahead: int = 0,
) -> "tuple[DockerBackend | None, str]":
    """Return the engine that answers, else None and why there is none.

    Only one that was `asked_for` is tried where no socket tells of it.
    """
    if not asked_for and not _engine_may_be_there():
        return None, "no engine's socket was found"
    from roundel.backends.docker import DockerBackend, ImageRule  # loads its client

    rules = (ImageRule(pattern, image) for pattern, image in image_map)
    docker = DockerBackend(
        image_map=rules, shared=shared, on_pull=on_pull, prepare_ahead=prepare_ahead
    )
    why = await docker.why_unusable()
    if why is None:
        return docker, ""
    await docker.close()
    return None, why


def _processes(shared: Path | None) -> ProcessBackend:
    # A job with a /tmp of its own would not see what lies in ours.
    hidden = shared is not None and shared.is_relative_to("/tmp")  # noqa: S108
    return ProcessBackend(namespaces=not hidden, own_users=False)


def _engine_may_be_there() -> bool:
    """Tell whether asking is worth loading the engine's client, which takes a while."""
    if os.environ.get("DOCKER_HOST"):
        return True
    home, runtime = Path.home(), os.environ.get("XDG_RUNTIME_DIR", "")
    places = [
        Path("/run/docker.sock"),
        Path("/var/run/docker.sock"),
        home / ".docker/run/docker.sock",
        home / ".docker/desktop/docker.sock",
    ]
    if runtime:
        places += [Path(runtime, "docker.sock"), Path(runtime, "podman/podman.sock")]
    return any(place.exists() for place in places)


async def end_leftovers(backend: Backend, folder: Path) -> int:
    """End and remove every job that has a folder here; return how many there were.

    Nobody takes up the jobs of a local run, so whatever is found is of no use any more.
    """
    jobs = folder / "jobs"
    left = sorted(jobs.iterdir()) if jobs.is_dir() else []
    if left:
        await backend.sweep(jobs.absolute(), frozenset())
        await asyncio.to_thread(_remove, left)
    return len(left)


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        JobFolder(folder, ExecutionId(folder.name)).remove()
        shutil.rmtree(folder, ignore_errors=True)
