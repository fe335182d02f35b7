"""How far the kernel lets a job that runs as processes be apart from this machine."""

import os
import shutil

from roundel.backends.processes import children, succeeds

_NAMESPACES = ("--pid", "--fork", "--kill-child", "--mount", "--mount-proc")


def private_tmp(isolation: tuple[str, ...]) -> bool:
    """Tell whether a job that is isolated so has a /tmp of its own."""
    # As another user in a user namespace we may make namespaces, and sh may not mount in them.
    return bool(isolation) and "--user" not in isolation


async def permitted_isolation() -> tuple[str, ...]:
    """Return the command that isolates a job as well as the kernel lets us, or nothing."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    for extra in ((), ("--user", "--map-current-user")):
        command = (unshare, *extra, *_NAMESPACES)
        if await succeeds(*command, "true"):
            return command
    return ()


def way_in(
    supervisor: int, isolation: tuple[str, ...], base: dict[str, str]
) -> tuple[str, ...] | None:
    """Return what enters the job's namespaces; without any, a program is inside already."""
    given = {"TERM": os.environ.get("TERM", "dumb"), **base}
    clean = ("env", "-i", *(f"{name}={value}" for name, value in given.items()))
    if not isolation:
        return clean
    inside = children(supervisor)
    if not inside or shutil.which("nsenter") is None:
        return None
    user = ("--user", "--preserve-credentials") if "--user" in isolation else ()
    return ("nsenter", "--target", str(inside[0]), *user, "--pid", "--mount", "--", *clean)
