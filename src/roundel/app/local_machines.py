"""Jobs for machines that a local run has not: other systems, and runners of one's own."""

import shlex
import sys
from dataclasses import replace

from roundel.domain.jobs import MACHINE_LANE, lane_of
from roundel.domain.plan import ExecutorKind, JobPlan, Plan, StepPlan, When

_STEP = "Find a machine for this job"


def runnable_here(plan: Plan, system: str = sys.platform) -> Plan:
    """Return the plan with all of its jobs for this machine; nobody else would ever take them.

    Who asks for a runner of a class of their own, `ns/name`, gets this machine.  A job for another
    system becomes one that fails at once and says why.
    """
    return replace(plan, jobs={key: _here(job, system) for key, job in plan.jobs.items()})


def _here(job: JobPlan, system: str) -> JobPlan:
    lane = lane_of(job.resource_class, job.executor.kind.value)
    if lane in ("", MACHINE_LANE) or job.executor.kind is ExecutorKind.NONE:
        return job
    if "/" in lane:
        return replace(job, resource_class=None)
    mac = job.executor.kind is ExecutorKind.MACOS
    own = replace(job.executor, kind=ExecutorKind.MACHINE)
    job = replace(job, executor=own, resource_class=None)
    if mac and system == "darwin":
        return job
    wanted = "macOS" if mac or lane.startswith("m") else "Windows"
    why = f"This job asks for {wanted} ({lane}), which this machine is not."
    script = f"printf '%s\\n' {shlex.quote(why)}; exit 1"
    step = StepPlan(
        kind="run",
        name=_STEP,
        when=When.ALWAYS,
        args={"command": script, "shell": "/bin/sh -e"},
    )
    return replace(job, steps=(step,), shell=None, environment={}, parallelism=1)
