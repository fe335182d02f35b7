"""Jobs' files, kept where a step was about to start or had failed, to go on from there."""

import contextlib
import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

from roundel.backends.protocol import Backend, Sandbox
from roundel.domain.errors import DomainError
from roundel.domain.ids import ExecutionId
from roundel.domain.plan import StepPlan
from roundel.domain.records import dataclass
from roundel.domain.runners import JobOrder

REPOSITORY = "roundel-snapshot"
_ABOUT = "about.json"  # written last: with it, all is there
_UNSAFE = re.compile(r"[^a-z0-9]+")
_LONGEST = 80  # characters of a name, of the 128 that a tag may have


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The files of a job before a step, or as that step left them when it failed."""

    job: str
    node: int
    index: int  # of the step among those of the job's order
    image: str  # empty where the files lie in `folder`
    folder: str


class Snapshots:
    """Those of one checkout, in `folder`: one for each step of each node of a job, the newest."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._repository = repository_of(key)
        self.backend: Backend | None = None  # where the images are, once that is known
        self._begun_at: dict[ExecutionId, int] = {}
        self._resumed: dict[ExecutionId, Snapshot] = {}

    async def keep(
        self, order: JobOrder, step: StepPlan, sandbox: Sandbox, *, cheaply: bool
    ) -> None:
        """Keep the files as they are now for this step; `cheaply`, only where that costs little.

        Raise OSError where that is not possible.
        """
        index = next(n for n, own in enumerate(order.steps) if own is step)
        index += self._begun_at.get(order.lease.execution_id, 0)
        place = self._place(order.job_name, order.node) / str(index)
        if place.exists():
            shutil.rmtree(place)
        place.mkdir(parents=True)
        image = await sandbox.save(self._image(order, index), place, cheaply=cheaply)
        if image is None:
            shutil.rmtree(place)
            return
        exported, _ = sandbox.put("bash_env")
        with contextlib.suppress(OSError):
            shutil.copyfile(exported, place / "bash_env", follow_symlinks=False)
        about = {"image": image, "name": step.name, "kind": step.kind}
        (place / _ABOUT).write_text(json.dumps(about))

    async def forget(self, order: JobOrder) -> None:
        """Drop what there is of a job that starts anew, so that only the newest is kept of each."""
        place = self._place(order.job_name, order.node)
        if not place.exists():
            return
        tags = {self._tag(order, int(kept.name)) for kept in place.glob("[0-9]*")}
        shutil.rmtree(place, ignore_errors=True)
        if tags and self.backend is not None:
            await self.backend.drop_saved(self._repository, tags)

    def check(self, job: str, step: str) -> None:
        """Refuse a step before which no node of a job has kept files, before a run is begun."""
        abouts = [
            json.loads(about.read_text())
            for place in self._folder.glob(f"{_plain(job)}-[0-9]*")
            for about in sorted(place.glob(f"*/{_ABOUT}"), key=lambda it: int(it.parent.name))
        ]
        if not any(step in (about.get("name"), about.get("kind")) for about in abouts):
            raise _nothing_kept(job, step, [about.get("name", "?") for about in abouts])

    def resumed(self, order: JobOrder, step: str) -> JobOrder:
        """Return the order of the steps from this one on, or refuse.

        It is for the image of the snapshot, if that has one; the rest is for `restore`.
        """
        snapshot = self.find(order, step)
        self._begun_at[order.lease.execution_id] = snapshot.index
        self._resumed[order.lease.execution_id] = snapshot
        return _cut(order, snapshot)

    async def restore(self, order: JobOrder, sandbox: Sandbox) -> None:
        """Put the files of a resumed job into its new sandbox; for others, do nothing."""
        snapshot = self._resumed.get(order.lease.execution_id)
        if snapshot is None:
            await self.forget(order)
            return
        folder = Path(snapshot.folder)
        await sandbox.restore(folder)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(folder / "bash_env", sandbox.put("bash_env")[0])

    def find(self, order: JobOrder, step: str) -> Snapshot:
        """Return the files before the step of this name or kind, or refuse."""
        place = self._place(order.job_name, order.node)
        kept = sorted(int(about.parent.name) for about in place.glob(f"*/{_ABOUT}"))
        for index in kept:
            about = json.loads((place / str(index) / _ABOUT).read_text())
            own = order.steps[index] if index < len(order.steps) else None
            if own is not None and step in (own.name, own.kind):
                return Snapshot(
                    job=order.job_name,
                    node=order.node,
                    index=index,
                    image=about["image"],
                    folder=str(place / str(index)),
                )
        names = [order.steps[index].name for index in kept if index < len(order.steps)]
        raise _nothing_kept(order.job_name, step, names)

    def _place(self, job: str, node: int) -> Path:
        return self._folder / f"{_plain(job)}-{node}"

    def _image(self, order: JobOrder, index: int) -> str:
        return f"{self._repository}:{self._tag(order, index)}"

    def _tag(self, order: JobOrder, index: int) -> str:
        return f"{_plain(order.job_name)}-{order.node}-{index}"


def repository_of(key: str) -> str:
    """Return the name of all images that are snapshots of a checkout's jobs.

    `key` is the checkout's folder among the states, which no other has.
    """
    return f"{REPOSITORY}/{_plain(key)}"


def _plain(name: str) -> str:
    """Return a name of letters that images may have, still different for each name."""
    plain = _UNSAFE.sub("-", name.lower()).strip("-")[:_LONGEST]
    if plain == name:
        return plain
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain}-{digest}".strip("-")


class NoSnapshot(DomainError):
    """Nothing is kept to go on from; `str()` says what there is."""


def _nothing_kept(job: str, step: str, names: list[str]) -> NoSnapshot:
    there = ", ".join(dict.fromkeys(names)) or "none"
    return NoSnapshot(
        f"no files of the job {job!r} are kept from before a step {step!r}; "
        f"there are some for: {there} (run with --snapshots to keep them for all)"
    )


def _cut(order: JobOrder, snapshot: Snapshot) -> JobOrder:
    executor = order.executor
    if snapshot.image and executor.images:
        first, *services = executor.images
        first = replace(first, image=snapshot.image, auth=None)
        executor = replace(executor, images=(first, *services))
    return replace(order, steps=order.steps[snapshot.index :], executor=executor)
