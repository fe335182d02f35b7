"""Contexts at work: whether a job may have those that it names, and what is in them."""

from collections.abc import Mapping, Sequence

from roundel.compiler.expressions import UnknownName, evaluate, parse, truthy
from roundel.compiler.scanning import ExpressionError, Value
from roundel.domain.contexts import Context, Participant, SecretOwner, Use, why_refused
from roundel.domain.ids import OrganizationId, PersonId
from roundel.domain.jobs import JobStatus
from roundel.domain.pipelines import Commit, Pipeline
from roundel.domain.plan import JobType, Json
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.runners import Secret
from roundel.domain.schedules import SYSTEM
from roundel.domain.workflows import Workflow, WorkflowSlot
from roundel.services.contexts import SSH, owner_of
from roundel.services.values import pipeline_values
from roundel.services.variables import project_owner
from roundel.services.work import Tx
from roundel.vault.cipher import CannotUnseal, Cipher, about
from roundel.vault.env import branch_as_shown

CONFIG_FILE = ".circleci/config.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a job does not start: how it ends, and the sentence that people read."""

    status: JobStatus
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSecrets:
    """What a job gets at its claim: project variables, and contexts in the order of the config."""

    project: Mapping[str, Secret]
    contexts: tuple[Mapping[str, Secret], ...]

    @property
    def masks(self) -> tuple[Secret, ...]:
        found = [*self.project.values()]
        for context in self.contexts:
            found += context.values()
        return tuple(found)


class SecretLost(Exception):
    """A secret that a job needs cannot be opened; `str()` says which and why."""


def why_no_contexts(tx: Tx, slot: WorkflowSlot) -> Refusal | None:
    """Return why a job cannot start with the contexts that it names; None if it can."""
    if not slot.contexts:
        return None
    workflow = tx.workflows.get(slot.workflow_id)
    pipeline = None if workflow is None else tx.pipelines.get(workflow.pipeline_id)
    project = None if workflow is None else tx.projects.get_by_id(workflow.project_id)
    if workflow is None or pipeline is None or project is None:
        return None  # the claim will say so
    found = {name: _context(tx, project, name) for name in slot.contexts}
    missing = [name for name, context in found.items() if context is None]
    if missing:
        return Refusal(status=JobStatus.FAILED, message=f"Context not found: {', '.join(missing)}")
    use = Use(
        organization_id=project.organization.id,
        project_id=project.id,
        people=_people(tx, workflow, slot, project),
    )
    values = _values(pipeline, project)
    for name, context in found.items():
        if context is None:
            continue
        why = why_refused(
            tx.contexts.restrictions(context.id), use, lambda text: _holds(text, values)
        )
        if why is not None:
            return Refusal(
                status=JobStatus.UNAUTHORIZED, message=f"This job may not use {name}: {why}."
            )
    return None


def why_no_shell(
    tx: Tx, named: Sequence[str], pipeline: Pipeline, project: Project, person: PersonId
) -> str | None:
    """Return why somebody may not have a shell in a job with these contexts; None if they may.

    Whoever has one can read what the job was given, so each context is asked as if they had
    started the job, and with `job.ssh.enabled`.
    """
    if not receives_secrets(tx, pipeline, project):
        return None  # a fork's job, that was given nothing
    organization = project.organization.id
    use = Use(
        organization_id=organization,
        project_id=project.id,
        people=(_participant(tx, organization, person),),
    )
    values = _values(pipeline, project, for_shell=True)
    for name in named:
        context = _context(tx, project, name)
        if context is None:
            return f"the context {name} that it has is not there any more"
        why = why_refused(
            tx.contexts.restrictions(context.id), use, lambda text: _holds(text, values)
        )
        if why is not None:
            return f"it has the context {name}, and for a shell you count as its starter: {why}"
    return None


