"""A workflow as spans: its pipeline's id is the trace, and every id gives the same span again.

The names of attributes are those of OpenTelemetry's conventions for CI/CD and version control.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.jobs import FAILURES, JobStatus
from roundel.domain.pipelines import Pipeline
from roundel.domain.runners import StepReport, StepStatus
from roundel.domain.telemetry import Span, SpanStatus
from roundel.domain.views import JobView, NodeView, PipelineView
from roundel.domain.workflows import Workflow

# `cicd.pipeline.result`, `cicd.pipeline.task.run.result`
_RESULTS = {
    "success": "success",
    "canceled": "cancellation",
    "not_run": "skip",
    "timedout": "timeout",
    "infrastructure_fail": "error",
    "error": "error",
    "unauthorized": "error",
}
_FAILED_WORKFLOWS = frozenset(
    {WorkflowStatus.FAILED, WorkflowStatus.ERROR, WorkflowStatus.UNAUTHORIZED}
)
_FAILED_STEPS = frozenset({StepStatus.FAILED, StepStatus.TIMEDOUT, StepStatus.INFRASTRUCTURE_FAIL})


def span_id(thing: str) -> str:
    """Return the span of what an id names."""
    return blake2b(thing.encode(), digest_size=8).hexdigest()


def pipeline_span(view: PipelineView, workflows: Sequence[Workflow], url: str) -> Span:
    """Return the root of a trace: a pipeline whose workflows have ended."""
    pipeline = view.pipeline
    failed = any(it.status in _FAILED_WORKFLOWS for it in workflows)
    good = all(it.status is WorkflowStatus.SUCCESS for it in workflows)
    ends = [it.stopped_at for it in workflows if it.stopped_at is not None]
    attributes: dict[str, str | int] = {
        "cicd.pipeline.name": str(view.project_slug),
        "cicd.pipeline.run.id": pipeline.id,
        "cicd.pipeline.run.url.full": url,
        "vcs.repository.url.full": view.repository_url,
        "roundel.pipeline.number": pipeline.number,
        "roundel.pipeline.trigger": pipeline.trigger.type.value,
    }
    name = pipeline.ref.tag or pipeline.ref.branch
    if name:
        attributes["vcs.ref.head.name"] = name
        attributes["vcs.ref.head.type"] = "tag" if pipeline.ref.tag else "branch"
    if pipeline.commit is not None:
        attributes["vcs.ref.head.revision"] = pipeline.commit.revision
    return Span(
        trace_id=_trace(pipeline),
        span_id=span_id(pipeline.id),
        parent_id=None,
        name=f"{view.project_slug} {pipeline.number}",
        start=pipeline.created_at,
        end=max(ends, default=pipeline.created_at),
        status=SpanStatus.ERROR if failed else SpanStatus.OK if good else SpanStatus.UNSET,
        attributes=attributes,
    )


def workflow_span(pipeline: Pipeline, workflow: Workflow, url: str) -> Span:
    """Return the span of a workflow that has ended."""
    attributes: dict[str, str | int] = {
        "cicd.pipeline.name": workflow.name,
        "cicd.pipeline.run.id": workflow.id,
        "cicd.pipeline.run.url.full": url,
        "cicd.pipeline.result": _result(workflow.status),
    }
    if workflow.rerun_of is not None:
        attributes["roundel.workflow.rerun_of"] = workflow.rerun_of
    failed = workflow.status in _FAILED_WORKFLOWS
    good = workflow.status is WorkflowStatus.SUCCESS
    return Span(
        trace_id=_trace(pipeline),
        span_id=span_id(workflow.id),
        parent_id=span_id(pipeline.id),
        name=workflow.name,
        start=workflow.created_at,
        end=workflow.stopped_at or workflow.created_at,
        status=SpanStatus.ERROR if failed else SpanStatus.OK if good else SpanStatus.UNSET,
        attributes=attributes,
    )


def job_spans(view: JobView) -> Iterable[Span]:
    """Yield the span of a job that has run, and those of its steps."""
    job = view.job
    if job.started_at is None or job.stopped_at is None:
        return
    attributes: dict[str, str | int] = {
        "cicd.pipeline.task.name": job.name,
        "cicd.pipeline.task.run.id": job.id,
        "cicd.pipeline.task.run.result": _result(job.status),
        "roundel.job.parallelism": job.parallelism,
        "roundel.job.executor": job.executor,
    }
    if job.number is not None:
        attributes["roundel.job.number"] = job.number
    if job.resource_class is not None:
        attributes["roundel.job.resource_class"] = job.resource_class
    failed = job.status in FAILURES
    good = job.status is JobStatus.SUCCESS
    own = span_id(job.id)
    yield Span(
        trace_id=_trace(view.pipeline),
        span_id=own,
        parent_id=span_id(view.workflow.id),
        name=job.name,
        start=job.started_at,
        end=job.stopped_at,
        status=SpanStatus.ERROR if failed else SpanStatus.OK if good else SpanStatus.UNSET,
        message=(job.message or "") if failed else "",
        attributes=attributes,
    )
    for node in view.nodes:
        for step, _ in node.steps:
            yield _step_span(view.pipeline, own, node, step, job.stopped_at)


def _step_span(
    pipeline: Pipeline, job: str, node: NodeView, step: StepReport, latest: Micros
) -> Span:
    attributes: dict[str, str | int] = {
        "roundel.step.index": step.index,
        "roundel.step.kind": step.kind,
        "roundel.step.node": node.node,
    }
    if step.exit_code is not None:
        attributes["process.exit.code"] = step.exit_code
    failed = step.status in _FAILED_STEPS
    good = step.status is StepStatus.SUCCESS
    return Span(
        trace_id=_trace(pipeline),
        span_id=span_id(f"{node.execution_id}/{step.index}"),
        parent_id=job,
        name=step.name,
        start=step.started_at,
        end=step.ended_at or latest,
        status=SpanStatus.ERROR if failed else SpanStatus.OK if good else SpanStatus.UNSET,
        message=(step.message or "") if failed else "",
        attributes=attributes,
    )


def _trace(pipeline: Pipeline) -> str:
    return pipeline.id.replace("-", "")


def _result(status: str) -> str:
    return _RESULTS.get(status, "failure")
