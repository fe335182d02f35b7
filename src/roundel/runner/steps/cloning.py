"""Cloning on the runner's side, for places without git or without sight of the repository."""

import asyncio
import contextlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from roundel.backends.folder import memory_folder
from roundel.domain.runners import CheckoutOrder
from roundel.runner.steps.plan import StepFailed
from roundel.wire.git_settings import (
    asking_for_password,
    git_settings,
    password_variables,
    undirected_environment,
)

_MOVES = 10  # tries, against a job that puts things where the clone is to go
_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new")


def keys_inside(order: CheckoutOrder) -> dict[str, str]:
    """Return the variables by which the script gets what opens the repository.

    They are in the launch file, on a tmpfs; the script puts a key where ssh looks for it.
    """
    values = _credentials(order)
    if order.ssh_key:
        values["_RD_SSH_KEY"] = order.ssh_key
    if order.known_hosts:
        values["_RD_KNOWN_HOSTS"] = order.known_hosts
    return values


def local_path(url: str) -> Path | None:
    """Return the folder that a repository is in on this machine, or None if it is elsewhere."""
    if url.startswith("/"):
        return Path(url)
    if url.startswith("file://"):
        return Path(unquote(urlsplit(url).path))
    return None


def read_with(repository: Path) -> tuple[Path, ...]:
    """Return the folders that git reads with this one: itself, and those it borrows objects of."""
    for objects in (repository / "objects", repository / ".git" / "objects"):
        try:
            lines = (objects / "info" / "alternates").read_text(errors="replace").splitlines()
        except OSError:
            continue
        return repository, *(objects / line for line in lines if line and line[0] != "#")
    return (repository,)


async def hand_over(order: CheckoutOrder, place: Path, *, shallow: int | None) -> None:
    """Clone out of the job's reach, then put the whole of it at `place` in its folder.

    Git obeys the settings of the repository that it works in, so it must not work in one that the
    job can write.  Doing it twice is fine.
    """
    own = place.parent.parent / place.name
    done = own.with_name(own.name + ".done")
    if done.exists():
        return
    await clone(order, own, shallow=shallow)
    await asyncio.to_thread(_move, own, place)
    done.touch()


async def clone(order: CheckoutOrder, place: Path, *, shallow: int | None) -> None:
    """Clone to `place`, which only we can write, with the order's commit checked out."""
    await asyncio.to_thread(_begun_anew, place)
    with _opened(order) as keys:
        await _clone(order, place, keys, shallow)


def _move(own: Path, place: Path) -> None:
    for _ in range(_MOVES):
        with contextlib.suppress(OSError):
            own.rename(place)
            return
        # Something is there: what an earlier runner had moved, or what the job has put in its way.
        with contextlib.suppress(OSError):
            place.unlink()
        shutil.rmtree(place, ignore_errors=True)
    raise StepFailed(f"The runner's clone cannot be put to {place.name}: the job is in its way.")


async def _clone(
    order: CheckoutOrder, place: Path, keys: dict[str, str], shallow: int | None
) -> None:
    local = local_path(order.repository_url)
    url = str(local) if local is not None else order.repository_url

    async def git(*words: str) -> None:
        await _git(place, words, keys)

    await git("init", "-q", ".")
    await git("config", "gc.auto", "0")
    await git("remote", "add", "origin", url)
    options = [f"--depth={shallow}"] if shallow else []
    heads = "+refs/heads/*:refs/remotes/origin/*"
    await git("fetch", "-q", *options, "--tags", "origin", heads)
    commit = f"{order.revision}^{{commit}}"
    if (await _run(place, ("cat-file", "-e", commit), keys))[0] != 0:
        await git("fetch", "-q", "origin", f"+{order.revision}")
    if order.branch and not order.tag:
        await git("checkout", "-q", "--force", "-B", order.branch, order.revision)
    else:
        await git("checkout", "-q", "--force", "--detach", order.revision)
    await git("gc", "-q", "--auto")


def _credentials(order: CheckoutOrder) -> dict[str, str]:
    """Return git's settings as variables: no password stands in a command or a file."""
    # The repository may belong to another user than ours.
    settings = {"safe.directory": "*"}
    values: dict[str, str] = {}
    if order.password:
        settings |= asking_for_password(order.repository_url)
        values = password_variables(order.username, order.password)
    return {**values, **git_settings(settings)}


@contextlib.contextmanager
def _opened(order: CheckoutOrder) -> Iterator[dict[str, str]]:
    """Yield the environment that opens the repository, for as long as the block lasts."""
    values = _credentials(order)
    if not order.ssh_key and not order.known_hosts:
        yield values
        return
    with tempfile.TemporaryDirectory(prefix="checkout-", dir=memory_folder()) as name:
        known = Path(name) / "known_hosts"
        known.write_text(order.known_hosts)
        words = [*_SSH, "-o", f"UserKnownHostsFile={known}"]
        if order.ssh_key:
            key = Path(name) / "key"
            key.touch(mode=0o600)
            key.write_text(order.ssh_key.rstrip("\n") + "\n")
            words += ["-i", str(key), "-o", "IdentitiesOnly=yes"]
        yield {**values, "GIT_SSH_COMMAND": shlex.join(words)}


def _begun_anew(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o755)
    place.chmod(0o755)


async def _git(place: Path, words: tuple[str, ...], keys: dict[str, str]) -> None:
    code, errors = await _run(place, words, keys)
    if code != 0:
        raise StepFailed(f"The runner's git {words[0]} failed: {errors.strip() or f'exit {code}'}")


async def _run(place: Path, words: tuple[str, ...], keys: dict[str, str]) -> tuple[int, str]:
    environment = {
        **undirected_environment(),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", shlex.join(_SSH)),
        **keys,
    }
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *words,
            cwd=place,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at a terminal is for us, who end it or wait for it
        )
    except OSError as error:
        raise StepFailed("The runner needs git for this checkout and has none.") from error
    try:
        _, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, errors.decode(errors="replace")
