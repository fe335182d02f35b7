"""Cucumber's JSON: features with elements with steps; an element is a test."""

from collections.abc import Callable

import msgspec

from roundel.domain.storage import TestResult

# JSON cannot be read in part; a feature of a thousand scenarios takes about 3 MB.
FILE_LIMIT = 64 * 1024 * 1024
MESSAGE_LIMIT = 32 * 1024
_TEXT_LIMIT = 2000
_NANOSECONDS = 1_000_000_000

_SKIPPED = frozenset({"skipped", "pending", "undefined"})


class _Outcome(msgspec.Struct):
    status: str = "passed"
    duration: int | float = 0  # in nanoseconds
    error_message: str = ""


class _Step(msgspec.Struct):
    result: _Outcome = msgspec.field(default_factory=_Outcome)


class _Element(msgspec.Struct):
    name: str = ""
    type: str = "scenario"
    before: list[_Step] = msgspec.field(default_factory=list)
    steps: list[_Step] = msgspec.field(default_factory=list)
    after: list[_Step] = msgspec.field(default_factory=list)


class _Feature(msgspec.Struct):
    name: str = ""
    uri: str | None = None
    elements: list[_Element] = msgspec.field(default_factory=list)


_decoder = msgspec.json.Decoder(list[_Feature])


class CucumberReport:
    """Collects a file and reads it at its end."""

    def __init__(self, add: Callable[[TestResult], bool]) -> None:
        self._add = add
        self._data = bytearray()

    def feed(self, data: bytes) -> str | None:
        """Take the next bytes; return what is wrong."""
        self._data += data
        if len(self._data) > FILE_LIMIT:
            return f"it is longer than {FILE_LIMIT // (1024 * 1024)} MiB"
        return None

    def finish(self) -> str | None:
        """The file has ended; return what is wrong with it."""
        data = bytes(self._data).removeprefix(b"\xef\xbb\xbf")
        try:
            features = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return f"line {_line_of(error, data)}: not Cucumber's JSON: {error}"
        for feature in features:
            background: list[_Step] = []
            for element in feature.elements:
                if element.type == "background":
                    background = element.steps
                    continue
                if not self._add(_result(feature, element, background)):
                    return "there are too many results in this step"
                background = []
        return None


def _result(feature: _Feature, element: _Element, background: list[_Step]) -> TestResult:
    steps = [step.result for step in [*element.before, *background, *element.steps, *element.after]]
    statuses = {step.status for step in steps}
    if "failed" in statuses or "ambiguous" in statuses:
        outcome = "failure"
    elif statuses & _SKIPPED:
        outcome = "skipped"
    else:
        outcome = "success"
    messages = "\n".join(step.error_message for step in steps if step.error_message)
    return TestResult(
        name=element.name[:_TEXT_LIMIT],
        classname=feature.name[:_TEXT_LIMIT],
        file=feature.uri[:_TEXT_LIMIT] if feature.uri else None,
        result=outcome,
        run_time=max(0.0, sum(step.duration for step in steps) / _NANOSECONDS),
        message=messages[:MESSAGE_LIMIT],
        source="cucumber",
    )


def _line_of(error: Exception, data: bytes) -> int:
    """Return the line of the byte that msgspec names, 1 where it names none."""
    _, found, position = str(error).rpartition("(byte ")
    if not found or not position.rstrip(")").isdigit():
        return 1
    return data.count(b"\n", 0, int(position.rstrip(")"))) + 1
