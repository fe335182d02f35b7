"""`save_cache` and `restore_cache`.  Nothing that goes wrong with an archive fails a job."""

import base64
import hashlib
import os
import platform
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from pathlib import Path

from roundel.backends.protocol import Sandbox
from roundel.domain.clock import SECOND, rfc3339_seconds
from roundel.domain.errors import NotFound
from roundel.domain.plan import StepPlan
from roundel.domain.storage import FoundCache
from roundel.runner.archives.ground import Ground
from roundel.runner.archives.headers import Broken
from roundel.runner.archives.pipes import Stopped
from roundel.runner.archives.scan import TooBig
from roundel.runner.cachekeys import BadKey, KeyFacts, arch_text, files_in, render
from roundel.runner.steps.carriers import Carrier
from roundel.runner.steps.keeping import (
    NOTHING_THERE,
    Keeper,
    Servant,
    servant_process,
    shown_size,
    texts_in,
)
from roundel.runner.steps.plan import Process, Refusal, StepFailed, text_of
from roundel.runner.storing import NotFetched, NotStored


def save_cache_step(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return the process of `save_cache`."""
    template, paths = text_of(step, "key"), texts_in(step.args.get("paths"))
    if template is None or not paths:
        return Refusal(why="save_cache needs a key and paths.")

    async def work(servant: Servant) -> None:
        key = await _key(template, servant, keeper)
        if await keeper.storage.has_cache(key):
            servant.say(f"Skipping cache generation, cache already exists for key: {key}\n")
            return
        carrier = await servant.carrier()
        servant.say("Creating cache archive...\n")
        await _save(key, servant, keeper, carrier)

    return servant_process(sandbox, work, *paths)


async def _save(key: str, servant: Servant, keeper: Keeper, carrier: Carrier) -> None:
    place = await servant.place()
    ground = Ground()

    def archive() -> AsyncIterator[bytes]:
        nonlocal ground
        ground = Ground(rename=place.outward if place.own_home else None)
        return carrier.pack("absolute", ground)

    try:
        blob = await keeper.storage.upload_again(archive, servant.talk.last_code)
    except (Broken, TooBig, NotStored, Stopped, OSError) as error:
        if await servant.talk.last_code() == NOTHING_THERE:
            servant.say("Skipping cache generation: none of its paths exists.\n")
        else:
            servant.say(f"Warning: the cache was not saved: {error}.\n")
        return
    servant.tell_refused(ground)
    code = await servant.talk.last_code()
    if code not in ("0", "1"):  # 1: a file changed while it was read
        servant.say(f"Warning: the cache was not saved: tar failed with exit code {code}.\n")
    elif await keeper.storage.keep_cache(key, blob):
        servant.say(f"Stored Cache to {key}\nSize: {shown_size(blob.size)}\n")
    else:
        servant.say(f"Skipping cache generation, cache already exists for key: {key}\n")


def restore_cache_step(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return the process of `restore_cache`."""
    templates = (*texts_in(step.args.get("key")), *texts_in(step.args.get("keys")))
    if not templates:
        return Refusal(why="restore_cache needs a key or keys.")

    async def work(servant: Servant) -> None:
        for template in templates:
            key = await _key(template, servant, keeper)
            found = await keeper.storage.find_cache([key])
            if found is not None and await _restore(found, servant, keeper):
                return
            servant.say(f"No cache is found for key: {key}\n")

    return servant_process(sandbox, work, target="/")


async def _restore(found: FoundCache, servant: Servant, keeper: Keeper) -> bool:
    """Unpack a cache; False if its archive is broken, which is a miss."""
    servant.say(
        f"Found a cache at {found.key}, created {rfc3339_seconds(found.created_at)}\n"
        f"Size: {shown_size(found.blob.size)}\n"
    )
    carrier = await servant.carrier()
    place = await servant.place()
    ground = Ground(rename=place.inward)
    try:
        trouble = await carrier.unpack(keeper.storage.download(found.blob), ground)
    except NotFetched as error:
        servant.say(f"Warning: the cache cannot be fetched and counts as none: {error}.\n")
        return False
    except (Broken, TooBig, NotFound) as error:
        servant.say(f"Warning: this cache is broken and counts as none: {error}.\n")
        await keeper.storage.drop_cache(found)
        return False
    servant.tell_refused(ground)
    if trouble is not None:
        raise StepFailed(f"The cache could not be unpacked: {trouble}.")
    servant.say("Unarchived the cache.\n")
    return True


# -- keys --


async def _key(template: str, servant: Servant, keeper: Keeper) -> str:
    """Compute a key; raise StepFailed if it cannot be computed."""
    facts = _facts(keeper)
    digests: dict[str, str | None] = {}
    for name in files_in(template, facts):
        digests[name] = await _checksum(name, servant)
    key = render(template, facts, digests.get)
    if isinstance(key, BadKey):
        raise StepFailed(key.message)
    return key


async def _checksum(name: str, servant: Servant) -> str | None:
    """Return the base64 SHA-256 of a file in the job, None where there is none."""
    digest = hashlib.sha256()
    there: bool | None = None
    async for piece in servant.talk.contents("contents", name):
        if there is None:
            there, piece = piece[:1] == b"+", piece[1:]
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode() if there else None


def _facts(keeper: Keeper) -> KeyFacts:
    order = keeper.order
    environment: Mapping[str, str] = order.environment
    return KeyFacts(
        branch=environment.get("CIRCLE_BRANCH", ""),
        build_num=order.job_number,
        revision=environment.get("CIRCLE_SHA1", ""),
        checkout_key="",  # the order does not carry any yet
        environment=environment,
        arch=_arch(),
        epoch=keeper.clock.now() // SECOND,
    )


@lru_cache(maxsize=1)
def _arch() -> str:
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        cpuinfo = ""
    return arch_text(os.uname().sysname, platform.machine(), cpuinfo)
