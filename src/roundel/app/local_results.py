"""What a local run leaves for people: logs, artifacts and test results in one folder."""

import json
import re
import shutil
from pathlib import Path
from typing import TextIO

from roundel.app.engine import Engine
from roundel.app.local_events import (
    Audience,
    Event,
    JobEnded,
    JobSummary,
    OutputLine,
    StepTold,
    Summary,
    TestFailure,
)
from roundel.domain.clock import SECOND
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import ExecutionId, JobId, WorkflowId
from roundel.domain.jobs import Job
from roundel.domain.keeping import object_name
from roundel.domain.pipelines import Pipeline, PipelineState
from roundel.domain.runners import StepStatus
from roundel.domain.views import TestView
from roundel.domain.workflows import Workflow

KEPT_RUNS = 20  # of one checkout; older ones are removed
PIECE_BYTES = 4 * 1024 * 1024
PAGE = 500
MOST_WORKFLOWS = 1000
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def new_folder(runs: Path) -> Path:
    """Make the folder of the next run, remove those of long ago, and let `latest` lead there."""
    runs.mkdir(parents=True, exist_ok=True)
    known = sorted(int(entry.name) for entry in runs.iterdir() if entry.name.isdigit())
    for old in known[: -KEPT_RUNS + 1] if len(known) >= KEPT_RUNS else []:
        shutil.rmtree(runs / str(old), ignore_errors=True)
    number = known[-1] + 1 if known else 1
    while True:
        folder = runs / str(number)
        try:
            folder.mkdir()
            break
        except FileExistsError:
            number += 1  # another run took it meanwhile
    draft = runs / f".latest-{number}"
    draft.symlink_to(folder.name)
    draft.replace(runs / "latest")
    return folder


def file_name(name: str) -> str:
    """Return a name that is a file's name everywhere, and is not empty."""
    return _UNSAFE.sub("-", name).strip(".-") or "job"


class LogFiles:
    """Writes each job's output to a file below `folder`, and passes everything on.

    That folder is made when something runs: a refused run leaves none, and keeps none from view.
    """

    def __init__(self, runs: Path, audience: Audience) -> None:
        self._runs = runs
        self._made: Path | None = None
        self._audience = audience
        self._open: dict[ExecutionId, TextIO] = {}

    @property
    def folder(self) -> Path:
        """Where all that the run leaves lies."""
        if self._made is None:
            self._made = new_folder(self._runs)
        return self._made

    def hear(self, event: Event) -> None:
        """Take an event."""
        match event:
            case OutputLine():
                self._file(event).write(f"{event.text}\n")
            case StepTold(report=report) if report.status is StepStatus.RUNNING:
                self._file(event).write(f"== {report.name}\n")
            case JobEnded(task=task):
                file = self._open.pop(task.execution, None)
                if file is not None:
                    file.close()
            case _:
                pass
        self._audience.hear(event)

    def close(self) -> None:
        """Close what jobs without an end have left open."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _file(self, event: StepTold | OutputLine) -> TextIO:
        task = event.task
        file = self._open.get(task.execution)
        if file is None:
            logs = self.folder / "logs"
            logs.mkdir(exist_ok=True)
            path = logs / f"{task.number}-{file_name(task.label)}.log"
            file = self._open[task.execution] = path.open("a", encoding="utf-8")
        return file


async def keep_results(engine: Engine, pipeline: Pipeline, folder: Path) -> Summary:
    """Copy artifacts and test results of a pipeline's jobs to `folder`; return what came of it."""
    views = await engine.reads.workflows(pipeline.id, limit=MOST_WORKFLOWS)
    jobs: list[JobSummary] = []
    failures: list[TestFailure] = []
    tests = artifacts = 0
    workflows = [view.workflow for view in views]
    last = _last_runs(workflows)
    seen: set[JobId] = set()
    for view in views:
        for slot in await engine.reads.slots(view.workflow.id):
            job = slot.job
            if view.workflow in last:
                jobs.append(_job_summary(view.workflow, job))
            if job.number is None or job.id in seen:
                continue
            seen.add(job.id)
            artifacts += await _keep_artifacts(engine, job, folder)
            found = await _tests(engine, job.id)
            failed = _keep_tests(job, found, folder)
            if view.workflow in last:
                tests += len(found)
                failures += failed
    return Summary(
        succeeded=_succeeded(pipeline, workflows),
        jobs=tuple(jobs),
        workflows=tuple((it.name, it.status.value) for it in last),
        failures=tuple(failures),
        tests=tests,
        folder=str(folder),
        artifacts=artifacts,
    )


