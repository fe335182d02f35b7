"""What becomes of a pipeline once its config was compiled: errors, a setup, or workflows."""

from dataclasses import replace

from roundel.domain.clock import Micros
from roundel.domain.pipelines import ErrorType, Pipeline, PipelineError, PipelineState
from roundel.services.compiling import CompileOutcome
from roundel.services.plans import PlanHead
from roundel.services.work import Tx

SETUP_AGAIN = "The configuration that continues a pipeline cannot be a setup configuration."


def settle(
    tx: Tx,
    pipeline: Pipeline,
    source: str | None,
    outcome: CompileOutcome,
    head: PlanHead | None,
    at: Micros,
) -> Pipeline:
    """Return the pipeline in its next state, with the texts that it has from now on.

    A setup config makes a pipeline that is in setup until its continuation comes; of a pipeline
    that is in setup the continuation makes an ordinary one.
    """
    tx.orbs.lock(pipeline.id, outcome.orbs)
    errors = outcome.errors
    setup = head is not None and head.setup
    if head is not None and setup and not errors:
        errors = _why_no_setup(tx, pipeline, head)
    failed = head is None or bool(errors)
    texts = replace(
        pipeline,
        errors=errors,
        source=None if source is None else tx.documents.put(source),
        compiled=tx.documents.put(outcome.output) if outcome.output else None,
        plan=None if failed or outcome.plan is None else tx.documents.put(outcome.plan),
    )
    if failed:
        return texts.move(PipelineState.ERRORED, at)
    if not setup:
        return texts.move(PipelineState.CREATED, at)
    in_setup = texts.move(PipelineState.SETUP_PENDING, at).move(PipelineState.SETUP, at)
    return replace(
        in_setup,
        setup_source=texts.source,
        setup_compiled=texts.compiled,
        setup_plan=texts.plan,
    )


def _why_no_setup(tx: Tx, pipeline: Pipeline, head: PlanHead) -> tuple[PipelineError, ...]:
    """Return why a config with `setup: true` cannot run, if so."""
    running = [it for it in head.workflows if any(slot.excluded is None for slot in it.slots)]
    message = None
    if pipeline.state is PipelineState.SETUP:
        message = SETUP_AGAIN
    elif not tx.settings.of_project(pipeline.project_id).setup_workflows:
        message = "Setup workflows are switched off in this project's settings."
    elif any(it.schedules for it in head.workflows):
        message = "A setup configuration cannot have workflows with `triggers`."
    elif len(running) != 1:
        message = (
            f"A setup configuration must run exactly one workflow; this one runs {len(running)}."
        )
    if message is None:
        return ()
    return (PipelineError(type=ErrorType.CONFIG, message=message),)
