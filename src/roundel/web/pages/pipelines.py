"""A pipeline: its workflows with the graph of their jobs, its config, what it was given."""

from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response

from roundel.domain.access import Actor, Need
from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.flows import WORKFLOW_ENDED
from roundel.domain.ids import JobId, is_uuid
from roundel.domain.jobs import FAILURES, JobStatus
from roundel.domain.page_views import LeftOut, standing_of
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.reruns import RERUN_LIFETIME, Choice
from roundel.domain.views import SlotView, WorkflowView
from roundel.services.following import digest, pipeline_now
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.gantt import Timeline, timeline
from roundel.web.graph import Drawing, Group, critical_path, draw, groups_of
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.plans import PlanShown, read_plan, with_places
from roundel.web.rooms import rooms_of
from roundel.web.subjects import PipelineHere, WorkflowHere

MOST_WORKFLOWS = 200
MOST_DRAWN = 400  # groups; a larger graph is listed, not drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something a visitor may do, or why they may not."""

    name: str
    label: str
    why_not: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowShown:
    """A workflow with all that its page draws."""

    view: WorkflowView
    slots: Sequence[SlotView]
    groups: Sequence[Group]
    drawing: Drawing | None
    timeline: Timeline
    critical: frozenset[JobId]
    left_out: Sequence[LeftOut]
    actions: Sequence[Action]
    approvals: Sequence[SlotView]
    why_no_approval: str | None


async def pipeline(visit: Visit[PipelineHere]) -> Response:
    here = visit.subject
    views = await visit.app.reads.workflows(here.view.pipeline.id, limit=MOST_WORKFLOWS)
    shown = list(_newest(views).values())
    return await _show(visit, here, views, shown)


async def workflow(visit: Visit[WorkflowHere]) -> Response:
    here = PipelineHere(visit.subject.project, visit.subject.pipeline)
    views = await visit.app.reads.workflows(here.view.pipeline.id, limit=MOST_WORKFLOWS)
    return await _show(visit, here, views, [visit.subject.view])


async def config(visit: Visit[PipelineHere]) -> Response:
    """Show the config as written and as compiled, side by side, each step with its line."""
    here = visit.subject
    texts = await visit.app.reads.pipeline_config(here.view.pipeline.id)
    plan = read_plan(await visit.app.pages.plan_text(here.view.pipeline.id))
    compiled = "" if texts is None else texts.compiled
    views = await visit.app.reads.workflows(here.view.pipeline.id, limit=MOST_WORKFLOWS)
    newest = [it.workflow.status for it in _newest(views).values()]
    return visit.page(
        "config.html",
        rooms=await rooms_of(visit, project=here.project),
        here=here,
        standing=standing_of(here.view.pipeline.state, newest),
        source=("" if texts is None else texts.source).split("\n"),
        compiled=with_places(compiled, plan),
        setup=None if texts is None else texts.setup_source,
        file=_config_file(plan),
    )


def _config_file(plan: PlanShown | None) -> str:
    for job in () if plan is None else plan.jobs.values():
        if (
            job.at is not None
            and job.at.file.endswith((".yml", ".yaml"))
            and "@" not in job.at.file
        ):
            return job.at.file
    return ".circleci/config.yml"


def _newest(views: Sequence[WorkflowView]) -> dict[str, WorkflowView]:
    """Return the last run of each workflow by name."""
    return {it.workflow.name: it for it in views}


async def _show(
    visit: Visit[PipelineHere] | Visit[WorkflowHere],
    here: PipelineHere,
    views: Sequence[WorkflowView],
    shown: Sequence[WorkflowView],
) -> Response:
    pipe = here.view.pipeline
    # Read before the rest: what changes in between is told again rather than missed.
    now = await pipeline_now(pipe.id, visit.app)
    known = "" if now is None else digest(now)
    plan = read_plan(await visit.app.pages.plan_text(pipe.id))
    workflows = [await _shown(visit, here.project, it, plan) for it in shown]
    newest = [it.workflow.status for it in _newest(views).values()]
    running = set(_newest(views))
    left_out = [] if plan is None else [it for it in plan.left_out() if it.workflow not in running]
    return visit.page(
        "pipeline.html",
        rooms=await rooms_of(visit, project=here.project),
        here=here,
        standing=standing_of(pipe.state, newest),
        views=views,
        workflows=workflows,
        one=shown[0] if len(shown) == 1 and isinstance(visit.subject, WorkflowHere) else None,
        left_out=left_out,
        parameters=pipe.parameters if plan is None else plan.parameters,
        passed=set(pipe.parameters),
        stream=f"/stream/pipeline/{pipe.id}?at={known}",
        view="time" if visit.query.get("view") == "time" else "graph",
        fold=visit.query.get("fold") != "no",
    )


