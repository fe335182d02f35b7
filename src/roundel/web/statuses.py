"""How statuses are shown: a tone, which has a colour and a sign of its own, and a word."""

import re
from collections.abc import Sequence
from enum import StrEnum

from roundel.domain.pipelines import PipelineError

# Each tone has its colour in the style sheet and its sign in `_signs.html`: never colour alone.
OK, BAD, RUN, HOLD, WAIT, OFF = "ok", "bad", "run", "hold", "wait", "off"
TONES = (OK, BAD, RUN, HOLD, WAIT, OFF)

_TONES = {
    "success": OK,
    "failed": BAD,
    "failing": BAD,
    "error": BAD,
    "errored": BAD,
    "timedout": BAD,
    "infrastructure_fail": BAD,
    "terminated-unknown": BAD,
    "unauthorized": BAD,
    "failure": BAD,
    "running": RUN,
    "setup": RUN,
    "on_hold": HOLD,
    "needs_setup": HOLD,
    "pending": WAIT,
    "setup-pending": WAIT,
    "queued": WAIT,
    "not_running": WAIT,
    "claimed": WAIT,
    "blocked": OFF,
    "canceled": OFF,
    "not_run": OFF,
    "retried": OFF,
    "skipped": OFF,
    "created": OK,
}

_LABELS = {
    "on_hold": "needs approval",
    "not_run": "not run",
    "not_running": "preparing",
    "claimed": "preparing",
    "timedout": "timed out",
    "infrastructure_fail": "infrastructure fail",
    "terminated-unknown": "lost",
    "errored": "config error",
    "blocked": "waits for others",
    "setup-pending": "setup pending",
}


_BRANCH = re.compile(r"^[|\s]*(?:\d+\.\s+)?")  # of a tree of errors, before its words
_MERELY_COUNTS = re.compile(r"\d+ (?:subschemas? match|schema violations? found)")


def headline(errors: Sequence[PipelineError]) -> str:
    """Return the line that says most of what is wrong with a config."""
    lines = [_BRANCH.sub("", line) for error in errors for line in error.message.split("\n")]
    lines = [line.strip() for line in lines]
    telling = [line for line in lines if line and not line.endswith(":") and line[:3] != "-->"]
    # That nothing matched only leads to what did not, which stands below it.
    exact = [line for line in telling if not _MERELY_COUNTS.search(line)]
    return next(iter((*exact, *telling, *lines)), "")


def tone_of(status: StrEnum | str) -> str:
    """Return the tone of a status of a pipeline, workflow, job, node, step or test."""
    return _TONES.get(str(status), OFF)


def label_of(status: StrEnum | str) -> str:
    """Return the word that people read for a status."""
    return _LABELS.get(str(status), str(status))
