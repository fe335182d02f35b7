"""Insights on the wire: the totals of organizations and projects, with their trends."""

import msgspec

from roundel.api.schemas.common import Uuid
from roundel.domain.insights import Figures, trend


class Branches(msgspec.Struct):
    org_id: Uuid
    project_id: Uuid
    branches: list[str]


class Totals(msgspec.Struct):
    total_runs: int
    total_duration_secs: int
    total_credits_used: int
    success_rate: float
    throughput: float


class TotalTrends(msgspec.Struct):
    total_runs: float
    total_duration_secs: float
    total_credits_used: float
    success_rate: float
    throughput: float


class TotalsWithTrends(msgspec.Struct):
    metrics: Totals
    trends: TotalTrends


class ProjectTotals(msgspec.Struct):
    total_credits_used: int
    total_duration_secs: int
    total_runs: int
    success_rate: float


class ProjectTrends(msgspec.Struct):
    total_credits_used: float
    total_duration_secs: float
    total_runs: float
    success_rate: float


class ProjectData(msgspec.Struct):
    project_name: str
    metrics: ProjectTotals
    trends: ProjectTrends


class OrganizationSummary(msgspec.Struct):
    org_data: TotalsWithTrends
    org_project_data: list[ProjectData]
    all_projects: list[str]


class PageMetrics(msgspec.Struct):
    total_credits_used: int
    p95_duration_secs: float
    total_runs: int
    success_rate: float


class PageTrends(msgspec.Struct):
    total_credits_used: float
    p95_duration_secs: float
    total_runs: float
    success_rate: float


class PageWorkflow(msgspec.Struct):
    workflow_name: str
    metrics: PageMetrics
    trends: PageTrends


class PageBranch(msgspec.Struct):
    workflow_name: str
    branch: str
    metrics: PageMetrics
    trends: PageTrends


class ProjectPage(msgspec.Struct):
    org_id: Uuid
    project_id: Uuid
    project_data: TotalsWithTrends
    project_workflow_data: list[PageWorkflow]
    project_workflow_branch_data: list[PageBranch]
    all_branches: list[str]
    all_workflows: list[str]


def _seconds(figures: Figures) -> int:
    return round(figures.duration_ms / 1000)


def totals(now: Figures, prior: Figures, days: float) -> TotalsWithTrends:
    return TotalsWithTrends(
        metrics=Totals(
            total_runs=now.runs,
            total_duration_secs=_seconds(now),
            total_credits_used=now.credits,
            success_rate=now.success_rate,
            throughput=now.runs / days,
        ),
        trends=TotalTrends(
            total_runs=trend(now.runs, prior.runs),
            total_duration_secs=trend(now.duration_ms, prior.duration_ms),
            total_credits_used=trend(now.credits, prior.credits),
            success_rate=trend(now.success_rate, prior.success_rate),
            throughput=trend(now.runs, prior.runs),
        ),
    )


def project_data(name: str, now: Figures, prior: Figures) -> ProjectData:
    return ProjectData(
        project_name=name,
        metrics=ProjectTotals(
            total_credits_used=now.credits,
            total_duration_secs=_seconds(now),
            total_runs=now.runs,
            success_rate=now.success_rate,
        ),
        trends=ProjectTrends(
            total_credits_used=trend(now.credits, prior.credits),
            total_duration_secs=trend(now.duration_ms, prior.duration_ms),
            total_runs=trend(now.runs, prior.runs),
            success_rate=trend(now.success_rate, prior.success_rate),
        ),
    )


def page_metrics(now: Figures) -> PageMetrics:
    return PageMetrics(
        total_credits_used=now.credits,
        p95_duration_secs=now.duration_seconds(0.95),
        total_runs=now.runs,
        success_rate=now.success_rate,
    )


def page_trends(now: Figures, prior: Figures, prior_p95: float) -> PageTrends:
    """`prior_p95` is that of the worst day of the window before."""
    return PageTrends(
        total_credits_used=trend(now.credits, prior.credits),
        p95_duration_secs=trend(now.duration_seconds(0.95), prior_p95),
        total_runs=trend(now.runs, prior.runs),
        success_rate=trend(now.success_rate, prior.success_rate),
    )
