"""What a local run shows where there is no terminal to draw on: one line after another."""

from typing import TYPE_CHECKING

import click

from roundel.cli.ansi import tamed
from roundel.cli.palette import COLOURS, SET_UP

if TYPE_CHECKING:
    from roundel.app.local_events import Event, StepTold, Summary, Task
    from roundel.domain.plan import Plan, SlotPlan, WorkflowPlan

_GOOD = "success"


class Plain:
    """Prints each line behind the name of its job."""

    def __init__(self) -> None:
        self._colours: dict[str, str] = {}
        self._width = 8
        self._hidden: dict[tuple[str, int], list[str]] = {}
        self._unfit: dict[str, tuple[str, list[str]]] = {}  # set-up steps that failed, by execution
        self._ends: set[tuple[str, int, str]] = set()  # why which node of a job ended
        self._told: set[tuple[str, str]] = set()  # what is under way, said once

    def hear(self, event: "Event") -> None:
        """Show an event."""
        from roundel.app import local_events as events

        match event:
            case events.StepTold():
                self._step(event)
            case events.OutputLine(task=task, step=step, text=text):
                hidden = self._hidden.get((task.execution, step))
                if hidden is not None:
                    hidden.append(text)
                else:
                    self._line(task.label, tamed(text))
            case events.Progress(task=task, text=text):
                if (task.execution, text) not in self._told:
                    self._told.add((task.execution, text))
                    self._line(task.label, f"{text} …")
            case events.JobEnded(task=task, status=status, message=message):
                self._end(task, status, message or "")
            case events.Waiting(workflow=workflow, job=job):
                self._line(job, f"waits for approval (workflow {workflow})")
            case events.Approved(job=job, given=given):
                declined = f"not approved; --approve {job} approves it beforehand"
                self._line(job, "approved" if given else declined)
            case events.Note(text=text, warning=warning):
                prefix = "Warning: " if warning else ""
                click.secho(f"{prefix}{text}.", fg="yellow" if warning else None, err=True)
            case events.Planned(plan=plan):
                tell_plan(plan)
            case events.Summary():
                tell_summary(event)
            case _:
                pass

    def _step(self, event: "StepTold") -> None:
        task, report = event.task, event.report
        key = (task.execution, report.index)
        if report.status.value == "running":
            if report.name in SET_UP:
                self._hidden[key] = []
            else:
                self._line(task.label, click.style(f"▸ {report.name}", bold=True))
            return
        hidden = self._hidden.pop(key, None)
        if hidden is not None and report.status.value != _GOOD:
            self._unfit[task.execution] = (report.name, hidden)

    def _end(self, task: "Task", status: str, message: str) -> None:
        """Say what came of a job, and of a set-up step that failed what the end does not say."""
        good = status == _GOOD
        said = [] if good else [it for it in map(str.rstrip, message.splitlines()) if it]
        step, lines = self._unfit.pop(task.execution, ("", []))
        rest = [text for text in lines if text.rstrip() and text.rstrip() not in said]
        if rest:
            self._line(task.label, click.style(f"▸ {step}", bold=True))
            for text in rest:
                self._line(task.label, tamed(text))
        first, *more = said or [""]
        line = f"{'✓' if good else '✗'} {status}" + (f": {first}" if first else "")
        if first and (task.job, task.node, message) in self._ends:  # it is tried once more
            line, more = f"✗ {status} again", []
        self._ends.add((task.job, task.node, message))
        for text in (line, *more):
            self._line(task.label, click.style(tamed(text), fg="green" if good else "red"))

    def _line(self, label: str, text: str) -> None:
        colour = self._colours.setdefault(label, COLOURS[len(self._colours) % len(COLOURS)])
        self._width = max(self._width, min(len(label), 32))
        click.echo(click.style(f"{label:>{self._width}} │ ", fg=colour) + text)


def tell_plan(plan: "Plan") -> None:
    """Print what would run, stage by stage, and why the rest would not."""
    if plan.setup:
        click.echo("This is a setup config: what follows it is known only once it has run.")
    for workflow in plan.workflows:
        click.secho(workflow.name, bold=True)
        for number, stage in enumerate(stages(workflow), 1):
            for slot in stage:
                needs = ", ".join(need.job for need in slot.requires)
                after = f"  after {needs}" if needs else ""
                kind = "" if slot.type.value == "build" else f" ({slot.type.value})"
                click.echo(f"  {number}. {slot.name}{kind}{after}")
        for slot in workflow.slots:
            if slot.excluded is not None:
                click.secho(f"  -  {slot.name}: {slot.excluded}", fg="bright_black")
    for dropped in plan.dropped:
        click.secho(f"{dropped.workflow}: does not run: {dropped.reason}", fg="bright_black")
    if not plan.workflows:
        click.echo("Nothing would run.")


def stages(workflow: "WorkflowPlan") -> "list[list[SlotPlan]]":
    """Return the jobs that run, in the order in which they can: each stage needs those before."""
    left = [slot for slot in workflow.slots if slot.excluded is None]
    names = {slot.name for slot in left}
    done: set[str] = set()
    found: list[list[SlotPlan]] = []
    while left:
        ready = done | (names ^ names.union(need.job for it in left for need in it.requires))
        stage = [slot for slot in left if ready.issuperset(need.job for need in slot.requires)]
        if not stage:
            break  # a circle, which the compiler refuses
        found.append(stage)
        done |= {slot.name for slot in stage}
        left = [slot for slot in left if slot.name not in done]
    return found


def tell_summary(summary: "Summary") -> None:
    """Print what came of the run: jobs, failed tests, where things lie."""
    click.echo()
    width = max((len(job.name) for job in summary.jobs), default=0)
    for workflow, status in summary.workflows:
        good = status == _GOOD
        click.secho(f"{workflow}: {status}", bold=True, fg="green" if good else "red")
        for job in summary.jobs:
            if job.workflow == workflow:
                colour = {"success": "green", "not_run": "bright_black"}.get(job.status, "red")
                time = "" if job.seconds is None else f"{job.seconds:8.2f} s"
                status_text = click.style(f"{job.status:<20}", fg=colour)
                click.echo(f"  {job.name:<{width}}  {status_text}{time}".rstrip())
                if job.message and job.seconds is None and job.status != _GOOD:
                    click.echo(f"      {job.message}")
    if not summary.workflows:
        click.echo("Nothing runs: no workflow's conditions hold; --dry-run tells why.")
    if summary.tests:
        click.echo(f"Tests: {summary.tests} run, {len(summary.failures)} failed")
    for failure in summary.failures:
        place = failure.file or ""
        if failure.line is not None:
            place += f":{failure.line}"
        where = f"{place}  " if place else ""
        click.secho(f"  ✗ {where}{failure.name} ({failure.job})", fg="red")
        first = next((line for line in failure.message.splitlines() if line.strip()), "")
        if first:
            click.echo(f"      {first.strip()[:200]}")
    if summary.folder:
        kept = f", {summary.artifacts} artifacts" if summary.artifacts else ""
        click.echo(f"Logs{kept}: {summary.folder}")
