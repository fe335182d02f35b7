"""What outgoing webhooks carry: the bodies of both events and of a ping, and their signature."""

import hashlib
import hmac

import msgspec
from msgspec import UNSET, UnsetType

USER_AGENT = "CircleCI-Webhook/1.0"  # receivers tell our requests by it


def signature(secret: str, body: bytes) -> str:
    """Return the value of `circleci-signature`: versions of signatures, of which there is one."""
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def json_of(body: msgspec.Struct) -> str:
    """Return a body as it is sent."""
    return msgspec.json.encode(body).decode()


class Named(msgspec.Struct):
    id: str
    name: str


class HookProject(msgspec.Struct):
    id: str
    name: str
    slug: str


class HookTrigger(msgspec.Struct):
    type: str


class HookPerson(msgspec.Struct):
    name: str
    email: str


class HookCommit(msgspec.Struct):
    subject: str
    body: str
    author: HookPerson
    authored_at: str | None
    committer: HookPerson
    committed_at: str | None


class HookVcs(msgspec.Struct):
    provider_name: str
    origin_repository_url: str
    target_repository_url: str
    revision: str
    commit: HookCommit
    branch: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET


class HookCause(msgspec.Struct):
    """`trigger_parameters.circleci`: who or what asked for the pipeline."""

    event_time: str
    event_type: str
    trigger_type: str
    actor_id: str


class HookGit(msgspec.Struct):
    """`trigger_parameters.git`: what was checked out."""

    tag: str
    checkout_sha: str
    ref: str
    branch: str
    checkout_url: str


class HookParameters(msgspec.Struct):
    circleci: HookCause
    git: HookGit


class HookPipeline(msgspec.Struct):
    id: str
    number: int
    created_at: str
    trigger: HookTrigger
    vcs: HookVcs | UnsetType = UNSET
    trigger_parameters: HookParameters | UnsetType = UNSET


class HookWorkflow(msgspec.Struct):
    id: str
    name: str
    created_at: str
    stopped_at: str | None
    url: str
    status: str | UnsetType = UNSET


class HookJob(msgspec.Struct):
    id: str
    name: str
    status: str
    started_at: str | None
    stopped_at: str | None
    number: int | UnsetType = UNSET  # a job that ended before its turn has none


class HookEvent(msgspec.Struct):
    """The body of `workflow-completed`, and with `job` that of `job-completed`."""

    id: str
    type: str
    happened_at: str
    webhook: Named
    project: HookProject
    organization: Named
    pipeline: HookPipeline
    workflow: HookWorkflow
    job: HookJob | UnsetType = UNSET


class HookPing(msgspec.Struct):
    """The body of a test delivery."""

    type: str
    id: str
    happened_at: str
    webhook: Named
