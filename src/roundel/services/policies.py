"""Config policies: replaced as a whole, switched on, asked, and applied to pipelines."""

import time
from collections.abc import Mapping
from dataclasses import replace

from roundel.domain.access import Actor
from roundel.domain.errors import Invalid
from roundel.domain.ids import OrganizationId, new_id
from roundel.domain.pipelines import ErrorType, Pipeline, PipelineError
from roundel.domain.plan import Json
from roundel.domain.policies import (
    BundleChange,
    Decision,
    DecisionId,
    DecisionLog,
    Policy,
    Verdict,
    compare,
)
from roundel.domain.projects import Project
from roundel.services.compiling import CompileOutcome
from roundel.services.policy_worker import Question
from roundel.services.work import App, Tx


async def replace_bundle(
    organization: OrganizationId, files: Mapping[str, str], by: Actor, *, dry: bool, app: App
) -> BundleChange:
    """Let an organisation have the policies in `files` and no others; `dry` only compares.

    Policies that are not valid are refused; one that stays as it was keeps its author and time.
    """
    names: Mapping[str, str] = {}
    if files:
        checked = await app.judge.check(dict(files))
        if checked.error is not None:
            raise Invalid(checked.error)
        names = checked.names
    texts = {names[file]: text for file, text in files.items()}
    at = app.clock.now()

    def transaction(tx: Tx) -> BundleChange:
        before = {policy.name: policy for policy in tx.policies.bundle(organization)}
        change = compare({name: it.content for name, it in before.items()}, texts)
        if not dry:
            fresh = {*change.created, *change.modified}
            after = [
                Policy(name=name, content=text, created_at=at, created_by=by.id)
                if name in fresh
                else before[name]
                for name, text in texts.items()
            ]
            tx.policies.replace(organization, after)
        return change

    return await app.database.write(transaction)


async def switch_policies(organization: OrganizationId, enabled: bool, app: App) -> bool:
    """Let the policies of an organisation count or not; return whether they do."""
    if enabled:
        probe = await app.judge.check({})
        if probe.error is not None:
            raise Invalid(probe.error)

    def transaction(tx: Tx) -> None:
        before = tx.settings.of_organization(organization)
        tx.settings.save_organization(organization, replace(before, config_policies=enabled))

    await app.database.write(transaction)
    return enabled


async def decide(
    organization: OrganizationId, text: str, meta: Mapping[str, Json], app: App
) -> Decision:
    """Ask an organisation's policies about a config; nothing is kept of it."""
    bundle = await app.policies.bundle(organization)
    policies = {policy.name: policy.content for policy in bundle}
    return await app.judge.decide(Question(policies, input=text, meta=dict(meta)))


async def apply_policies(
    pipeline: Pipeline,
    project: Project,
    source: str,
    outcome: CompileOutcome,
    app: App,
) -> CompileOutcome:
    """Return the outcome, or errors in its place where the organisation's policies forbid it.

    The decision is kept.  What does not compile is not judged.
    """
    organization = project.organization.id
    if outcome.plan is None:
        return outcome
    bundle = await app.policies.bundle(organization)
    if not bundle:
        return outcome
    meta = _metadata(pipeline, project)
    began = time.monotonic()
    decision = await app.judge.decide(
        Question(
            {policy.name: policy.content for policy in bundle},
            input=source,
            compiled=outcome.output,
            meta=meta,
        )
    )
    log = DecisionLog(
        id=DecisionId(new_id()),
        organization_id=organization,
        project_id=project.id,
        build_number=pipeline.number,
        branch=pipeline.ref.branch,
        metadata=meta,
        decision=decision,
        policies=tuple(bundle),
        created_at=app.clock.now(),
        time_taken_ms=round((time.monotonic() - began) * 1000),
    )
    await app.database.write(lambda tx: tx.policies.add_decision(log))
    if not decision.blocks:
        return outcome
    error = PipelineError(type=ErrorType.CONFIG, message=_message(decision))
    return replace(outcome, plan=None, errors=(error,))


def _metadata(pipeline: Pipeline, project: Project) -> dict[str, Json]:
    """Return what policies see as `data.meta`."""
    vcs: dict[str, Json] = {
        "origin_repository_url": project.repository_url,
        "target_repository_url": project.repository_url,
    }
    if pipeline.ref.branch is not None:
        vcs["branch"] = pipeline.ref.branch
    if pipeline.ref.tag is not None:
        vcs["release_tag"] = pipeline.ref.tag
    return {
        "project_id": project.id,
        "build_number": pipeline.number,
        "ssh_rerun": False,
        "vcs": vcs,
    }


def _message(decision: Decision) -> str:
    if decision.status is Verdict.ERROR:
        return f"The organization's config policies could not be evaluated: {decision.reason}"
    lines = [f"{it.rule}: {it.reason}" for it in decision.hard_failures]
    return "\n".join(["This config was blocked by the organization's config policies:", *lines])
