"""What a job that runs as processes is told of where it runs, in its first step."""

import os

from roundel.backends.namespaces import private_tmp
from roundel.backends.users import JobUser
from roundel.domain.plan import ExecutorKind
from roundel.domain.runners import JobOrder

DOCKER_WARNING = (
    "WARNING: this job asks for a container ({image}), and its steps run as plain processes of\n"
    "this machine instead: with this machine's programs, without the\n"
    "image and without service containers.  Use a container engine for anything but trusted code.\n"
)
_SHARED_USER = "Warning: the job is the same user as its runner, and can do what that may do.\n"
_SHARED_TMP = (
    "Warning: namespaces are not permitted here, so the job shares /tmp and the process table\n"
    "with this machine.\n"
)
_SHARED_TMP_ONLY = (
    "Warning: mounts are not permitted here, so the job shares /tmp with this machine.\n"
)


def notice(order: JobOrder, isolation: tuple[str, ...], user: JobUser | None) -> str:
    """Return how a job runs here: as whom, and what of this machine it shares."""
    lines = ""
    if order.executor.kind is ExecutorKind.DOCKER and order.executor.images:
        lines += DOCKER_WARNING.format(image=order.executor.images[0].image)
    number = os.getuid() if user is None else user.number
    whose = "" if user is None else ", which is this job's alone"
    lines += f"Running as processes of {os.uname().nodename}, user id {number}{whose}.\n"
    if user is None and order.executor.kind is ExecutorKind.DOCKER:
        lines += _SHARED_USER
    if not isolation:
        lines += _SHARED_TMP
    elif not private_tmp(isolation):
        lines += _SHARED_TMP_ONLY
    return lines