def _context(tx: Tx, project: Project, name: str) -> Context | None:
    """Return a context by its name, or by `organisation/name` of the same organisation."""
    found = tx.contexts.named(project.organization.id, name)
    if found is None:
        prefix = f"{project.organization.name}/"
        if name.startswith(prefix):
            found = tx.contexts.named(project.organization.id, name.removeprefix(prefix))
    return found


def _people(
    tx: Tx, workflow: Workflow, slot: WorkflowSlot, project: Project
) -> tuple[Participant, ...]:
    """Return who started the workflow, and who approved what the job waited for."""
    people = {} if workflow.started_by in (None, SYSTEM.id) else {workflow.started_by: None}
    slots = tx.workflows.layout(workflow.id).slots
    waiting = [slot]
    seen: set[str] = set()
    while waiting:
        current = waiting.pop()
        for need in current.requires:
            before = slots.get(need.job)
            if before is None or before.name in seen:
                continue
            seen.add(before.name)
            waiting.append(before)
            if before.type is JobType.APPROVAL and before.job_id is not None:
                job = tx.jobs.get(before.job_id)
                if job is not None and job.approved_by is not None:
                    people[PersonId(job.approved_by)] = None
    return tuple(_participant(tx, project.organization.id, PersonId(person)) for person in people)


def _participant(tx: Tx, organization: OrganizationId, person: PersonId) -> Participant:
    return Participant(
        role=tx.contexts.role_of(organization, person),
        groups=tx.groups.of_person(organization, person),
    )


def _values(pipeline: Pipeline, project: Project, *, for_shell: bool = False) -> Mapping[str, Json]:
    commit = pipeline.commit or Commit(revision="")
    return {**pipeline_values(pipeline, project, commit, CONFIG_FILE), SSH: for_shell}


def _value(values: Mapping[str, Json], name: str) -> Value:
    value = values.get(name)
    return value if isinstance(value, (bool, int, float, str)) else None


def _holds(expression: str, values: Mapping[str, Json]) -> bool:
    """Tell whether a restriction is fulfilled; one that cannot be judged is not."""
    try:
        return truthy(evaluate(parse(expression), lambda name: _value(values, name)))
    except (ExpressionError, UnknownName):
        return False


def secrets_of_job(
    tx: Tx,
    named: Sequence[str],
    pipeline: Pipeline,
    project: Project,
    cipher: Cipher,
) -> JobSecrets:
    """Return what a job gets.  Restrictions were judged; a fork's pipeline gets nothing."""
    if not receives_secrets(tx, pipeline, project):
        return JobSecrets(project={}, contexts=())
    contexts = []
    for name in named:
        context = _context(tx, project, name)
        if context is None:
            raise SecretLost(f"Context not found: {name}")
        contexts.append(_opened(tx, owner_of(context), name, cipher))
    own = _opened(tx, project_owner(project), "the project", cipher)
    return JobSecrets(project=own, contexts=tuple(contexts))


def context_ids(tx: Tx, project: Project, named: Sequence[str]) -> list[str]:
    """Return the ids of contexts that a job names."""
    found = (_context(tx, project, name) for name in named)
    return [context.id for context in found if context is not None]


def receives_secrets(tx: Tx, pipeline: Pipeline, project: Project) -> bool:
    """Tell whether a pipeline may see secrets: a fork's pull request only if the project says so.

    Branches of the repository itself run under their own names, so `pull/7` is a contribution.
    """
    if branch_as_shown(pipeline.ref.branch) == pipeline.ref.branch:  # or a tag, without a branch
        return True
    return tx.settings.of_project(project.id).forks_receive_secret_env_vars


def _opened(tx: Tx, owner: SecretOwner, named: str, cipher: Cipher) -> dict[str, Secret]:
    opened = {}
    for variable in tx.secrets.all(owner):
        try:
            opened[variable.name] = cipher.unseal(variable.value, about(owner, variable.name))
        except CannotUnseal as error:
            raise SecretLost(f"{variable.name} of {named} cannot be opened: {error}") from None
    return opened
