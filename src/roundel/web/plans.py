"""A pipeline's plan as pages show it: what does not run, and where everything was written."""

import re
from collections.abc import Mapping

import msgspec

from roundel.domain.page_views import LeftOut
from roundel.domain.plan import Dropped, Json, Place, SlotPlan
from roundel.domain.records import dataclass


class _Step(msgspec.Struct):
    kind: str
    name: str
    at: Place | None = None


class _Job(msgspec.Struct):
    name: str
    steps: tuple[_Step, ...] = ()
    at: Place | None = None


class _Workflow(msgspec.Struct):
    name: str
    slots: tuple[SlotPlan, ...]
    at: Place | None = None


class PlanShown(msgspec.Struct):
    """The parts of a stored plan that pages need."""

    workflows: tuple[_Workflow, ...]
    jobs: dict[str, _Job]
    parameters: dict[str, Json]
    dropped: tuple[Dropped, ...] = ()

    def places(self, workflow: str) -> Mapping[str, Place | None]:
        """Return where each job of a workflow is invoked, by the job's name."""
        return {
            slot.name: slot.at
            for flow in self.workflows
            if flow.name == workflow
            for slot in flow.slots
        }

    def left_out(self) -> list[LeftOut]:
        """Return the workflows that do not run and the jobs that filters keep from it."""
        whole = [
            LeftOut(workflow=it.workflow, job=None, reason=it.reason, at=it.at)
            for it in self.dropped
        ]
        jobs = [
            LeftOut(workflow=flow.name, job=slot.name, reason=slot.excluded, at=slot.at)
            for flow in self.workflows
            for slot in flow.slots
            if slot.excluded is not None
        ]
        return [*whole, *jobs]


_plan = msgspec.json.Decoder(PlanShown)


def read_plan(text: str | None) -> PlanShown | None:
    """Return a stored plan; None where there is none."""
    return None if text is None else _plan.decode(text)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the compiled config, and where it comes from."""

    text: str
    at: Place | None


_JOB = re.compile(r"^  (?P<quote>[\"']?)(?P<name>\S.*?)(?P=quote):\s*$")
_KEY = re.compile(r"^    (?P<name>[a-z_]+):")  # of a job
_STEP = "    - "


def with_places(compiled: str, plan: PlanShown | None) -> list[Line]:
    """Return the compiled config with the place of each job and step.

    The compiled text has a job's steps in the order of the plan, so the two are walked side by
    side; what does not fit is left without a place rather than given a wrong one.
    """
    found: list[Line] = []
    job: _Job | None = None
    in_jobs = in_steps = False
    step = -1
    for text in compiled.split("\n"):
        at: Place | None = None
        if text[:1].strip():
            in_jobs, in_steps, job = text.startswith("jobs:"), False, None
        elif in_jobs and (name := _JOB.match(text)) is not None:
            job = None if plan is None else plan.jobs.get(name["name"])
            in_steps, step = False, -1
            at = None if job is None else job.at
        elif (key := _KEY.match(text)) is not None:
            in_steps = key["name"] == "steps"
        elif in_steps and text.startswith(_STEP):
            step += 1
        if job is not None and in_steps and 0 <= step < len(job.steps):
            at = job.steps[step].at
        found.append(Line(text, at))
    return found
