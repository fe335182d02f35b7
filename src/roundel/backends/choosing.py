"""From settings to the back ends that jobs run on, and to the executors that are served here."""

import os
from collections.abc import Callable
from pathlib import Path

from roundel.backends.former import Former
from roundel.backends.process import ProcessBackend
from roundel.backends.protocol import Backend
from roundel.backends.routed import RoutedBackend
from roundel.domain.errors import Invalid
from roundel.settings import BackendChoice, MachineChoice, Settings

NO_MACHINES = (
    "machine jobs do not run on this server. Start it with --machine process (as processes of "
    "this machine, for trusted code) or --machine container (privileged containers), or run a "
    "runner that serves its class."
)


def executors_of(settings: Settings) -> tuple[str, ...]:
    """Return the executors whose jobs the runner beside this server takes."""
    if _machine(settings) is MachineChoice.RUNNERS:
        return ("docker",)
    return ("docker", "machine")


def make_backend(settings: Settings) -> Backend:
    """Return where jobs run.  `auto` is containers: without an engine, jobs wait for one."""
    machine = _machine(settings)
    if settings.backend is BackendChoice.PROCESS:
        return ProcessBackend(engine=settings.remote_docker == "socket")
    # Loads the engine's client, which nobody else needs.
    from roundel.backends.docker import DockerBackend, ImageRule, parse_remote_docker

    url = os.environ.get("DOCKER_HOST")
    containers = DockerBackend(
        image_map=(ImageRule(pattern, image) for pattern, image in settings.image_map),
        privileged_machines=machine is MachineChoice.CONTAINER,
        remote_docker=parse_remote_docker(settings.remote_docker, url),
        prepare_ahead=settings.prepare_ahead,
    )
    if machine is MachineChoice.PROCESS:
        return RoutedBackend(containers, ProcessBackend())
    return containers


def former_of(settings: Settings, folder: Path) -> Former:
    """Return what removes the leftovers of back ends that ran jobs of a runner's folder before."""
    made: dict[str, Callable[[], Backend]] = {
        "processes": ProcessBackend,
        "containers": _containers,
    }
    now = {"processes"} if settings.backend is BackendChoice.PROCESS else {"containers"}
    if _machine(settings) is MachineChoice.PROCESS:
        now.add("processes")
    return Former(folder, now, made)


def _containers() -> Backend:
    from roundel.backends.docker import DockerBackend

    return DockerBackend()


def _machine(settings: Settings) -> MachineChoice:
    if settings.machine is MachineChoice.CONTAINER and settings.backend is BackendChoice.PROCESS:
        raise Invalid("--machine container needs a container engine, and --backend is process")
    if settings.machine is not None:
        return settings.machine
    if settings.backend is BackendChoice.PROCESS:
        return MachineChoice.PROCESS
    return MachineChoice.RUNNERS
