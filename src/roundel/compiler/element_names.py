"""The names that elements of a config can have."""

from __future__ import annotations

import re

from roundel.compiler.report import Report
from roundel.compiler.tree import Map
from roundel.compiler.violations import Violation, report_violations

# Commands, executors and parameters; jobs and job groups.
_ELEMENT_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")
_JOB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9\s_-]*\Z")
_ELEMENT_RULE = "lowercase letters, digits, `_` and `-`, beginning with a letter"
_JOB_RULE = "letters, digits, spaces, `_` and `-`, beginning with a letter"


def check_element_name(section: str, name: str, holder: Map, report: Report) -> None:
    """Report a name that no command or executor can have."""
    if _ELEMENT_NAME.match(name) is None:
        path = (section,)
        text = f"extraneous key [{name}] is not permitted"
        hint = f"names of {section} are {_ELEMENT_RULE}"
        found = [Violation(path, text, holder.key_spot(name), (), hint)]
        report_violations(found, path, report)


def warn_of_name(section: str, name: str, holder: Map, report: Report) -> None:
    """Warn of a job's or parameter's name that CircleCI may refuse, though real configs have it."""
    pattern, rule = (
        (_ELEMENT_NAME, _ELEMENT_RULE) if section == "parameters" else (_JOB_NAME, _JOB_RULE)
    )
    if pattern.match(name) is None:
        message = f"The name '{name}' in {section} is outside of what is documented."
        hint = f"names of {section} are {rule}"
        report.warning("element-name", message, holder.key_spot(name), hint=hint)
