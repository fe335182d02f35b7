"""Short ways to make the things that tests talk about."""

from roundel.domain.flows import Flow, Slot
from roundel.domain.jobs import JobStatus
from roundel.domain.plan import (
    ExecutorKind,
    ExecutorPlan,
    ImagePlan,
    JobPlan,
    JobType,
    Plan,
    Requirement,
    SlotPlan,
    StepPlan,
    WorkflowPlan,
)

APPROVAL_MARK = "?"  # "ok?<build" is an approval
NO_OP_MARK = "!"  # "gate!<build" is a no-op job


def parse_slot(text: str) -> tuple[str, JobType, tuple[Requirement, ...]]:
    """Read `deploy<build,lint:failed|success`: a name, its mark, and what it requires."""
    head, _, needs = text.partition("<")
    type_ = JobType.BUILD
    if head.endswith(APPROVAL_MARK):
        head, type_ = head[:-1], JobType.APPROVAL
    elif head.endswith(NO_OP_MARK):
        head, type_ = head[:-1], JobType.NO_OP
    requirements = []
    for need in filter(None, needs.split(",")):
        job, _, statuses = need.partition(":")
        requirements.append(
            Requirement(job=job, statuses=tuple((statuses or "success").split("|")))
        )
    return head, type_, tuple(requirements)


def a_flow(
    *slots: str, canceling: bool = False, excluded: tuple[str, ...] = (), **statuses: str
) -> Flow:
    """Return a flow of slots such as `deploy<build`; those without a status are blocked."""
    made = []
    for text in slots:
        name, type_, requires = parse_slot(text)
        made.append(
            Slot(
                name=name,
                type=type_,
                status=JobStatus(statuses.get(name, "blocked")),
                requires=requires,
                excluded=name in excluded,
            )
        )
    return Flow(slots=tuple(made), canceling=canceling)


def a_job_plan(name: str = "build", command: str = "echo hi", **changes: object) -> JobPlan:
    """Return a job of one `run` step in a container."""
    values: dict[str, object] = {
        "name": name,
        "executor": ExecutorPlan(
            kind=ExecutorKind.DOCKER, images=(ImagePlan(image="cimg/base", environment={}),)
        ),
        "steps": (StepPlan(kind="run", name=command, args={"command": command}),),
        "environment": {},
        "extra": {},
    }
    return JobPlan(**{**values, **changes})  # type: ignore[arg-type]


def a_plan(*slots: str, workflow: str = "main", **jobs: JobPlan) -> Plan:
    """Return a plan of one workflow; jobs that are not given run `echo hi`."""
    made = []
    bodies: dict[str, JobPlan] = dict(jobs)
    for text in slots:
        name, type_, requires = parse_slot(text)
        job = None if type_ is JobType.APPROVAL else name
        if job is not None and job not in bodies:
            bodies[job] = a_job_plan(name, type=type_)
        made.append(SlotPlan(name=name, type=type_, job=job, requires=requires))
    flow = WorkflowPlan(name=workflow, slots=tuple(made))
    return Plan(workflows=(flow,), jobs=bodies, parameters={})
