"""What a job's containers are made of, as the engine's API wants it."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roundel.backends.docker.classes import Limits
from roundel.backends.docker.images import Image
from roundel.domain.plan import ImagePlan
from roundel.domain.runners import JobOrder

INSIDE = "/.roundel"  # the job folder in a container
LAUNCH_INSIDE = "/.roundel-launch"
SOCKET_INSIDE = "/var/run/docker.sock"
EXECUTION_LABEL = "roundel.execution"
HOME_LABEL = "roundel.home"
ROLE_LABEL = "roundel.role"
JOB_LABEL = "roundel.job"
AHEAD_LABEL = "roundel.ahead"  # the name of one that was made before its job was known
_PIDS = 16_384  # far above any build; a fork bomb ends here and not with the machine


def labels_of(order: JobOrder, home: Path, role: str) -> dict[str, str]:
    """Return the labels by which a later runner finds a container."""
    return {
        EXECUTION_LABEL: order.lease.execution_id,
        HOME_LABEL: str(home),
        ROLE_LABEL: role,
        JOB_LABEL: order.job_name,
        AHEAD_LABEL: "",  # over what an image has that was made of such a container
    }


def labels_ahead(name: str, home: Path) -> dict[str, str]:
    """Return the labels of a container that is nobody's yet."""
    return {
        EXECUTION_LABEL: "",
        HOME_LABEL: str(home),
        ROLE_LABEL: "primary",
        JOB_LABEL: "",
        AHEAD_LABEL: name,
    }


def primary(
    plan: ImagePlan,
    image: Image,
    *,
    labels: dict[str, str],
    job: Path,
    launch: Path,
    shared: Sequence[Path],
    names: list[str],
    limits: Limits | None,
    privileged: bool = False,
    engine_socket: str | None = None,
) -> dict[str, Any]:
    """Return the primary container: the supervisor, and the image's own command beside it."""
    main = _main_command(plan, image)
    sockets = [{"Type": "bind", "Source": engine_socket, "Target": SOCKET_INSIDE}]
    return {
        **_common(plan, image, labels),
        "Entrypoint": ["/bin/sh", f"{INSIDE}/supervisor.sh", INSIDE, LAUNCH_INSIDE, "--", *main],
        "Cmd": [],
        "HostConfig": {
            **_host(limits),
            "Privileged": privileged,
            "LogConfig": {"Type": "none", "Config": {}},
            "Mounts": [
                {"Type": "bind", "Source": str(job), "Target": INSIDE},
                {"Type": "bind", "Source": str(launch), "Target": LAUNCH_INSIDE, "ReadOnly": True},
                *({"Type": "bind", "Source": str(it), "Target": str(it)} for it in shared),
                *(sockets if engine_socket else ()),
            ],
            "ExtraHosts": [f"{name}:127.0.0.1" for name in names],
        },
    }


def service(
    plan: ImagePlan,
    image: Image,
    *,
    labels: dict[str, str],
    primary_id: str,
    limits: Limits | None,
    privileged: bool = False,
) -> dict[str, Any]:
    """Return a service container: its own command, in the primary's network."""
    config = {
        **_common(plan, image, labels),
        "HostConfig": {
            **_host(limits),
            "Privileged": privileged,
            "NetworkMode": f"container:{primary_id}",
        },
    }
    if plan.entrypoint is not None:
        config["Entrypoint"] = list(plan.entrypoint)
    if plan.command is not None:
        config["Cmd"] = list(plan.command)
    return config


def _main_command(plan: ImagePlan, image: Image) -> list[str]:
    """Return what runs beside the supervisor: only what was asked for."""
    if plan.entrypoint is not None or plan.command is not None:
        return [*(plan.entrypoint or ()), *(plan.command or ())]
    if image.preserve_entrypoint:
        return [*image.entrypoint, *image.command]
    return []


def _common(plan: ImagePlan, image: Image, labels: dict[str, str]) -> dict[str, Any]:
    config: dict[str, Any] = {
        "Image": image.id or image.name,
        "Labels": labels,
        "Env": [f"{name}={value}" for name, value in plan.environment.items()],
    }
    if plan.user is not None:
        config["User"] = plan.user
    return config


def _host(limits: Limits | None) -> dict[str, Any]:
    host: dict[str, Any] = {"PidsLimit": _PIDS}
    if limits is not None:
        # Swap would only hide that a job needs more than its class has.
        host |= {"Memory": limits.memory_bytes, "MemorySwap": limits.memory_bytes}
        host["CpuQuota"] = int(limits.cpus * 100_000)
        host["CpuPeriod"] = 100_000
    return host


def way_in(container: str) -> tuple[str, ...] | None:
    """Return the engine's own client, which knows how to hand a terminal over."""
    for name in ("docker", "podman"):
        if shutil.which(name):
            return (name, "exec", "--interactive", "--tty", container)
    return None
