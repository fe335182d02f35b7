"""Judging configs in a process of its own, bounded in time and memory."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

import roundel
from roundel.domain.policies import Decision, Verdict, Violation
from roundel.services.policy_worker import Answer, Broken, Question

WORKERS = 2  # at once
SECONDS = 10.0  # a policy takes milliseconds

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from roundel.services.policy_worker import main; main()"
)
_answers = msgspec.json.Decoder(Answer)


class Judge:
    """Asks policies.  Nothing of theirs is raised here: it is in the answer."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._places = asyncio.Semaphore(WORKERS)

    async def check(self, policies: dict[str, str]) -> Answer:
        """Return the names of policies by their files, or what is wrong with them."""
        return await self._ask(Question(policies))

    async def decide(self, question: Question) -> Decision:
        """Return what policies say of a config."""
        if not question.policies:
            return Decision(status=Verdict.PASS)
        said = await self._ask(question)
        if said.error is not None:
            return Decision(status=Verdict.ERROR, reason=said.error)
        status = Verdict.HARD_FAIL if said.hard else Verdict.SOFT_FAIL if said.soft else None
        return Decision(
            status=status or Verdict.PASS,
            enabled_rules=tuple(said.enabled),
            hard_failures=tuple(map(_violation, said.hard)),
            soft_failures=tuple(map(_violation, said.soft)),
        )

    async def _ask(self, question: Question) -> Answer:
        async with self._places:
            process = await _start()
            try:
                async with asyncio.timeout(self._seconds):
                    said, _ = await process.communicate(msgspec.json.encode(question))
                return _answers.decode(said)
            except TimeoutError:
                return Answer(error=f"The policies took longer than {self._seconds:g} s.")
            except msgspec.DecodeError:
                return Answer(error="The policies need more memory than they may use.")
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                # What nobody has read would keep the pipe open and `wait` waiting; asyncio has no
                # public way to close it.
                process._transport.close()  # type: ignore[attr-defined]
                await asyncio.shield(process.wait())


def _violation(broken: Broken) -> Violation:
    return Violation(rule=broken.rule, reason=broken.reason)


async def _start() -> asyncio.subprocess.Process:
    root = Path(roundel.__file__).parent.parent
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",  # nothing of the environment decides what the worker imports
        "-c",
        _START,
        str(root),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
