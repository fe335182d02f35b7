"""The shape of a workflow's `triggers:`: schedules with a cron expression and a branch filter."""

from __future__ import annotations

import re

from roundel.compiler.report import nearest
from roundel.compiler.tree import Map, Node, Seq, text_of, type_word
from roundel.compiler.violations import Violation, extraneous, missing, wrong_type

_Path = tuple[str, ...]

_KEYS = ("cron", "filters")

_NUMBER = r"(?:[0-9]{1,2}|[A-Za-z]{3})"
_FIELD = re.compile(rf"(?:\*|{_NUMBER}(?:-{_NUMBER})?)(?:/[0-9]{{1,2}})?")


def trigger_violations(path: _Path, node: Node, holder: Map) -> list[Violation]:
    """Return what is wrong with a `triggers:` key."""
    if not isinstance(node, Seq):
        return [wrong_type(path, "Sequence", type_word(node), holder.value_spot("triggers"))]
    found: list[Violation] = []
    for index, trigger in enumerate(node):
        at = (*path, str(index))
        schedule = trigger.get("schedule") if isinstance(trigger, Map) else None
        if isinstance(schedule, Map):
            found += _schedule_violations((*at, "schedule"), schedule)
        else:
            found.append(missing(at, "schedule", node.item_spot(index)))
    return found


def _schedule_violations(path: _Path, schedule: Map) -> list[Violation]:
    found = [
        extraneous(path, key, _KEYS, schedule.key_spot(key), nearest(key, _KEYS))
        for key in schedule
        if key not in _KEYS
    ]
    cron = schedule.get("cron")
    if cron is None:
        found.append(missing(path, "cron", schedule.spot()))
    elif not isinstance(cron, str) or ("<<" not in cron and not is_cron(cron)):
        found.append(
            Violation(
                (*path, "cron"),
                f"{text_of(cron)} is not a valid cron expression",
                schedule.value_spot("cron"),
                hint="five fields: minute, hour, day of month, month, day of week",
            )
        )
    filters = schedule.get("filters")
    if not isinstance(filters, Map) or "branches" not in filters:
        place = schedule.value_spot("filters") if "filters" in schedule else schedule.spot()
        key = "branches" if "filters" in schedule else "filters"
        hint = "a schedule says for which branches it runs"
        found.append(missing((*path, "filters") if key == "branches" else path, key, place, hint))
    return found


def is_cron(text: str) -> bool:
    """Tell whether a text has the five fields of a cron expression.

    Steps and ranges in lists are let through, though CircleCI knows neither.
    """
    fields = text.split()
    return len(fields) == 5 and all(
        _FIELD.fullmatch(part) is not None for field in fields for part in field.split(",")
    )
