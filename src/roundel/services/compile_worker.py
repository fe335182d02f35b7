"""The compile worker: frames of JSON in, frames of JSON out, until its input ends.

It has no files and no network of its own to speak of: for orbs it asks back.
"""

import resource
import signal
import sys
import traceback
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from roundel.domain.plan import Json

if TYPE_CHECKING:
    from roundel.compiler import ResolvedOrb

MEMORY_BYTES = 1024**3  # address space; a config of a thousand jobs needs about 150 MB
ALARM_SECONDS = 120  # a worker whose server is gone must not compute for ever
LENGTH_BYTES = 4
NO_PLAN = b"null"  # an empty `Raw` would be written as nothing at all, which is no JSON


class Question(msgspec.Struct):
    """What to compile."""

    text: str
    file: str
    parameters: dict[str, Json]
    values: dict[str, Json]
    process: bool = False
    optional: dict[str, Json] = {}


class Locked(msgspec.Struct):
    """What a reference of the config meant."""

    written: str
    exact: str
    digest: str


class Answer(msgspec.Struct, tag="answer"):
    """What came of it; a `plan` of null is none.  Each error is one problem.

    `crash` is a trace back of ours, for our log and nobody else.
    """

    output: str = ""
    plan: msgspec.Raw = msgspec.Raw(NO_PLAN)
    errors: list[tuple[str, str]] = []  # the message, and where it is
    orbs: list[Locked] = []
    crash: str | None = None


class OrbWanted(msgspec.Struct, tag="orb"):
    """A question back: what does this reference mean?  `OrbGiven` answers it."""

    reference: str


class OrbGiven(msgspec.Struct):
    """An orb, or why it cannot be used; with neither, there is none."""

    reference: str = ""
    text: str | None = None
    digest: str = ""
    refusal: str | None = None


def main() -> None:
    """Answer questions on standard input until it ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    questions = msgspec.json.Decoder(Question)
    encoder = msgspec.json.Encoder()
    while (frame := _read_frame(source)) is not None:
        signal.alarm(ALARM_SECONDS)
        answer = encoder.encode(_answer(questions.decode(frame), _AskingOrbs(source, sink)))
        signal.alarm(0)
        _write_frame(sink, answer)


class _AskingOrbs:
    """The compiler's source of orbs: asks the server, which may read and fetch what we may not."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink

    def resolve(self, reference: str) -> "ResolvedOrb | None":
        from roundel.compiler import OrbRefused, ResolvedOrb

        _write_frame(self._sink, msgspec.json.encode(OrbWanted(reference)))
        frame = _read_frame(self._source)
        if frame is None:
            raise EOFError("the server is gone")
        given = msgspec.json.decode(frame, type=OrbGiven)
        if given.refusal is not None:
            raise OrbRefused(given.refusal)
        if given.text is None:
            return None
        return ResolvedOrb(reference=given.reference, text=given.text, digest=given.digest)


def _write_frame(sink: BinaryIO, frame: bytes) -> None:
    sink.write(len(frame).to_bytes(LENGTH_BYTES) + frame)
    sink.flush()


def _read_frame(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    return source.read(int.from_bytes(head))


def _answer(question: Question, orbs: _AskingOrbs) -> Answer:
    from roundel.compiler import Options, compile_config, render_place, with_source

    try:
        compiled = compile_config(
            question.text,
            file=question.file,
            parameters=question.parameters,
            values=question.values,
            orbs=orbs,
            options=Options(process=question.process, optional=question.optional),
        )
    except (MemoryError, EOFError):
        raise  # nothing sure can be said any more: end, and let the server say so
    except Exception:
        return Answer(crash=traceback.format_exc(limit=-8))
    errors = [(problem.message, render_place(problem)) for problem in compiled.errors]
    plan = msgspec.Raw(NO_PLAN)
    if compiled.plan is not None:
        plan = msgspec.Raw(msgspec.json.encode(compiled.plan))
    output = compiled.output or ""
    if question.process and output:
        output = with_source(output, question.text)
    locked = [Locked(orb.written, orb.exact, orb.digest) for orb in compiled.orb_lock]
    return Answer(output=output, plan=plan, errors=errors, orbs=locked)
