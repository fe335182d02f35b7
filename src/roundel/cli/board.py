"""What the live view of a run knows: the jobs as a tree, how they stand, what they have said."""

from collections import deque
from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from roundel.cli.ansi import tamed
from roundel.cli.palette import SET_UP
from roundel.domain.records import dataclass

if TYPE_CHECKING:
    from roundel.app.local_events import Event, JobStands, Summary, Task, WorkflowStands

KEPT_LINES = 5000  # of one job; its log file has all
ENDED = frozenset(
    {
        "success",
        "failed",
        "error",
        "canceled",
        "not_run",
        "infrastructure_fail",
        "timedout",
        "unauthorized",
        "terminated-unknown",
    }
)
GOOD = frozenset({"success", "not_run"})


@dataclass(slots=True)
class Row:
    """A job, as it is shown."""

    job: str
    name: str
    workflow: str
    depth: int = 0
    status: str = "blocked"
    step: str = ""
    began: int | None = None  # microseconds
    ended: int | None = None
    lines: "deque[str]" = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    said: int = 0  # lines ever, also those that are not kept
    hidden: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Tell whether it ended, and not well."""
        return self.status in ENDED and self.status not in GOOD

    def add(self, text: str) -> None:
        """Add a line of output."""
        self.lines.append(text)
        self.said += 1


class Board:
    """Hears of events; the rows are in the order of the tree."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.notes: deque[str] = deque(maxlen=50)
        self.workflows: dict[str, tuple[str, str]] = {}  # id -> (title, status)
        self.summary: Summary | None = None
        self._by_job: dict[str, Row] = {}
        self._titles: dict[str, int] = {}

    def hear(self, event: "Event") -> None:
        """Take an event."""
        from roundel.app import local_events as events

        match event:
            case events.WorkflowStands():
                self._workflow(event)
            case events.JobBegan(task=task, at=at):
                row = self._row(task)
                row.status, row.began, row.ended = "running", row.began or at, None
            case events.StepTold(task=task, report=report):
                self._step(self._row(task), task, report.index, report.name, report.status.value)
            case events.OutputLine(task=task, step=step, text=text):
                row = self._row(task)
                row.hidden.get((task.execution, step), row.lines).append(self._line(task, text))
                row.said += (task.execution, step) not in row.hidden
            case events.Progress(task=task, text=text, done=done, total=total):
                self._row(task).step = progress(text, done, total)
            case events.JobEnded(task=task, status=status, message=message, at=at):
                row = self._row(task)
                row.status, row.ended, row.step = status, at, ""
                told = message and row.lines and row.lines[-1] == self._line(task, message)
                if message and status not in GOOD and not told:
                    row.add(f"\x1b[31m{tamed(message)}\x1b[0m")
            case events.Note(text=text, warning=warning):
                self.notes.append(f"Warning: {text}" if warning else text)
            case events.Summary():
                self.summary = event
            case _:
                pass

    def _workflow(self, stands: "WorkflowStands") -> None:
        if stands.workflow not in self.workflows:
            runs = self._titles[stands.name] = self._titles.get(stands.name, 0) + 1
            title = stands.name if runs == 1 else f"{stands.name} (run {runs})"
        else:
            title = self.workflows[stands.workflow][0]
        self.workflows[stands.workflow] = (title, stands.status)
        jobs = {job.job for job in stands.jobs}
        # A job may have begun before its workflow was told of: that row has no workflow yet.
        known = {
            row.job: row
            for row in self.rows
            if row.workflow == stands.workflow or (not row.workflow and row.job in jobs)
        }
        others = [row for row in self.rows if known.get(row.job) is not row]
        own = []
        for job, depth in tree(stands.jobs):
            earlier = self._by_job.get(job.job)
            row = known.get(job.job) or Row(job=job.job, name=job.name, workflow=stands.workflow)
            if earlier is not None and earlier is not row and not row.said:  # kept by a rerun
                row.lines, row.said = earlier.lines, earlier.said
                row.began, row.ended = earlier.began, earlier.ended
            row.depth, row.workflow = depth, stands.workflow
            # A job that has begun is told of as it happens, which is sooner.
            if row.began is None or job.status in ENDED:
                row.status = job.status
            if job.message and row.began is None and not row.said and job.status in ENDED:
                row.add(tamed(job.message))
            self._by_job[job.job] = row
            own.append(row)
        self.rows = others + own

    def _row(self, task: "Task") -> Row:
        row = self._by_job.get(task.job)
        if row is None:
            row = Row(job=task.job, name=task.name, workflow="")
            self._by_job[task.job] = row
            self.rows.append(row)
        return row

    def _step(self, row: Row, task: "Task", index: int, name: str, status: str) -> None:
        key = (task.execution, index)
        title = f"\x1b[1m▸ {tamed(name)}\x1b[0m"
        if status == "running":
            row.step = name
            if name in SET_UP:
                row.hidden[key] = []
            else:
                row.add(self._line(task, title))
            return
        hidden = row.hidden.pop(key, None)
        if hidden is not None and status != "success":
            for text in (title, *hidden):
                row.add(text)

    @staticmethod
    def _line(task: "Task", text: str) -> str:
        """Return a line; where a job has several nodes, with the node that it is of."""
        text = tamed(text)
        return text if task.label == task.name else f"{task.node} │ {text}"


def tree(jobs: "tuple[JobStands, ...]") -> "Iterator[tuple[JobStands, int]]":
    """Yield jobs with their depth, each below the last of those that it requires."""
    by_name = {job.name: job for job in jobs}
    below: dict[str | None, list[JobStands]] = {}
    for job in jobs:
        above = [name for name in job.requires if name in by_name]
        below.setdefault(above[-1] if above else None, []).append(job)
    todo = [(job, 0) for job in reversed(below.get(None, []))]
    while todo:
        job, depth = todo.pop()
        yield job, depth
        todo += [(other, depth + 1) for other in reversed(below.get(job.name, []))]


def progress(text: str, done: int, total: int | None) -> str:
    """Return how far something is, in few characters."""
    megabytes = f"{done / 1e6:.0f}"
    if not total:
        return f"{text} {megabytes} MB"
    return f"{text} {megabytes}/{total / 1e6:.0f} MB"
