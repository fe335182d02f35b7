"""Whose fault it is that a container cannot be had: the user's, or this installation's.

Engines tell it in words alone: the status is 500 for an unknown user and for a full disk.  What is
known to be the user's is told apart by its words, all else about containers is ours; with pulls it
is the other way round, as each registry has words of its own for what may not be had.
"""

import re
from collections.abc import Mapping
from signal import SIGKILL, SIGTERM
from typing import Any

import aiohttp
from aiodocker.exceptions import DockerError

from roundel.backends.protocol import CannotOpen
from roundel.domain.plan import ImagePlan
from roundel.domain.runners import JobOrder

# What the client raises: an error that was answered, or an answer that broke off.
ENGINE_ERRORS = (DockerError, aiohttp.ClientError, TimeoutError, OSError)
NO_ENGINE = 900  # the client's own status
SHELL = "/bin/sh"
_KILLED = frozenset({None, 128 + SIGKILL, 128 + SIGTERM})

_NO_SUCH_USER = re.compile(
    r"unable to find (?:user|group)\b|no matching entries in (?:passwd|group)"
)
_NOT_RUN = re.compile(
    # Not what the engine itself runs, as in `exec: "iptables": executable file not found`.
    r"container process.{0,80}?exec: \"(?P<runc>[^\"]*)\": (?:stat [^:]*: )?"
    r"(?:executable file not found"
    r"|no such file or directory|permission denied|is a directory|not a directory"
    r"|exec format error)"
    r"|executable file `(?P<crun>[^`]*)` not found"
    r"|exec(?:ve)? (?P<format>[^ :]*): exec format error"
)
_NO_ENTRY = re.compile(r"chdir to cwd .*(?:permission denied|not a directory)")
# Of a config that the engine refuses to read, only the mounts are not the user's.
_MOUNT = re.compile(r"\bmount\b|bind source path")
_NOT_THE_REGISTRYS_WORD = re.compile(
    r"no space left on device|disk quota exceeded|input/output error|read-only file system"
    r"|failed to register layer|layer does not exist|cannot allocate memory"
    r"|i/o timeout|client\.timeout|handshake timeout|deadline exceeded|context canceled"
    r"|connection re(?:fused|set)|no route to host|network is unreachable|broken pipe|\bEOF\b"
    r"|server misbehaving|temporary failure in name resolution|proxyconnect"
    r"|toomanyrequests|too many requests|rate limit"
    r"|status(?: code)?:? 5\d\d|\b50[0234] (?:internal|bad gateway|service|gateway)",
    re.IGNORECASE,
)


def unreachable(error: BaseException) -> CannotOpen:
    """Return what to say when the engine does not answer, or answers what it should not."""
    return CannotOpen(f"The container engine failed: {_words(error)}", infrastructure=True)


def not_pulled(name: str, why: str) -> CannotOpen:
    """Return what to say of an image that does not come."""
    ours = _NOT_THE_REGISTRYS_WORD.search(why) is not None
    hint = "Has the runner room for it, and a way to its registry?"
    if not ours:
        hint = "Check its name, and that its registry can be reached."
    return CannotOpen(
        f'The image "{name}" is not on this machine and cannot be pulled: '
        f"{why.strip().rstrip('.')}. {hint}",
        infrastructure=ours,
    )


def not_made(plan: ImagePlan, error: BaseException) -> CannotOpen:
    """Return what to say of a container that the engine does not create."""
    if (mistake := _mistake(plan, error)) is not None:
        return mistake
    refused = isinstance(error, DockerError) and error.status == 400
    return CannotOpen(
        f'The container of "{plan.image}" cannot be made: {_words(error)}',
        infrastructure=not refused or _MOUNT.search(_words(error)) is not None,
    )


def not_started(plan: ImagePlan, error: BaseException) -> CannotOpen:
    """Return what to say of a container that the engine has created and does not start."""
    if (mistake := _mistake(plan, error)) is not None:
        return mistake
    return CannotOpen(
        f'The container of "{plan.image}" does not start: {_words(error)}', infrastructure=True
    )


def unfit(order: JobOrder, ended: Mapping[str, Any]) -> str | None:
    """Return what to say of a primary container that ended before it said a word.

    None where it was killed: that is nobody's doing inside.
    """
    code = ended.get("StatusCode")
    if code in _KILLED or not order.executor.images:
        return None
    return (
        f'The image "{order.executor.images[0].image}" cannot be used: its {SHELL} ended with '
        f"{code} before it could run anything. Is the image made for this kind of processor?"
    )


def _mistake(plan: ImagePlan, error: BaseException) -> CannotOpen | None:
    """Return what to say where image and config do not fit each other."""
    words = _words(error)
    if isinstance(error, DockerError) and error.status == NO_ENGINE:
        return unreachable(error)
    if _NO_SUCH_USER.search(words):
        why = f'it has no user "{plan.user}"' if plan.user is not None else f"its user: {words}"
    elif found := _NOT_RUN.search(words):
        command = found["runc"] or found["crun"] or found["format"]
        why = f"it does not start: {words}"
        if command == SHELL:
            why = f"it has no {SHELL}, which every job needs"
    elif _NO_ENTRY.search(words):
        why = f"it does not start: {words}"
    else:
        return None
    return CannotOpen(f'The image "{plan.image}" cannot be used: {why}.', infrastructure=False)


def _words(error: BaseException) -> str:
    words = error.message if isinstance(error, DockerError) else str(error)
    return str(words).strip() or type(error).__name__
