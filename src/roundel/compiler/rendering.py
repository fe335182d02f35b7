"""Problems for machines: JSON, and SARIF for editors and code hosts."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from roundel.compiler.report import Problem, Severity
from roundel.domain.plan import Json


def problems_json(problems: Sequence[Problem]) -> list[Json]:
    """Return problems as plain data."""
    return [_problem(problem) for problem in problems]


def _problem(problem: Problem) -> Json:
    place = problem.place
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "lines": [*problem.lines],
        "file": place.file if place is not None else None,
        "line": place.line if place is not None else None,
        "column": place.column if place is not None else None,
        "hint": problem.hint,
    }


def error_lines(problems: Sequence[Problem]) -> list[str]:
    """Return the lines of all errors one by one, as the API's `errors` has them."""
    return [
        line for problem in problems if problem.severity is Severity.ERROR for line in problem.lines
    ]


def problems_sarif(problems: Sequence[Problem], *, version: str = "0") -> dict[str, Json]:
    """Return problems as a SARIF 2.1.0 log."""
    codes = sorted({problem.code for problem in problems})
    driver: dict[str, Json] = {
        "name": "roundel",
        "version": version,
        "rules": [{"id": code} for code in codes],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem) for problem in problems],
            }
        ],
    }


def _result(problem: Problem) -> Json:
    text = problem.message if problem.hint is None else f"{problem.message}\n{problem.hint}"
    result: dict[str, Json] = {
        "ruleId": problem.code,
        "level": problem.severity.value,
        "message": {"text": text},
    }
    place = problem.place
    if place is not None:
        result["locations"] = [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(place.file, safe="/@")},
                    "region": {"startLine": place.line, "startColumn": place.column},
                }
            }
        ]
    return result
