"""Problems: what is wrong with a config, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from roundel.domain.plan import Place
from roundel.domain.records import dataclass

if TYPE_CHECKING:
    from roundel.compiler.tree import Spot

MOST_PROBLEMS = 200  # more than anyone reads; the rest is counted


class Severity(StrEnum):
    """An error keeps a config from running; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem.  `message` is in CircleCI's words and may have several lines."""

    code: str
    severity: Severity
    message: str
    place: Place | None = None
    hint: str | None = None
    source_line: str = ""

    @property
    def lines(self) -> list[str]:
        """The lines of the message, as the API's `errors` has them one by one."""
        return self.message.split("\n")


def render_problem(problem: Problem) -> str:
    """Return a problem for people: the known lines verbatim, then place, source and hint."""
    where = render_place(problem)
    return f"{problem.message}\n{where}" if where else problem.message


def render_place(problem: Problem) -> str:
    """Return where a problem is, with the source line and a caret, and its hint; may be empty."""
    parts = []
    if problem.place is not None:
        place = problem.place
        parts.append(f"  --> {place.file}:{place.line}:{place.column}")
        if problem.source_line:
            number = str(place.line)
            margin = " " * len(number)
            shown, column = _window(problem.source_line, place.column)
            parts.append(f"{number} | {shown}")
            parts.append(f"{margin} | {' ' * (column - 1)}^")
    if problem.hint is not None:
        parts.append(f"  hint: {problem.hint}")
    return "\n".join(parts)


WIDEST_LINE = 160  # characters of a source line that are shown


def _window(line: str, column: int) -> tuple[str, int]:
    """Return the part of a line around a column, and the column in it."""
    line = line.replace("\t", " ")
    if len(line) <= WIDEST_LINE:
        return line, column
    start = max(0, min(column - WIDEST_LINE // 2, len(line) - WIDEST_LINE))
    return line[start : start + WIDEST_LINE], column - start


MOST_KNOWN = 2_000  # known words that are looked through for a hint
MOST_SIMILAR = 60  # of them that are compared closely
MOST_HINTS = 60  # problems of one compilation for which a hint is looked for


class Hint:
    """A hint that is looked for only if its problem is shown: looking takes time."""

    __slots__ = ("known", "otherwise", "word")

    def __init__(self, word: str, known: Iterable[str], otherwise: str | None) -> None:
        self.word = word
        self.known = known
        self.otherwise = otherwise

    def text(self) -> str | None:
        """Return the hint, None if there is nothing to say."""
        word = self.word
        if len(word) > 80:
            return self.otherwise
        slack = max(2, len(word) // 3)
        letters = set(word)
        candidates = [
            other
            for other in islice(self.known, MOST_KNOWN)
            if abs(len(other) - len(word)) <= slack
            and len(letters.intersection(other)) * 2 >= len(letters)
        ]
        import difflib  # only here, since it is slow to import

        close = difflib.get_close_matches(word, candidates[:MOST_SIMILAR], n=1, cutoff=0.6)
        return f"did you mean `{close[0]}`?" if close else self.otherwise


class FirstHint(Hint):
    """The first of several hints that has something to say."""

    __slots__ = ("hints",)

    def __init__(self, hints: Iterable[Hint | str | None]) -> None:
        super().__init__("", (), None)
        self.hints = list(hints)

    def text(self) -> str | None:
        """Return the hint, None if none of them says anything."""
        for hint in self.hints:
            found = hint.text() if isinstance(hint, Hint) else hint
            if found is not None:
                return found
        return None


class Report:
    """Collects the problems of one compilation; the same problem is kept once."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._seen: set[object] = set()
        self._hints = 0
        self.errors = 0
        self.left_out = 0

    def error(
        self,
        code: str,
        message: str,
        spot: Spot | None = None,
        *,
        context: Iterable[str] = (),
        hint: Hint | str | None = None,
    ) -> None:
        """Report an error; `context` has the lines `Error calling …`, outermost first."""
        self._add(Severity.ERROR, code, message, spot, tuple(context), hint)

    def warning(
        self, code: str, message: str, spot: Spot | None = None, *, hint: Hint | str | None = None
    ) -> None:
        """Report something that is allowed and likely a mistake."""
        self._add(Severity.WARNING, code, message, spot, (), hint)

    def _add(
        self,
        severity: Severity,
        code: str,
        message: str,
        spot: Spot | None,
        context: tuple[str, ...],
        hint: Hint | str | None,
    ) -> None:
        if severity is Severity.ERROR:
            self.errors += 1
        same = (code, message, spot.key() if spot is not None else context)
        if same in self._seen:
            return
        self._seen.add(same)
        if len(self._problems) >= MOST_PROBLEMS:
            self.left_out += 1
            return
        place = spot.place() if spot is not None else None
        source_line = spot.doc.line(place.line) if spot is not None and place is not None else ""
        self._problems.append(
            Problem(
                code=code,
                severity=severity,
                message="\n".join((*context, message)),
                place=place,
                hint=self._told(hint),
                source_line=source_line,
            )
        )

    def _told(self, hint: Hint | str | None) -> str | None:
        if not isinstance(hint, Hint):
            return hint
        self._hints += 1
        return hint.text() if self._hints <= MOST_HINTS else None

    def problems(self) -> tuple[Problem, ...]:
        """Return all problems, errors first."""
        found = sorted(self._problems, key=lambda p: p.severity is not Severity.ERROR)
        if self.left_out:
            more = f"{self.left_out} more problems are not shown."
            found.append(Problem(code="more", severity=Severity.WARNING, message=more))
        return tuple(found)


def nearest(word: str, known: Iterable[str], otherwise: str | None = None) -> Hint:
    """Return a hint with the known word that is most like `word`; `otherwise` if none is."""
    return Hint(word, known, otherwise)
