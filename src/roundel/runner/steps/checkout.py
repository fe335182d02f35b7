"""`checkout`: a script that clones inside, or unpacks what the runner has cloned outside."""

import asyncio
import os
import shutil
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

from roundel.backends.launch import quoted
from roundel.backends.protocol import Sandbox
from roundel.domain.plan import StepPlan
from roundel.domain.runners import CheckoutOrder
from roundel.runner.steps.plan import Process, Refusal, StepFailed, text_of

_SHELL = ("/bin/sh",)
_SSH = "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new"


async def checkout_step(
    step: StepPlan, order: CheckoutOrder | None, sandbox: Sandbox
) -> Process | Refusal:
    """Return the process that checks out `order`."""
    if order is None:
        return Refusal(why="There is nothing to check out: this pipeline has no repository.")
    facts = await sandbox.facts()
    local = local_path(order.repository_url)
    if local is not None:
        outside = not facts.git or not sandbox.sees(local)
    else:
        outside = not facts.git or (_by_ssh(order.repository_url) and not facts.ssh)
    method = text_of(step, "method") or "blobless"
    depth = text_of(step, "depth") or "1"
    if local is not None:
        method = "full"  # nothing is carried over a network
    if not depth.isdigit() or int(depth) < 1:
        return Refusal(why=f'depth "{depth}" of checkout is not a whole number from 1 on.')
    seed = "seed" if outside else None

    def script(seed_inside: str) -> str:
        values = {
            "url": str(local) if local else order.repository_url,
            "revision": order.revision,
            "branch": order.branch or "",
            "tag": order.tag or "",
            "path": text_of(step, "path") or ".",
            "method": method,
            "depth": depth,
            "seed": seed_inside,
        }
        lines = [f"{name}={quoted(value)}" for name, value in values.items()]
        return "\n".join(lines) + "\n" + _script()

    if seed is None:
        return Process(script=script(""), argv=_SHELL)
    place, inside = sandbox.put(seed)

    async def prepare(_index: int) -> None:
        await clone(order, place, shallow=int(depth) if method == "shallow" else None)

    return Process(script=script(inside), argv=_SHELL, prepare=prepare)


def local_path(url: str) -> Path | None:
    """Return the folder that a repository is in on this machine, or None if it is elsewhere."""
    if url.startswith("/"):
        return Path(url)
    if url.startswith("file://"):
        return Path(unquote(urlsplit(url).path))
    return None


def _by_ssh(url: str) -> bool:
    """Tell whether git reaches this address with ssh: `ssh://…` or `git@host:path`."""
    return url.startswith("ssh://") or ("://" not in url and ":" in url)


async def clone(order: CheckoutOrder, place: Path, *, shallow: int | None) -> None:
    """Clone to `place` with the order's commit checked out.  Doing it twice is fine."""
    if not await asyncio.to_thread(_begun_anew, place):
        return
    local = local_path(order.repository_url)
    url = str(local) if local is not None else order.repository_url
    await _git(place, "init", "-q", ".")
    await _git(place, "config", "gc.auto", "0")
    await _git(place, "remote", "add", "origin", url)
    options = [f"--depth={shallow}"] if shallow else []
    heads = "+refs/heads/*:refs/remotes/origin/*"
    await _git(place, "fetch", "-q", *options, "--tags", "origin", heads)
    commit = f"{order.revision}^{{commit}}"
    if not await _succeeds(place, "cat-file", "-e", commit):
        await _git(place, "fetch", "-q", "origin", f"+{order.revision}")
    if order.branch and not order.tag:
        await _git(place, "checkout", "-q", "--force", "-B", order.branch, order.revision)
    else:
        await _git(place, "checkout", "-q", "--force", "--detach", order.revision)
    await _git(place, "gc", "-q", "--auto")
    _done(place).touch()


def _done(place: Path) -> Path:
    return place.with_name(place.name + ".done")


def _begun_anew(place: Path) -> bool:
    """Make an empty folder for a clone, or return False if there is a whole one."""
    if _done(place).exists():
        return False
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return True


async def _git(place: Path, *words: str) -> None:
    code, errors = await _run(place, words)
    if code != 0:
        raise StepFailed(f"The runner's git {words[0]} failed: {errors.strip() or f'exit {code}'}")


async def _succeeds(place: Path, *words: str) -> bool:
    return (await _run(place, words))[0] == 0


async def _run(place: Path, words: tuple[str, ...]) -> tuple[int, str]:
    environment = {
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", _SSH),
        "GIT_CONFIG_COUNT": "1",
        # The repository may belong to another user than the runner's.
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
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


def _script() -> str:
    return resources.files("roundel.runner.steps").joinpath("checkout.sh").read_text("utf-8")