def _succeeded(pipeline: Pipeline, workflows: list[Workflow]) -> bool:
    """Tell whether the last run of each workflow succeeded; earlier ones were run again."""
    return pipeline.state is PipelineState.CREATED and all(
        it.status is WorkflowStatus.SUCCESS for it in _last_runs(workflows)
    )


def _last_runs(workflows: list[Workflow]) -> list[Workflow]:
    last: dict[WorkflowId, Workflow] = {it.workspace_id: it for it in workflows}
    return list(last.values())


def _job_summary(workflow: Workflow, job: Job) -> JobSummary:
    seconds = None
    if job.started_at is not None and job.stopped_at is not None:
        seconds = (job.stopped_at - job.started_at) / SECOND
    return JobSummary(
        workflow=workflow.name,
        name=job.name,
        number=job.number,
        status=job.status.value,
        seconds=seconds,
        message=job.message,
    )


async def _keep_artifacts(engine: Engine, job: Job, folder: Path) -> int:
    place = folder / "artifacts" / f"{job.number}-{file_name(job.name)}"
    count = 0
    after: tuple[int, str] | None = None
    while page := await engine.reads.artifacts(job.id, after=after, limit=PAGE):
        for artifact in page:
            target = place / (str(artifact.node) if job.parallelism > 1 else ".") / artifact.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for start in range(0, artifact.size, PIECE_BYTES):
                    end = min(start + PIECE_BYTES, artifact.size)
                    name = object_name(artifact.blob)
                    file.write(await engine.blobs.get(name, start=start, end=end))
            count += 1
        after = (page[-1].node, page[-1].path)
    return count


async def _tests(engine: Engine, job: JobId) -> list[TestView]:
    found: list[TestView] = []
    after: int | None = None
    while page := await engine.reads.tests(job, after=after, limit=PAGE):
        found += page
        after = page[-1].number
    return found


def _keep_tests(job: Job, found: list[TestView], folder: Path) -> list[TestFailure]:
    if not found:
        return []
    place = folder / "tests"
    place.mkdir(exist_ok=True)
    rows = [
        {
            "name": view.test.name,
            "classname": view.test.classname,
            "file": view.test.file,
            "line": view.test.line,
            "result": view.test.result,
            "run_time": view.test.run_time,
            "message": view.test.message,
        }
        for view in found
    ]
    (place / f"{job.number}-{file_name(job.name)}.json").write_text(json.dumps(rows, indent=1))
    return [_failure(job, view) for view in found if view.test.result in {"failure", "error"}]


def _failure(job: Job, view: TestView) -> TestFailure:
    test = view.test
    name = f"{test.classname}.{test.name}" if test.classname else test.name
    file, line = place_of(test.file, test.line, test.message)
    return TestFailure(job=job.name, name=name, file=file, line=line, message=test.message)


_PLACE = re.compile(r"(?P<file>[\w./-]+\.\w+):(?P<line>\d+)")
_PYTHON_PLACE = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


def place_of(file: str | None, line: int | None, message: str) -> tuple[str | None, int | None]:
    """Return where a test failed, as far as its report and its message tell.

    Of several places in the message the last one in the test's own file counts, without one the
    last of all.  A message without a place in that file leaves the line where the test begins.
    """
    places = [
        (match["file"], int(match["line"]))
        for pattern in (_PLACE, _PYTHON_PLACE)
        for match in pattern.finditer(message)
    ]
    if file:
        own = [at for found, at in places if found.endswith(file) or file.endswith(found)]
        return file, own[-1] if own else line
    return places[-1] if places else (None, None)
