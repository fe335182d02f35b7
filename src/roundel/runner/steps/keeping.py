"""What the steps that keep and fetch files have in common."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from roundel.backends.protocol import Sandbox
from roundel.backends.users import INSIDE
from roundel.domain.clock import Clock
from roundel.domain.plan import Json
from roundel.domain.records import dataclass
from roundel.domain.runners import JobOrder, Secret
from roundel.runner.archives.ground import Ground
from roundel.runner.steps.carriers import Carrier, EngineCarrier, TarCarrier
from roundel.runner.steps.plan import Process, Say, StepFailed
from roundel.runner.steps.talk import Talk, TalkBroken, prepare_talk, servant_script, talk_name
from roundel.runner.storing import HeldStorage

# A transfer says nothing while it goes on; what bounds it is the job's own limit.
SILENT_SECONDS = 24 * 3600.0
NOTHING_THERE = "64"  # the servant's code for: no path matched
NO_FOLDER = "65"
NOT_FOUND = "127"  # a shell's code for: no such program
_HOME = b"~/"  # how names below a home begin that is the job's alone
_SHOWN_REFUSALS = 5

Work: TypeAlias = Callable[["Servant"], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """What steps need of the runner: to keep and fetch files, and to open repositories."""

    order: JobOrder
    storage: HeldStorage
    clock: Clock
    hide: Callable[[Secret], None]  # keeps what the job is about to learn out of its output


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the job is, and whether its home is its alone and so stands for another's."""

    home: str
    directory: str
    own_home: bool

    def outward(self, path: bytes) -> bytes:
        """Return a name below / as archives have it."""
        home = self.home.strip("/").encode("utf-8", "surrogateescape") + b"/"
        return _HOME + path[len(home) :] if self.own_home and path.startswith(home) else path

    def inward(self, path: bytes) -> bytes:
        """Return a name of an archive as a name below / here."""
        if not path.startswith(_HOME):
            return path
        return self.home.strip("/").encode("utf-8", "surrogateescape") + path[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Servant:
    """A step under way: the talk with its script, and its output."""

    index: int
    talk: Talk
    say: Say
    sandbox: Sandbox

    async def place(self) -> Place:
        """Ask the script where it is."""
        text = b"".join([piece async for piece in self.talk.contents("where")])
        home, directory, _ = (text.decode("utf-8", "surrogateescape") + "\n\n").split("\n", 2)
        folder = self.sandbox.put("home")[0].parent.parent
        own_home = any(Path(home).is_relative_to(place) for place in (folder, INSIDE))
        return Place(home=home, directory=directory, own_home=own_home)

    async def carrier(self) -> Carrier:
        """Return how files are carried here; raise StepFailed where nothing can."""
        if await self.talk.ask("tar") == "0":
            return TarCarrier(self.talk)
        archives = self.sandbox.archives()
        if archives is None:
            raise StepFailed("There is no tar here, and this step needs one: install it.")
        # Beside the folder that the job sees: nothing of the job's goes through this FIFO.
        own = self.sandbox.put("carrier")[0].parent.parent
        return EngineCarrier(self.talk, archives, own / f"{self.index}.down")

    def tell_refused(self, ground: Ground) -> None:
        """Say what was left out of an archive."""
        for refusal in ground.refused[:_SHOWN_REFUSALS]:
            self.say(f"Warning: left out {refusal.path} - {refusal.reason}\n")
        more = ground.refused_count - len(ground.refused[:_SHOWN_REFUSALS])
        if more > 0:
            self.say(f"Warning: left out {more} more\n")


def servant_process(
    sandbox: Sandbox, work: Work, *paths: str, target: str = ".", root: str = "."
) -> Process:
    """Return the process of a step whose work the runner does together with a script."""

    async def prepare(index: int) -> None:
        prepare_talk(sandbox.put(talk_name(index))[0])

    async def beside(index: int, say: Say) -> None:
        try:
            async with Talk(sandbox.put(talk_name(index))[0]) as talk:
                code = 0
                try:
                    await work(Servant(index=index, talk=talk, say=say, sandbox=sandbox))
                except StepFailed as error:
                    say(f"{error}\n")
                    code = 1
                await talk.exit(code)
        except TalkBroken as error:
            say(f"{error}\n")
            await sandbox.stop_step(index)

    return Process(
        script=servant_script(*paths, target=target, root=root),
        argv=("/bin/sh",),
        no_output_seconds=SILENT_SECONDS,
        prepare=prepare,
        beside=beside,
    )


def texts_in(value: Json) -> tuple[str, ...]:
    """Return a list of texts; one alone counts as such a list."""
    if isinstance(value, list):
        return tuple(str(item) for item in value if item is not None)
    return () if value is None else (str(value),)


def shown_size(size: int) -> str:
    """Return `512 B`, `1.5 KiB`, `13 MiB`."""
    number, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            break
        number, unit = number / 1024, larger
    return f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"