async def _shown(
    visit: Visit[PipelineHere] | Visit[WorkflowHere],
    project: Project,
    view: WorkflowView,
    plan: PlanShown | None,
) -> WorkflowShown:
    slots = await visit.app.reads.slots(view.workflow.id)
    places = {} if plan is None else plan.places(view.workflow.name)
    groups = groups_of(slots, places, fold=visit.query.get("fold") != "no")
    critical = critical_path(slots)
    now = visit.app.clock.now()
    end = view.workflow.stopped_at or now
    may = visit.actor.may(Need.WRITE, project.organization.id)
    return WorkflowShown(
        view=view,
        slots=slots,
        groups=groups,
        drawing=draw(groups, critical) if len(groups) <= MOST_DRAWN else None,
        timeline=timeline(slots, view.workflow.created_at, end, critical),
        critical=critical,
        left_out=await visit.app.pages.excluded(view.workflow.id),
        actions=_actions(view, slots, visit.actor, project, now),
        approvals=[it for it in slots if it.job.status is JobStatus.ON_HOLD],
        why_no_approval=None if may else NOT_YOURS,
    )


NOT_YOURS = "Your role in this organization is to look on: ask an administrator for more."


def _actions(
    view: WorkflowView, slots: Sequence[SlotView], actor: Actor, project: Project, now: Micros
) -> list[Action]:
    """Return what may be done with a workflow, each with the reason where it may not."""
    workflow = view.workflow
    ended = workflow.status in WORKFLOW_ENDED
    not_yours = None if actor.may(Need.WRITE, project.organization.id) else NOT_YOURS
    too_old = now - workflow.created_at > RERUN_LIFETIME
    no_rerun = not_yours or (
        "It goes on: cancel it first, or wait for its end."
        if not ended
        else "It is older than 90 days; trigger a new pipeline instead."
        if too_old
        else None
    )
    failed = any(slot.job.status in FAILURES for slot in slots)
    undone = any(slot.job.status is not JobStatus.SUCCESS for slot in slots)
    no_cancel = not_yours or (f"It has ended: {workflow.status}." if ended else None)
    if no_cancel is None and workflow.canceled_by is not None:
        no_cancel = "It is being canceled already."
    from_failed = no_rerun or (None if failed or undone else "No job of it failed.")
    return [
        Action(name="cancel", label="Cancel", why_not=no_cancel),
        Action(name="rerun", label="Rerun from start", why_not=no_rerun),
        Action(name="rerun-failed", label="Rerun from failed", why_not=from_failed),
        Action(name="rerun-chosen", label="Rerun chosen jobs", why_not=no_rerun),
    ]


async def act(visit: Visit[WorkflowHere]) -> Response:
    """Carry out an action on a workflow, then show what came of it."""
    here, use = visit.subject, visit.hall.use_cases
    workflow_id = here.view.workflow.id
    number = here.pipeline.pipeline.number
    match visit.field("action"):
        case "cancel":
            await use.cancel_workflow(workflow_id, visit.actor)
        case "rerun":
            workflow_id = await use.rerun_workflow(workflow_id, Choice(), False, visit.actor)
        case "rerun-failed":
            choice = Choice(from_failed=True)
            workflow_id = await use.rerun_workflow(workflow_id, choice, False, visit.actor)
        case "rerun-chosen":
            chosen = tuple(map(JobId, filter(is_uuid, visit.form.get("job", ()))))
            if not chosen:
                raise Invalid("Choose at least one job to run again.")
            workflow_id = await use.rerun_workflow(
                workflow_id, Choice(jobs=chosen), False, visit.actor
            )
        case "approve":
            await use.approve_job(workflow_id, _approval(visit), visit.actor)
        case _:
            raise Invalid("There is no such action.")
    path = address_of.workflow(here.project, number, workflow_id)
    return RedirectResponse(path, status_code=303)


def _approval(visit: Visit[WorkflowHere]) -> JobId:
    text = visit.field("job")
    if not is_uuid(text):
        raise Invalid("Say which approval you mean.")
    return JobId(text.lower())


PAGES: list[AnyPage] = [
    Page(
        method="GET",
        path="/pipelines/{vcs}/{organization}/{project}/{number:int}",
        need=Need.READ,
        handler=pipeline,
        subject=subjects.pipeline,
    ),
    Page(
        method="GET",
        path="/pipelines/{vcs}/{organization}/{project}/{number:int}/config",
        need=Need.READ,
        handler=config,
        subject=subjects.pipeline,
    ),
    Page(
        method="GET",
        path="/pipelines/{vcs}/{organization}/{project}/{number:int}/workflows/{workflow}",
        need=Need.READ,
        handler=workflow,
        subject=subjects.workflow,
    ),
    Page(
        method="POST",
        path="/pipelines/{vcs}/{organization}/{project}/{number:int}/workflows/{workflow}",
        need=Need.WRITE,
        handler=act,
        subject=subjects.workflow,
    ),
]
