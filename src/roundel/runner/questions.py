"""Questions of a job to its runner, as `circleci` on the job's PATH asks them.

    ID.question   lines of `KEY VALUE`, an empty line, the items, an empty line, sizes
    ID.bell       a FIFO that the asker holds open; the exit code goes there when all is ready
    ID.answer     for the asker's standard output
    ID.notes      for its standard error

All of it lies in the job folder and may be hostile: files are opened without following links,
must be what they should be, and are read within bounds.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from roundel.backends.hostile import open_fifo, open_regular
from roundel.backends.protocol import Sandbox
from roundel.domain.deploys import Release, ReleaseDeed
from roundel.domain.errors import DomainError
from roundel.domain.records import dataclass
from roundel.domain.runners import Secret
from roundel.domain.storage import FailedTest
from roundel.runner.failed_tests import only_failed
from roundel.runner.splitting import (
    Share,
    SplitBy,
    TimingsType,
    by_name,
    by_size,
    by_timings,
    timings_type,
)

QUESTION_BYTES = 32 * 1024 * 1024  # half a million names of tests
MAX_NODES = 10_000
_ID = re.compile(r"[0-9]{1,10}-[0-9]{1,2}")
_SIZE = re.compile(r" *([0-9]{1,18}) (.*)")
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?)(ms|s|m|h)?")
_CLAIMS = '{"aud": "sts.example.com"}'
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the asker prints, and the code with which it ends."""

    out: str = ""
    notes: str = ""
    code: int = 0
    secret: Secret | None = None  # what of it must not be seen in the job's output


class Source(Protocol):
    """Where answers come from: the server, under the job's lease."""

    async def timings(self, by: str) -> Mapping[str, float]:
        """Return seconds by file, classname or testname."""

    async def failed_tests(self) -> Sequence[FailedTest] | None:
        """Return the tests that the job is limited to; None unless failed ones are rerun."""

    async def identity_token(self, claims: Mapping[str, object], root_issuer: bool) -> Secret:
        """Return a fresh token.  A DomainError says what cannot be."""

    async def log_release(self, release: Release) -> None:
        """Keep what was deployed.  A DomainError says what cannot be."""


Hide: TypeAlias = Callable[[Secret], None]
"""Takes a secret that the job is about to learn."""


class _Mistake(Exception):
    """What the user wrote cannot be; `str()` says why."""


async def answer_questions(sandbox: Sandbox, source: Source, hide: Hide) -> None:
    """Answer what is asked in the sandbox, one question after another, until cancelled."""
    folder = sandbox.put("questions")[0].parent
    number = 0
    while True:
        await answer_question(folder, await sandbox.question(number), source, hide)
        number += 1


async def answer_question(folder: Path, name: str, source: Source, hide: Hide) -> bool:
    """Answer one question in the job folder; False if there is none that can be answered.

    May be said twice: an answer that did not arrive is given again.
    """
    if _ID.fullmatch(name) is None:
        return False
    text = _read(folder / f"{name}.question")
    if text is None:
        return False
    answer = await reply(text, source)
    if answer.secret is not None:
        hide(answer.secret)
    _write(folder / f"{name}.notes", answer.notes)
    _write(folder / f"{name}.answer", answer.out)
    return _ring(folder / f"{name}.bell", f"{answer.code}\n".encode())


async def reply(text: str, source: Source) -> Answer:
    """Return the answer to the text of a question."""
    head, _, body = text.partition("\n\n")
    verb, flags = "", {}
    for line in head.splitlines():
        key, space, value = line.partition(" ")
        if space:
            flags[key] = value
        else:
            verb = key
    try:
        if verb in ("split", "run"):
            failed = await source.failed_tests() if verb == "run" else None
            share = await _split(flags, body, source, failed)
            return Answer(
                out="".join(f"{item}\n" for item in share.items),
                notes="".join(f"{note}\n" for note in share.notes),
            )
        if verb == "oidc":
            return await _token(flags, body, source)
        if verb == "release":
            return await _release(flags, source)
    except (_Mistake, DomainError) as mistake:
        return Answer(notes=f"circleci: {mistake}\n", code=1)
    return Answer(notes="circleci: the runner does not know this question\n", code=1)


async def _token(flags: Mapping[str, str], body: str, source: Source) -> Answer:
    claims: object = {}
    if body.strip():
        try:
            claims = json.loads(body)
        except (ValueError, RecursionError):
            claims = None
    if not isinstance(claims, dict):
        raise _Mistake(f"--claims must be a JSON object such as {_CLAIMS}, it is {body[:200]}")
    token = await source.identity_token(claims, flags.get("root-issuer") == "true")
    return Answer(out=f"{token}\n", secret=token)


