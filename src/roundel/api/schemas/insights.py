"""Insights on the wire."""

import msgspec

from roundel.api.schemas.common import Time, Uuid
from roundel.domain.insights import Figures, trend


class Durations(msgspec.Struct):
    """Seconds."""

    min: int
    mean: int
    median: int
    p95: int
    max: int
    standard_deviation: float


class RunMetrics(msgspec.Struct):
    total_runs: int
    successful_runs: int
    failed_runs: int
    success_rate: float
    throughput: float
    mttr: int
    total_recoveries: int
    total_credits_used: int
    duration_metrics: Durations


class WorkflowMetrics(msgspec.Struct):
    name: str
    metrics: RunMetrics
    window_start: Time
    window_end: Time
    project_id: Uuid


class JobMetrics(msgspec.Struct):
    total_runs: int
    successful_runs: int
    failed_runs: int
    success_rate: float
    throughput: float
    total_credits_used: int
    duration_metrics: Durations


class JobSummary(msgspec.Struct):
    name: str
    metrics: JobMetrics
    window_start: Time
    window_end: Time


class SummaryMetrics(msgspec.Struct):
    total_runs: int
    successful_runs: int
    failed_runs: int
    completed_runs: int
    success_rate: float
    throughput: float
    mttr: int
    total_credits_used: int
    duration_metrics: Durations
    window_start: Time
    window_end: Time


class SummaryTrends(msgspec.Struct):
    total_runs: float
    failed_runs: float
    success_rate: float
    p95_duration_secs: float
    median_duration_secs: float
    total_credits_used: float
    mttr: float
    throughput: float


class WorkflowSummary(msgspec.Struct):
    metrics: SummaryMetrics
    trends: SummaryTrends
    workflow_names: list[str]


class Run(msgspec.Struct):
    id: Uuid
    branch: str
    duration: int
    created_at: Time
    stopped_at: Time | None
    credits_used: int
    status: str
    is_approval: bool


class JobRun(msgspec.Struct):
    id: Uuid
    duration: int
    started_at: Time
    stopped_at: Time
    credits_used: int
    status: str


class SeriesDurations(msgspec.Struct):
    """Seconds."""

    min: int
    median: int
    max: int
    p95: int
    total: int


class SeriesMetrics(msgspec.Struct):
    total_runs: int
    failed_runs: int
    successful_runs: int
    throughput: float
    median_credits_used: int
    total_credits_used: int
    duration_metrics: SeriesDurations


class SeriesItem(msgspec.Struct):
    name: str
    min_started_at: Time
    max_ended_at: Time
    timestamp: Time
    metrics: SeriesMetrics


def durations(figures: Figures) -> Durations:
    return Durations(
        min=round((figures.shortest_ms or 0) / 1000),
        mean=figures.mean_seconds,
        median=round(figures.duration_seconds(0.5)),
        p95=round(figures.duration_seconds(0.95)),
        max=round((figures.longest_ms or 0) / 1000),
        standard_deviation=round(figures.deviation_seconds, 3),
    )


def run_metrics(figures: Figures, days: float) -> RunMetrics:
    return RunMetrics(
        total_runs=figures.runs,
        successful_runs=figures.successes,
        failed_runs=figures.failures,
        success_rate=figures.success_rate,
        throughput=figures.runs / days,
        mttr=figures.mttr_seconds,
        total_recoveries=figures.recoveries,
        total_credits_used=figures.credits,
        duration_metrics=durations(figures),
    )


def job_metrics(figures: Figures, days: float) -> JobMetrics:
    return JobMetrics(
        total_runs=figures.runs,
        successful_runs=figures.successes,
        failed_runs=figures.failures,
        success_rate=figures.success_rate,
        throughput=figures.runs / days,
        total_credits_used=figures.credits,
        duration_metrics=durations(figures),
    )


def series_metrics(figures: Figures, days: float) -> SeriesMetrics:
    return SeriesMetrics(
        total_runs=figures.runs,
        failed_runs=figures.failures,
        successful_runs=figures.successes,
        throughput=figures.runs / days,
        median_credits_used=figures.median_credits,
        total_credits_used=figures.credits,
        duration_metrics=SeriesDurations(
            min=round((figures.shortest_ms or 0) / 1000),
            median=round(figures.duration_seconds(0.5)),
            max=round((figures.longest_ms or 0) / 1000),
            p95=round(figures.duration_seconds(0.95)),
            total=round(figures.duration_ms / 1000),
        ),
    )


def summary_trends(now: Figures, prior: Figures, prior_p95: float) -> SummaryTrends:
    """`prior_p95` is that of the worst day of the window before."""
    return SummaryTrends(
        total_runs=trend(now.runs, prior.runs),
        failed_runs=trend(now.failures, prior.failures),
        success_rate=trend(now.success_rate, prior.success_rate),
        p95_duration_secs=trend(now.duration_seconds(0.95), prior_p95),
        median_duration_secs=trend(now.duration_seconds(0.5), prior.duration_seconds(0.5)),
        total_credits_used=trend(now.credits, prior.credits),
        mttr=trend(now.mttr_seconds, prior.mttr_seconds),
        throughput=trend(now.runs, prior.runs),
    )
