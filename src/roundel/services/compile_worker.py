"""The compile worker: frames of JSON in, frames of JSON out, until its input ends."""

import resource
import signal
import sys
import traceback
from typing import BinaryIO

import msgspec

from roundel.domain.plan import Json

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


class Answer(msgspec.Struct):
    """What came of it; a `plan` of null is none.

    `crash` is a trace back of ours, for our log and nobody else.
    """

    output: str = ""
    plan: msgspec.Raw = msgspec.Raw(NO_PLAN)
    errors: list[str] = []
    crash: str | None = None


def main() -> None:
    """Answer questions on standard input until it ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    questions = msgspec.json.Decoder(Question)
    encoder = msgspec.json.Encoder()
    while (frame := _read_frame(source)) is not None:
        signal.alarm(ALARM_SECONDS)
        answer = encoder.encode(_answer(questions.decode(frame)))
        signal.alarm(0)
        sink.write(len(answer).to_bytes(LENGTH_BYTES) + answer)
        sink.flush()


def _read_frame(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    return source.read(int.from_bytes(head))


def _answer(question: Question) -> Answer:
    from roundel.compiler import Options, compile_config

    try:
        compiled = compile_config(
            question.text,
            file=question.file,
            parameters=question.parameters,
            values=question.values,
            options=Options(process=question.process, optional=question.optional),
        )
    except MemoryError:
        raise  # nothing sure can be said any more: end, and let the server say so
    except Exception:
        return Answer(crash=traceback.format_exc(limit=-8))
    errors = [line for problem in compiled.errors for line in problem.lines]
    plan = msgspec.Raw(NO_PLAN)
    if compiled.plan is not None:
        plan = msgspec.Raw(msgspec.json.encode(compiled.plan))
    return Answer(output=compiled.output or "", plan=plan, errors=errors)
