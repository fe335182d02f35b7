"""Which file is a report of which kind, and what all of them say together."""

from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from roundel.domain.records import dataclass
from roundel.domain.storage import TestResult
from roundel.runner.reports.cucumber import CucumberReport
from roundel.runner.reports.junit import JunitReport

MAX_RESULTS = 250_000  # of one step, in memory together
_WARNINGS_KEPT = 50


class Report(Protocol):
    """A parser that is fed a file.  What it finds it hands on at once."""

    def feed(self, data: bytes) -> str | None:
        """Take the next bytes; return what is wrong with the file, after which it takes no more."""

    def finish(self) -> str | None:
        """The file has ended; return what is wrong with it."""


@dataclass(slots=True)
class Collected:
    """All results of a step, with a warning for each file that could not be read to its end."""

    results: list[TestResult] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: int = 0
    broken: int = 0

    def open(self, path: str) -> "ReportFile | None":
        """Return where to feed a file into; None if by its name it is no report."""
        kind = _kind(path)
        if kind is None:
            return None
        self.files += 1
        return ReportFile(self, path, kind(self._add))

    def warn(self, warning: str) -> None:
        """Note a warning; only the first few are kept."""
        self.broken += 1
        if len(self.warnings) < _WARNINGS_KEPT:
            self.warnings.append(warning)

    def _add(self, result: TestResult) -> bool:
        """Keep a result; False once there are too many."""
        if len(self.results) >= MAX_RESULTS:
            return False
        self.results.append(result)
        return True


class ReportFile:
    """One report on its way.  A broken one is a warning that names the file and the line."""

    def __init__(self, collected: Collected, path: str, report: Report) -> None:
        self._collected = collected
        self._path = path
        self._report: Report | None = report

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._report is not None:
            self._judge(self._report.feed(data))

    def finish(self) -> None:
        """The file has ended."""
        if self._report is not None:
            self._judge(self._report.finish())
            self._report = None

    def _judge(self, wrong: str | None) -> None:
        if wrong is not None:
            self._collected.warn(f"{self._path}: {wrong}")
            self._report = None


def _kind(path: str) -> Callable[[Callable[[TestResult], bool]], Report] | None:
    name = path.lower()
    if name.endswith(".xml"):
        return JunitReport
    if name.endswith((".json", ".cucumber")):
        return CucumberReport
    return None
