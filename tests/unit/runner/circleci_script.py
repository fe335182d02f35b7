"""`circleci` as a job has it, in each shell, with a runner that answers."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from roundel.backends.wakeups import Bell, Wakeups
from roundel.domain.deploys import Release
from roundel.domain.errors import NotAllowed
from roundel.domain.runners import Secret
from roundel.domain.storage import FailedTest
from roundel.runner.questions import answer_question

SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "ash"]}
TIMES = {
    "file": {"a.py": 9.0, "b.py": 4.0, "c.py": 4.0},
    "classname": {"A": 1.0},
    "testname": dict[str, float](),
}


class Circleci:
    """Runs the script, with a runner at hand that answers its questions."""

    def __init__(self, shell: list[str], job: Path, tree: Path) -> None:
        self._words = [*shell, str(job / "bin" / "circleci")]
        self._job = job
        self.tree = tree
        self.environment: dict[str, str] = {}
        self.hidden: list[Secret] = []
        self.asked: list[tuple[Mapping[str, object], bool]] = []
        self.released: list[Release] = []
        self.refusal: str | None = None
        self.failed: Sequence[FailedTest] | None = None

    async def __call__(self, *words: str, given: str | bytes = b"") -> tuple[int, str, str]:
        """Return the exit code and what came on standard output and standard error."""
        process = await asyncio.create_subprocess_exec(
            *self._words,
            *words,
            cwd=self.tree,
            env={"PATH": os.environ["PATH"], **self.environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        answering = asyncio.create_task(self._answer())
        try:
            data = given.encode() if isinstance(given, str) else given
            out, err = await process.communicate(data)
        finally:
            answering.cancel()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def timings(self, by: str) -> Mapping[str, float]:
        return TIMES[by]

    async def failed_tests(self) -> Sequence[FailedTest] | None:
        return self.failed

    async def log_release(self, release: Release) -> None:
        self.released.append(release)

    async def identity_token(self, claims: Mapping[str, object], root_issuer: bool) -> Secret:
        self.asked.append((claims, root_issuer))
        if self.refusal is not None:
            raise NotAllowed(self.refusal)
        return Secret("head.body.tail")

    async def _answer(self) -> None:
        wakeups, bell = Wakeups(), Bell()
        stop = wakeups.watch(self._job, bell.ring)
        answered: set[str] = set()
        try:
            while True:
                for line in (self._job / "events").read_text().splitlines():
                    word, _, name = line.partition(" ")
                    if word == "question" and name not in answered:
                        answered.add(name)
                        await answer_question(self._job, name, self, self.hidden.append)
                await bell.wait(wakeups.poll_seconds)
        finally:
            stop()
            wakeups.close()
