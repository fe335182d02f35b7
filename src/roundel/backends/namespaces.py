"""How far the kernel lets a job that runs as processes be apart from this machine."""

import os
import shutil
from pathlib import Path

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


def way_of_shell(
    supervisor: int, isolation: tuple[str, ...], user: int | None
) -> tuple[str, ...] | None:
    """Return what enters the job's namespaces as its user, and can become no other there.

    None: a program for it is missing, or the job is ending.
    """
    setpriv = _program("setpriv")
    if setpriv is None:
        return None
    became: tuple[str, ...] = (setpriv, "--no-new-privs")
    if user is not None:
        number = str(user)
        became += ("--reuid", number, "--regid", number, "--clear-groups", "--inh-caps=-all")
    if not isolation:
        return became
    nsenter, inside = _program("nsenter"), children(supervisor)
    if nsenter is None or not inside:
        return None
    own = ("--user", "--preserve-credentials") if "--user" in isolation else ()
    return (nsenter, "--target", str(inside[0]), *own, "--pid", "--mount", "--", *became)


def _program(name: str) -> str | None:
    """Return where a program is; below /tmp, another one may lie in its place inside."""
    found = shutil.which(name)
    if found is None or not Path(found).is_absolute():
        return None
    return None if Path(found).is_relative_to("/tmp") else found  # noqa: S108