async def _release(flags: Mapping[str, str], source: Source) -> Answer:
    deed = flags.get("deed", ReleaseDeed.LOG)
    if deed not in ReleaseDeed.__members__.values():
        raise _Mistake(f"run release {deed[:40]} is not known to the runner")
    release = Release(
        deed=ReleaseDeed(deed),
        plan=flags.get("plan", ""),
        status=flags.get("status", ""),
        reason=flags.get("failure-reason", ""),
        component=flags.get("component-name", ""),
        environment=flags.get("environment-name", ""),
        version=flags.get("target-version", ""),
        namespace=flags.get("namespace", ""),
    )
    release.check()
    await source.log_release(release)
    what = f"{release.component} {release.version} in {release.environment}"
    match release.deed:
        case ReleaseDeed.LOG:
            return Answer(out=f"Logged {what}.\n")
        case ReleaseDeed.PLAN:
            return Answer(out=f"Planned {release.plan}: {what}.\n")
        case ReleaseDeed.UPDATE:
            return Answer(out=f"Updated {release.plan}: {release.status.upper()}.\n")


async def _split(
    flags: Mapping[str, str], body: str, source: Source, failed: Sequence[FailedTest] | None
) -> Share:
    index = _whole("index", flags.get("index", flags.get("node-index", "0")))
    total = _whole("total", flags.get("total", flags.get("node-total", "1")))
    if not 0 < total <= MAX_NODES:
        raise _Mistake(f"--total must be from 1 to {MAX_NODES}, it is {total}")
    if index >= total:
        raise _Mistake(f"--index must be less than --total, it is {index} of {total}")
    listed, _, sizes = body.partition("\n\n")
    given = [line for line in listed.split("\n") if line]
    wanted = only_failed(given, failed)
    items = wanted.items
    word = flags.get("split-by", "name")
    if word not in SplitBy.__members__.values():
        raise _Mistake(f'--split-by must be name, filesize or timings, it is "{word}"')
    match SplitBy(word):
        case SplitBy.NAME:
            share = by_name(items, index, total)
        case SplitBy.FILESIZE:
            share = by_size(items, _sizes(sizes), index, total)
        case SplitBy.TIMINGS:
            share = await _by_timings(items, flags, source, index, total)
    notes = (*wanted.notes, *share.notes)
    if flags.get("show-counts") == "true":
        notes += (f"{len(share.items)} of {len(items)} tests for node {index} of {total}",)
    return Share(items=share.items, notes=notes)


async def _by_timings(
    items: Sequence[str], flags: Mapping[str, str], source: Source, index: int, total: int
) -> Share:
    wanted = list(TimingsType)
    if word := flags.get("timings-type"):
        kind = timings_type(word)
        if kind is None:
            raise _Mistake(f'--timings-type must be file, classname or testname, it is "{word}"')
        wanted = [kind]
    default = flags.get("time-default")
    found = {kind: await source.timings(kind.value) for kind in wanted}
    return by_timings(
        items, found, index, total, default=None if default is None else _seconds(default)
    )


def _whole(flag: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise _Mistake(f'--{flag} must be a whole number, it is "{text}"')
    return int(text)


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise _Mistake(f'--time-default must be a time such as 10s, it is "{text}"')
    return float(match[1]) * _UNIT_SECONDS[match[2]]


def _sizes(text: str) -> dict[str, int]:
    """Return what `wc -c` printed; its sums are named `total` and do no harm."""
    lines = (_SIZE.fullmatch(line) for line in text.split("\n"))
    return {match[2]: int(match[1]) for match in lines if match}


def _read(path: Path) -> str | None:
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_size > QUESTION_BYTES:
            return None
        return file.read(QUESTION_BYTES).decode("utf-8", "surrogateescape")


def _write(path: Path, text: str) -> None:
    # Removed first: what lies there under this name may be a link that the job has made.
    with contextlib.suppress(OSError):
        path.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError:  # the job was faster in putting something there: then it has no answer
        return
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o644)
        file.write(text.encode("utf-8", "surrogateescape"))


def _ring(path: Path, code: bytes) -> bool:
    try:
        descriptor = open_fifo(path, os.O_WRONLY)
    except OSError:  # nobody holds it open any more
        return False
    try:
        os.write(descriptor, code)
    except OSError:  # full: whoever filled it does not want to know
        return False
    finally:
        os.close(descriptor)
    return True
