"""Insights about whole projects and organisations, and the older spellings of the others."""

from collections.abc import Mapping, Sequence

from roundel.api.insight_queries import WINDOW, by_name, listed, window_of, worst_p95
from roundel.api.operations import AnyOperation, Call, Operation, Query
from roundel.api.schemas.insight_summaries import (
    Branches,
    OrganizationSummary,
    PageBranch,
    PageWorkflow,
    ProjectPage,
    page_metrics,
    page_trends,
    project_data,
    totals,
)
from roundel.api.subjects import ORGANIZATION_BY_SLUG, PROJECT
from roundel.domain.access import Need
from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId
from roundel.domain.insight_views import Rollup
from roundel.domain.insights import ALL, DAYS, WHOLE, Figures, Window, grain_of, since, together
from roundel.domain.projects import Organization, Project


class Halves:
    """The records of a window, and those of the window before it."""

    def __init__(self, rollups: Sequence[Rollup], window: Window, now: Micros) -> None:
        border = since(window, now)
        self.now = [it for it in rollups if it.start >= border]
        self.prior = [it for it in rollups if it.start < border]

    def only(self, now: Sequence[Rollup], prior: Sequence[Rollup]) -> tuple[Figures, Figures]:
        return together(it.figures for it in now), together(it.figures for it in prior)


async def organization(call: Call[Organization, None]) -> OrganizationSummary:
    window, now = window_of(call.query), call.app.clock.now()
    own = [
        project
        for project in await call.app.reads.projects(call.actor)
        if project.organization.id == call.subject.id
    ]
    wanted = listed(call.query, "project-names")
    chosen = [it for it in own if wanted is None or it.name in wanted]
    rollups = await call.app.insights.rollups(
        [project.id for project in chosen],
        grain_of(window),
        since(window, now, ago=1),
        workflow=WHOLE,
        branch=ALL,
    )
    halves = Halves(rollups, window, now)
    current, prior = _by_project(halves.now), _by_project(halves.prior)
    return OrganizationSummary(
        org_data=totals(together(current.values()), together(prior.values()), DAYS[window]),
        org_project_data=[
            project_data(it.name, current[it.id], prior.get(it.id, Figures()))
            for it in chosen
            if it.id in current
        ],
        all_projects=[it.name for it in own],
    )


def _by_project(rollups: Sequence[Rollup]) -> Mapping[ProjectId, Figures]:
    groups: dict[ProjectId, list[Figures]] = {}
    for rollup in rollups:
        groups.setdefault(rollup.project_id, []).append(rollup.figures)
    return {project: together(figures) for project, figures in groups.items()}


async def project_page(call: Call[Project, None]) -> ProjectPage:
    window, now, project = window_of(call.query), call.app.clock.now(), call.subject
    names, branches = await call.app.insights.names(project.id)
    rollups = await call.app.insights.rollups(
        [project.id], grain_of(window), since(window, now, ago=1)
    )
    wanted, some = listed(call.query, "workflow-names"), listed(call.query, "branches")
    halves = Halves(rollups, window, now)
    whole = totals(
        together(it.figures for it in halves.now if it.workflow == WHOLE),
        together(it.figures for it in halves.prior if it.workflow == WHOLE),
        DAYS[window],
    )
    rollups = [
        it for it in rollups if it.workflow != WHOLE and (wanted is None or it.workflow in wanted)
    ]
    over_all = Halves([it for it in rollups if it.branch == ALL], window, now)
    one_branch = [it for it in rollups if it.branch != ALL and (some is None or it.branch in some)]
    return ProjectPage(
        org_id=project.organization.id,
        project_id=project.id,
        project_data=whole,
        project_workflow_data=_workflows(over_all),
        project_workflow_branch_data=_branches(Halves(one_branch, window, now)),
        all_branches=list(branches),
        all_workflows=list(names),
    )


def _workflows(halves: Halves) -> list[PageWorkflow]:
    prior = by_name(halves.prior)
    return [
        PageWorkflow(
            workflow_name=name,
            metrics=page_metrics(figures),
            trends=page_trends(
                figures,
                prior.get(name, Figures()),
                worst_p95(it for it in halves.prior if it.workflow == name),
            ),
        )
        for name, figures in by_name(halves.now).items()
    ]


def _branches(halves: Halves) -> list[PageBranch]:
    made = []
    now, before = _by_branch(halves.now), _by_branch(halves.prior)
    for (workflow, branch), rollups in sorted(now.items(), key=lambda it: it[0]):
        earlier = before.get((workflow, branch), [])
        current, prior = halves.only(rollups, earlier)
        made.append(
            PageBranch(
                workflow_name=workflow,
                branch=branch,
                metrics=page_metrics(current),
                trends=page_trends(current, prior, worst_p95(earlier)),
            )
        )
    return made


def _by_branch(rollups: Sequence[Rollup]) -> dict[tuple[str, str], list[Rollup]]:
    groups: dict[tuple[str, str], list[Rollup]] = {}
    for rollup in rollups:
        groups.setdefault((rollup.workflow, rollup.branch), []).append(rollup)
    return groups


async def branches(call: Call[Project, None]) -> Branches:
    wanted = call.query.get("workflow-name") or None
    _, found = await call.app.insights.names(call.subject.id, wanted)
    return Branches(call.subject.organization.id, call.subject.id, list(found))


NAMES = "Only these, with commas between them."

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/insights/pages/{project-slug}/summary",
        id="getProjectWorkflowsPageData",
        summary="Get summary metrics and trends for a project across it's workflows and branches",
        tag="Insights",
        need=Need.READ,
        subject=PROJECT,
        handler=project_page,
        answer=ProjectPage,
        query=(
            WINDOW,
            Query(name="branches", summary=NAMES),
            Query(name="workflow-names", summary=NAMES),
        ),
    ),
    Operation(
        method="GET",
        path="/insights/{org-slug}/summary",
        id="getOrgSummaryData",
        summary="Get summary metrics with trends for the entire org, and for each project.",
        tag="Insights",
        need=Need.READ,
        subject=ORGANIZATION_BY_SLUG,
        handler=organization,
        answer=OrganizationSummary,
        query=(WINDOW, Query(name="project-names", summary=NAMES)),
    ),
    Operation(
        method="GET",
        path="/insights/{project-slug}/branches",
        id="getAllInsightsBranches",
        summary="Get all branches for a project",
        tag="Insights",
        need=Need.READ,
        subject=PROJECT,
        handler=branches,
        answer=Branches,
        query=(Query(name="workflow-name", summary="Only those on which this workflow ran."),),
    ),
]
