"""JUnit XML as tools really write it, read as a stream.

Nested suites, a file or a class named on the suite only, times with thousands separators, control
characters that XML forbids, namespaces.  Document types are refused: with them come entities, and
with entities bombs and files of other people.
"""

import re
from collections.abc import Callable
from xml.parsers import expat

from roundel.domain.storage import TestResult

MESSAGE_LIMIT = 32 * 1024  # characters of one failure that are kept
_TEXT_LIMIT = 2000  # of a name, a class name or a path
_DEPTH = 64
_LINE_DIGITS = 7
_PIECE = 64 * 1024  # the refusal of a piece comes before the next is looked at
_TOKEN_LIMIT = 4 * 1024 * 1024  # expat keeps a tag with all its attributes in memory

# XML 1.0 forbids these even as text, and colours in the output of tests bring them along.
_FORBIDDEN = bytes(code for code in range(32) if code not in (9, 10, 13))
_CLEAN = bytes.maketrans(_FORBIDDEN, b"?" * len(_FORBIDDEN))
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0")

_OUTCOMES = {
    "failure": "failure",
    "error": "error",
    "skipped": "skipped",
    "ignored": "skipped",
    "disabled": "skipped",
}
_NOT_RUN = frozenset({"notrun", "skipped", "ignored", "disabled", "suppressed"})
_RANK = {"success": 0, "skipped": 1, "failure": 2, "error": 3}
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?")
_TOOLS = ("pytest", "jest", "mocha", "rspec", "phpunit", "nunit", "xunit", "cypress", "playwright")

Attributes = dict[str, str]


class _Refused(Exception):
    """What the document has must not be read."""


class JunitReport:
    """Feeds results to `add` as they come; `add` says whether there is room for more."""

    def __init__(self, add: Callable[[TestResult], bool]) -> None:
        self._add = add
        self._encoded_in_bytes: bool | None = None
        self._suites: list[tuple[str, str | None, str]] = []  # name, file, tool
        self._case: Attributes | None = None
        self._outcome = "success"
        self._texts: list[str] = []
        self._text_left = 0
        self._collecting = False
        self._depth = 0
        self._fed = 0
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.EntityDeclHandler = _refuse_doctype
        self._parser = parser

    def feed(self, data: bytes) -> str | None:
        """Take the next bytes; return what is wrong."""
        if self._encoded_in_bytes is None and data:
            self._encoded_in_bytes = not data.startswith(_UTF16)
        if self._encoded_in_bytes:
            data = data.translate(_CLEAN)
        for at in range(0, len(data), _PIECE):
            if wrong := self._parse(data[at : at + _PIECE], final=False):
                return wrong
        return None

    def finish(self) -> str | None:
        """The file has ended; return what is wrong with it."""
        return self._parse(b"", final=True)

    def _parse(self, data: bytes, *, final: bool) -> str | None:
        self._fed += len(data)
        try:
            self._parser.Parse(data, final)
            if self._fed - self._parser.CurrentByteIndex > _TOKEN_LIMIT:
                raise _Refused(f"a tag is longer than {_TOKEN_LIMIT // (1024 * 1024)} MiB")
        except expat.ExpatError as error:
            return f"line {error.lineno}: {expat.ErrorString(error.code)}"
        except _Refused as refused:
            return f"line {self._parser.CurrentLineNumber}: {refused}"
        except (LookupError, ValueError):
            return "line 1: its encoding is not known"
        return None

    def _start(self, tag: str, attributes: Attributes) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise _Refused(f"elements are nested more than {_DEPTH} deep")
        tag = tag.rpartition(":")[2]
        if self._case is not None:
            if outcome := _OUTCOMES.get(tag):
                self._judge(outcome, attributes)
        elif tag == "testcase":
            self._case = attributes
            self._outcome = "success"
        elif tag in ("testsuite", "testsuites"):
            self._suites.append(self._suite(attributes))
        elif self._depth == 1:
            raise _Refused(f"<{tag}> is not the root of a JUnit report")

    def _end(self, tag: str) -> None:
        self._depth -= 1
        tag = tag.rpartition(":")[2]
        if self._collecting and tag in _OUTCOMES:
            self._collect_no_more()
        elif tag == "testcase" and self._case is not None:
            self._hand_on(self._case)
            self._case = None
        elif tag in ("testsuite", "testsuites") and self._suites and self._case is None:
            self._suites.pop()

    def _suite(self, attributes: Attributes) -> tuple[str, str | None, str]:
        _, file, tool = self._suites[-1] if self._suites else ("", None, "unknown")
        name = attributes.get("name", "")
        file = attributes.get("file") or attributes.get("filepath") or file
        lowered = name.lower()
        tool = next((known for known in _TOOLS if known in lowered), tool)
        return name, file, tool

    def _judge(self, outcome: str, attributes: Attributes) -> None:
        if _RANK[outcome] > _RANK[self._outcome]:
            self._outcome = outcome
        self._text_left = MESSAGE_LIMIT
        if message := attributes.get("message"):
            self._text(message)
        self._collecting = True
        self._parser.CharacterDataHandler = self._text

    def _text(self, text: str) -> None:
        if self._text_left > 0:
            self._texts.append(text[: self._text_left])
            self._text_left -= len(text)

    def _collect_no_more(self) -> None:
        # The message is often the beginning of the text: then the text alone says it all.
        if len(self._texts) > 1:
            first, rest = self._texts[0], "".join(self._texts[1:])
            joined = rest if rest.lstrip().startswith(first) else f"{first}\n{rest}"
            self._texts = [joined]
        self._collecting = False
        self._parser.CharacterDataHandler = None

    def _hand_on(self, case: Attributes) -> None:
        suite, file, tool = self._suites[-1] if self._suites else ("", None, "unknown")
        outcome = self._outcome
        stated = (case.get("status") or case.get("result") or "").lower()
        if outcome == "success" and stated in _NOT_RUN:
            outcome = "skipped"
        file = case.get("file") or case.get("filepath") or file
        result = TestResult(
            name=case.get("name", "")[:_TEXT_LIMIT],
            classname=(case.get("classname") or case.get("class") or suite)[:_TEXT_LIMIT],
            file=file[:_TEXT_LIMIT] if file else None,
            result=outcome,
            run_time=_seconds(case.get("time")),
            message="".join(self._texts).strip() if self._texts else "",
            source=tool,
            line=_line(case.get("line"), tool),
        )
        self._texts = []
        if not self._add(result):
            raise _Refused("there are too many results in this step")


def _refuse_doctype(*_: object) -> None:
    raise _Refused("document types and entities are not allowed in a report")


def _line(text: str | None, tool: str) -> int | None:
    """Return the line of a test; pytest alone counts them from 0."""
    if not text or len(text) > _LINE_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return (int(text) + (tool == "pytest")) or None


def _seconds(text: str | None) -> float:
    """Return a time as tools write it: `0.5`, `1,234.5`, `1e-05`, nothing, or nonsense."""
    if not text:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        found = _NUMBER.match(text.strip().replace(",", ""))
        value = float(found[0]) if found else 0.0
    return value if 0.0 <= value < 1e9 else 0.0
