"""Back ends that ran jobs here before others do now: what they left is removed through them."""

import contextlib
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from roundel.backends.protocol import Backend, CannotOpen

NOTE = "back-ends"  # in the runner's folder: the kinds that may have something there, a word each

# What each kind writes into the folder of a job that it has begun.
IDENTITY, CONTAINERS = "process.json", "containers"
# The first has the supervisor, the second the primary's id; and the name of what was made ahead.
BEGUN = {IDENTITY: "as processes", CONTAINERS: "in containers"}

log = logging.getLogger("roundel.runner")


def refuse_another(root: Path, mine: str) -> None:
    """Refuse a job that another kind of back end has begun: it cannot go on, nor begin again."""
    for mark, how in BEGUN.items():
        if mark != mine and (root / mark).exists():
            raise CannotOpen(
                "The runner was started anew with another back end. It had begun this job "
                f"{how}, where it cannot go on.",
                infrastructure=True,
            )


class Former:
    """Knows by a note in the runner's folder what has run jobs of it.  `made` makes each kind."""

    def __init__(
        self, folder: Path, now: Collection[str], made: Mapping[str, Callable[[], Backend]]
    ) -> None:
        self._note = folder / NOTE
        self._now = frozenset(now)
        self._made = made

    async def sweep(self, home: Path) -> int:
        """Remove what kinds that run no jobs now have left of `home`; return of how many jobs.

        A kind that cannot be asked now (an engine that is not there) stays in the note.
        """
        noted = self._now | self._noted()
        self._write(noted)  # before a job begins
        swept = 0
        for kind in sorted(noted - self._now):
            backend = self._made[kind]()
            try:
                why = await backend.why_unusable()
                if why is None:
                    swept += await backend.sweep(home, frozenset())
                    noted -= {kind}
                    continue
            except Exception as error:  # whatever an engine in trouble leads to
                why = f"{type(error).__name__}: {error}"
            finally:
                await backend.close()
            log.warning(
                "event=not_swept backend=%s: what jobs of an earlier start left there stays: %s",
                kind,
                why,
            )
        self._write(noted)
        return swept

    def _noted(self) -> frozenset[str]:
        with contextlib.suppress(OSError):
            return frozenset(self._note.read_text().split()) & self._made.keys()
        return frozenset()

    def _write(self, kinds: Collection[str]) -> None:
        with contextlib.suppress(OSError):  # a full disk is told of elsewhere
            self._note.write_text("".join(f"{kind}\n" for kind in sorted(kinds)))
