"""`persist_to_workspace` and `attach_workspace`."""

from collections.abc import AsyncIterator

from roundel.backends.protocol import Sandbox
from roundel.domain.errors import NotFound
from roundel.domain.plan import StepPlan
from roundel.domain.storage import LayerConflict, WorkspaceLayer
from roundel.runner.archives.ground import Ground
from roundel.runner.archives.headers import Broken
from roundel.runner.archives.pipes import Stopped
from roundel.runner.archives.scan import TooBig
from roundel.runner.steps.carriers import Carrier
from roundel.runner.steps.keeping import (
    NO_FOLDER,
    NOTHING_THERE,
    Keeper,
    Servant,
    servant_process,
    shown_size,
    texts_in,
)
from roundel.runner.steps.plan import Process, Refusal, StepFailed, text_of
from roundel.runner.storing import NotFetched, NotStored

_PATHS_SHOWN = 20


def persist_step(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return the process of `persist_to_workspace`."""
    root, paths = text_of(step, "root"), texts_in(step.args.get("paths"))
    if root is None or not paths:
        return Refusal(why="persist_to_workspace needs a root and paths.")

    async def work(servant: Servant) -> None:
        carrier = await servant.carrier()
        servant.say("Creating workspace archive...\n")
        ground = Ground()

        def archive() -> AsyncIterator[bytes]:
            nonlocal ground
            ground = Ground(list_paths=True)
            return carrier.pack("globs", ground)

        code = None
        try:
            blob = await keeper.storage.upload_again(archive, servant.talk.last_code)
        except (Broken, TooBig, NotStored, Stopped, OSError) as error:
            code = await servant.talk.last_code()
            if code == NOTHING_THERE:
                why = f"The specified paths did not match any files in {root}"
            elif code == NO_FOLDER:
                why = f"The root {root} of the workspace is no folder that can be entered."
            else:
                why = f"The workspace could not be persisted: {error}."
            raise StepFailed(why) from error
        code = await servant.talk.last_code()
        if code not in ("0", "1"):
            raise StepFailed(
                f"The workspace could not be persisted: tar failed with exit code {code}."
            )
        servant.tell_refused(ground)
        await keeper.storage.keep_layer(blob, ground.paths)
        count = len(ground.paths)
        servant.say(f"Persisted {count} file(s) to the workspace, {shown_size(blob.size)}.\n")

    return servant_process(sandbox, work, *paths, root=root)


def attach_step(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return the process of `attach_workspace`."""
    at = text_of(step, "at")
    if at is None:
        return Refusal(why="attach_workspace needs `at`, the folder to attach to.")

    async def work(servant: Servant) -> None:
        layers = await keeper.storage.layers()
        if isinstance(layers, LayerConflict):
            raise StepFailed(_conflict(layers))
        if not layers:
            servant.say("Warning: no upstream job has persisted anything to the workspace.\n")
            return
        carrier = await servant.carrier()
        servant.say("Downloading workspace layers\n")
        ground = Ground()
        for layer in layers:
            servant.say(f"  {layer.job_name}/{layer.node} - {shown_size(layer.blob.size)}\n")
            await _unpack(layer, ground, keeper, carrier)
        servant.tell_refused(ground)

    return servant_process(sandbox, work, target=at)


async def _unpack(layer: WorkspaceLayer, ground: Ground, keeper: Keeper, carrier: Carrier) -> None:
    try:
        trouble = await carrier.unpack(keeper.storage.download(layer.blob), ground)
    except (Broken, TooBig, NotFound) as error:
        raise StepFailed(
            f"The layer of the job {layer.job_name} is broken: {error}. Run that job again."
        ) from error
    except NotFetched as error:
        raise StepFailed(f"The workspace cannot be fetched: {error}.") from error
    if trouble is not None:
        raise StepFailed(f"The workspace could not be unpacked: {trouble}.")


def _conflict(conflict: LayerConflict) -> str:
    shown = "".join(f"\n  {path}" for path in conflict.paths[:_PATHS_SHOWN])
    more = len(conflict.paths) - _PATHS_SHOWN
    return (
        "Concurrent upstream jobs persisted the same file(s)\n"
        f"The jobs {conflict.jobs[0]} and {conflict.jobs[1]} do not wait for each other, "
        f"and both persisted:{shown}{f' and {more} more' if more > 0 else ''}"
    )
