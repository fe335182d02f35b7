"""Identity tokens of jobs: drafted in the claim's transaction, signed after it.

All that a token says follows from the claim, so that a runner that comes back gets the very token
that its predecessor had, and masks it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid, NotAllowed
from roundel.domain.jobs import Execution, Job
from roundel.domain.oidc import (
    USUAL_TTL,
    Identity,
    SigningKey,
    checked_audience,
    next_key_from,
    signing_at,
    token_claims,
    ttl_of,
)
from roundel.domain.pipelines import Pipeline
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.runners import JobOrder, Secret
from roundel.domain.workflows import Workflow
from roundel.services.context_use import context_ids, receives_secrets
from roundel.services.signing_keys import issuer_of, make_due_key, root_issuer_of
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal
from roundel.vault.env import branch_as_shown, repository_origin

log = logging.getLogger(__name__)

NOBODY = "00000000-0000-0000-0000-000000000000"
V1, V2 = "CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"
NOT_HERE = "Identity tokens (OpenID Connect) are not given out in local runs."
NOT_FOR_FORKS = "A fork's pull request gets no identity token (OpenID Connect)."
ONLY_AUDIENCE = '--claims: only `aud` can be chosen, for example \'{"aud": "sts.example.com"}\''


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDraft:
    """All that a job's tokens need, as of its claim."""

    identity: Identity
    execution: Execution
    keys: Sequence[SigningKey]
    audience: tuple[str, ...]
    ttl: Micros


def draft_tokens(
    tx: Tx,
    execution: Execution,
    job: Job,
    workflow: Workflow,
    pipeline: Pipeline,
    project: Project,
    issued_at: Micros,
) -> TokenDraft | None:
    """Return the draft of a job's tokens; None for a fork's, which gets none."""
    if not receives_secrets(tx, pipeline, project):
        return None
    organization = project.organization.id
    chosen = tx.custom_claims.chosen(organization, project.id)
    return TokenDraft(
        identity=Identity(
            organization_id=organization,
            project_id=project.id,
            user=workflow.started_by or NOBODY,
            origin=repository_origin(project.repository_url) or str(project.slug),
            ref=_ref(pipeline),
            claims={
                "context-ids": context_ids(
                    tx, project, tx.workflows.contexts_of(workflow.id, job.id)
                ),
                "job-id": job.id,
                "pipeline-id": pipeline.id,
                "workflow-id": workflow.id,
                "ssh-rerun": False,
            },
            issued_at=issued_at,
        ),
        execution=execution,
        keys=tx.signing_keys.all(),
        audience=chosen.audience or (organization,),
        ttl=USUAL_TTL if chosen.ttl is None else ttl_of(chosen.ttl),
    )


def _ref(pipeline: Pipeline) -> str:
    if pipeline.ref.tag is not None:
        return f"refs/tags/{pipeline.ref.tag}"
    branch = branch_as_shown(pipeline.ref.branch)
    return "" if branch is None else f"refs/heads/{branch}"


async def with_tokens(
    order: JobOrder, draft: TokenDraft | None, own: Mapping[str, str], app: App
) -> JobOrder:
    """Return an order with its tokens among the built-in values, and hidden in output.

    A variable that the job itself sets stays as it is.
    """
    signer = app.signer
    if draft is None or signer is None:
        return order
    key = await _key_for(draft, app)
    identity, fence = draft.identity, f"{draft.execution.id}.{draft.execution.fence}"

    def sign(subject: str, number: int) -> Secret:
        claims = token_claims(
            identity,
            issuer=issuer_of(app, identity.organization_id),
            subject=subject,
            number=f"{fence}.{number}",
            audience=draft.audience,
            ttl=draft.ttl,
        )
        return signer.sign(key, claims, app.cipher)

    try:
        # Each takes a millisecond of a core, for which the job waits.
        first, second = await asyncio.gather(
            asyncio.to_thread(sign, identity.subject, 1),
            asyncio.to_thread(sign, identity.subject_v2, 2),
        )
    except CannotUnseal as error:
        log.error("no identity token for a job: %s", error, extra={"event": "token-failed"})
        return order
    tokens = {V1: first, V2: second}
    environment = {**order.environment, **tokens, **own}
    return replace(order, environment=environment, masks=(*order.masks, *tokens.values()))


async def token_on_demand(
    draft: TokenDraft | None, claims: Mapping[str, object], root_issuer: bool, app: App
) -> Secret:
    """Return a token that a job asks for with claims of its own, good from now on.

    Refuse other claims than `aud`, and jobs of forks.
    """
    signer = app.signer
    if signer is None:
        raise NotAllowed(NOT_HERE)
    if draft is None:
        raise NotAllowed(NOT_FOR_FORKS)
    audience = _audience(claims) or draft.audience
    now = Micros(app.clock.now())
    fresh = replace(draft, identity=replace(draft.identity, issued_at=now))
    key = await _key_for(fresh, app)
    organization = fresh.identity.organization_id
    issuer = root_issuer_of(app) if root_issuer else issuer_of(app, organization)
    body = token_claims(
        fresh.identity,
        issuer=issuer,
        subject=fresh.identity.subject_v2,
        number=f"{draft.execution.id}.{draft.execution.fence}.{now}",
        audience=audience,
        ttl=fresh.ttl,
    )
    return await asyncio.to_thread(signer.sign, key, body, app.cipher)


def _audience(claims: Mapping[str, object]) -> tuple[str, ...] | None:
    if set(claims) - {"aud"}:
        raise Invalid(ONLY_AUDIENCE)
    match claims.get("aud"):
        case None:
            return None
        case str() as one:
            return checked_audience([one])
        case list() as several if all(isinstance(one, str) for one in several):
            return checked_audience(several)
    raise Invalid(ONLY_AUDIENCE)


async def _key_for(draft: TokenDraft, app: App) -> SigningKey:
    """Return the key for a draft; make the next one where that is due."""
    at = draft.identity.issued_at
    keys = draft.keys
    if next_key_from(keys, at) is not None:
        keys = await make_due_key(at, app)
    key = signing_at(keys, at)
    if key is None:
        raise LookupError("no key signs identity tokens")
    return key
