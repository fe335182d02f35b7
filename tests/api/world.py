"""A small world behind the API: two organisations, held in memory, obeying the ports."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from roundel.api.ports import CheckedConfig, ConfigText, NewToken
from roundel.domain.access import Actor, Need, Role
from roundel.domain.audit import Deed
from roundel.domain.clock import MINUTE, SECOND, Micros
from roundel.domain.errors import IllegalMove, Invalid, NotAllowed, NotFound, Unauthenticated
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import (
    ExecutionId,
    JobId,
    OrganizationId,
    PersonId,
    PipelineId,
    ProjectId,
    TokenId,
    WorkflowId,
)
from roundel.domain.jobs import ExecutionStatus, Job, JobStatus
from roundel.domain.line_index import LineIndex
from roundel.domain.logs import Piece
from roundel.domain.pipelines import Commit, Pipeline, PipelineState, Ref, Trigger, TriggerType
from roundel.domain.plan import JobType, Json, Requirement
from roundel.domain.projects import Organization, Project, Slug, Vcs
from roundel.domain.reruns import Choice
from roundel.domain.runners import StepReport, StepStatus
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.domain.views import (
    NodeView,
    PipelineConfig,
    PipelineView,
    SlotView,
    WorkflowView,
)
from roundel.domain.workflows import Workflow
from roundel.store.wakeups import LocalWakeups
from tests.api.readers import Readers

NOON = Micros(1_710_158_205_678_000)  # 2024-03-11T11:56:45.678Z
_ids = count(1)


def an_id() -> str:
    """Return a valid UUIDv7 that is larger than all before it."""
    return f"018e2d5f-0000-7000-8000-{next(_ids):012x}"


class StoppedClock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> Micros:
        return self.at

    def steady(self) -> Micros:
        return self.at

    def pass_by(self, micros: int) -> None:
        self.at = Micros(self.at + micros)


def an_organization(name: str) -> Organization:
    return Organization(id=OrganizationId(an_id()), vcs=Vcs.GITHUB, name=name, created_at=NOON)


def a_project(organization: Organization, name: str) -> Project:
    return Project(
        id=ProjectId(an_id()),
        organization=organization,
        slug=Slug(vcs=organization.vcs, organization=organization.name, project=name),
        name=name,
        repository_url=f"https://git.example/{organization.name}/{name}",
        default_branch="main",
        created_at=NOON,
    )


@dataclass
class World:
    """Implements the readers, the logs and the use cases on plain dicts."""

    clock: StoppedClock = field(default_factory=StoppedClock)
    actors: dict[str, Actor] = field(default_factory=dict)  # by token text
    organizations_by_id: dict[str, Organization] = field(default_factory=dict)
    projects_by_id: dict[str, Project] = field(default_factory=dict)
    pipelines_by_id: dict[str, PipelineView] = field(default_factory=dict)
    configs: dict[str, PipelineConfig] = field(default_factory=dict)
    workflows_by_id: dict[str, WorkflowView] = field(default_factory=dict)
    slots_of: dict[str, list[SlotView]] = field(default_factory=dict)
    nodes_of: dict[str, tuple[NodeView, ...]] = field(default_factory=dict)
    outputs: dict[tuple[str, int], list[Piece]] = field(default_factory=dict)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    settings: dict[str, ProjectSettings] = field(default_factory=dict)
    waits: dict[str, str] = field(default_factory=dict)  # why, by the job's name
    lookups: int = 0
    broken: bool = False
    wakeups: LocalWakeups = field(default_factory=LocalWakeups)

    deeds: list[Deed] = field(default_factory=list)

    # The parts of the server, all of which this one object is.

    @property
    def audit(self) -> "World":
        return self

    async def record(self, deed: Deed) -> None:
        self.deeds.append(deed)

    @property
    def reads(self) -> Readers:
        return Readers(self)

    @property
    def logs(self) -> "World":
        return self

    @property
    def supply(self) -> "World":
        return self

    def why_waiting(self, job: Job) -> str | None:
        return self.waits.get(job.name)

    @property
    def runners(self) -> None:
        """No runner calls here."""

    async def greet_runner(self, runner: object) -> None:
        self.asked.append(("greet", runner))

    # Building

    def person(self, token: str, login: str, **roles: Role) -> Actor:
        by_name = {it.name: it.id for it in self.organizations_by_id.values()}
        actor = Actor(
            id=PersonId(an_id()),
            login=login,
            name=login.title(),
            roles={by_name[name]: role for name, role in roles.items()},
        )
        self.actors[token] = actor
        return actor

    def limit(self, token: str, *scopes: Need) -> None:
        self.actors[token] = replace(self.actors[token], scopes=frozenset(scopes))

    def organization(self, name: str) -> Organization:
        made = an_organization(name)
        self.organizations_by_id[made.id] = made
        return made

    def project(self, organization: Organization, name: str) -> Project:
        made = a_project(organization, name)
        self.projects_by_id[made.id] = made
        return made

    def pipeline(
        self, project: Project, *, by: Actor, ref: Ref | None = None, **changes: object
    ) -> Pipeline:
        numbers = [
            it.pipeline.number
            for it in self.pipelines_by_id.values()
            if it.pipeline.project_id == project.id
        ]
        self.clock.pass_by(SECOND)
        made = Pipeline(
            id=PipelineId(an_id()),
            project_id=project.id,
            number=max(numbers, default=0) + 1,
            state=PipelineState.CREATED,
            trigger=Trigger(
                type=TriggerType.API,
                received_at=self.clock.now(),
                actor_id=by.id,
                actor_login=by.login,
            ),
            ref=ref or Ref(branch="main"),
            parameters={},
            created_at=self.clock.now(),
            updated_at=self.clock.now(),
            commit=Commit(revision="f" * 40, subject="Say hello", author_name="Ada"),
        )
        made = replace(made, **changes)  # type: ignore[arg-type]
        self._keep(project, made)
        return made

    def _keep(self, project: Project, pipeline: Pipeline) -> None:
        self.pipelines_by_id[pipeline.id] = PipelineView(
            pipeline=pipeline,
            project_slug=project.slug,
            repository_url=project.repository_url,
        )

    def workflow(self, project: Project, pipeline: Pipeline, name: str = "main") -> Workflow:
        self.clock.pass_by(SECOND)
        own = WorkflowId(an_id())
        made = Workflow(
            id=own,
            pipeline_id=pipeline.id,
            project_id=project.id,
            name=name,
            status=WorkflowStatus.RUNNING,
            started_by=pipeline.trigger.actor_id,
            workspace_id=own,
            created_at=self.clock.now(),
        )
        self.workflows_by_id[own] = WorkflowView(
            workflow=made,
            project_slug=project.slug,
            organization_id=project.organization.id,
            pipeline_number=pipeline.number,
        )
        self.slots_of[own] = []
        return made

    def job(
        self,
        workflow: Workflow,
        name: str,
        *,
        status: JobStatus = JobStatus.SUCCESS,
        kind: JobType = JobType.BUILD,
        number: int | None = None,
        requires: Sequence[str] = (),
    ) -> Job:
        ran = status in (JobStatus.SUCCESS, JobStatus.FAILED)
        made = Job(
            id=JobId(an_id()),
            project_id=workflow.project_id,
            workflow_id=workflow.id,
            name=name,
            type=kind,
            status=status,
            plan_key=None if kind is JobType.APPROVAL else name,
            number=number,
            created_at=self.clock.now(),
            queued_at=self.clock.now(),
            started_at=self.clock.now() if ran else None,
            stopped_at=Micros(self.clock.now() + MINUTE) if ran else None,
        )
        known = {slot.job.name: slot.job.id for slot in self.slots_of[workflow.id]}
        self.slots_of[workflow.id].append(
            SlotView(
                job=made,
                requires=tuple(Requirement(job=it) for it in requires),
                dependencies=tuple(known[it] for it in requires),
            )
        )
        return made

    def output(self, job: Job, *texts: bytes, nodes: int = 1) -> list[ExecutionId]:
        """Give the job one step that printed `texts`, on each of its nodes."""
        made = []
        executions = []
        for node in range(nodes):
            execution = ExecutionId(an_id())
            offset = 0
            pieces = []
            for number, data in enumerate(texts):
                at = Micros(NOON + number * SECOND)
                pieces.append(Piece(offset=offset, data=data, at=at))
                offset += len(data)
            self.outputs[execution, 0] = pieces
            report = StepReport(
                index=0,
                name="Say hello",
                kind="run",
                status=StepStatus.SUCCESS,
                command="echo hello",
                exit_code=0,
                started_at=NOON,
                ended_at=Micros(NOON + SECOND),
            )
            made.append(
                NodeView(
                    execution_id=execution,
                    node=node,
                    status=ExecutionStatus.SUCCESS,
                    started_at=NOON,
                    stopped_at=Micros(NOON + SECOND),
                    steps=((report, offset),),
                )
            )
            executions.append(execution)
        self.nodes_of[job.id] = tuple(made)
        return executions

    # Logs

    async def read(
        self, execution: ExecutionId, step: int, *, offset: int = 0, follow: bool = False
    ) -> AsyncIterator[Piece]:
        self.asked.append(("read", execution, step, offset, follow))
        for piece in self.outputs.get((execution, step), []):
            data = piece.data[max(0, offset - piece.offset) :]
            if data:
                yield replace(piece, data=data)

    async def line_index(self, execution: ExecutionId, step: int) -> LineIndex | None:
        return None

    # Use cases

    async def trigger_pipeline(
        self, project: Project, ref: Ref, parameters: Mapping[str, Json], by: Actor
    ) -> Pipeline | None:
        self.asked.append(("trigger", project.slug, ref, dict(parameters), by.login))
        if ref.branch == "nowhere":
            raise Invalid("Branch not found")
        if ref.branch == "skipped":
            return None
        return self.pipeline(
            project,
            by=by,
            ref=ref if ref.branch or ref.tag else Ref(branch=project.default_branch),
            state=PipelineState.PENDING,
            parameters=parameters,
            commit=None,
        )

    async def cancel_workflow(self, workflow_id: WorkflowId, by: Actor) -> None:
        self.asked.append(("cancel workflow", workflow_id, by.login))

    async def continue_pipeline(
        self, unverified_key: str, configuration: str, parameters: Mapping[str, Json]
    ) -> Pipeline:
        if unverified_key != "the key":
            raise Unauthenticated("The continuation key is not valid.")
        self.asked.append(("continue", configuration, dict(parameters)))
        return next(iter(self.pipelines_by_id.values())).pipeline

    async def rerun_workflow(
        self, workflow_id: WorkflowId, choice: Choice, enable_ssh: bool, by: Actor
    ) -> WorkflowId:
        self.asked.append(("rerun", workflow_id, choice, enable_ssh, by.login))
        return workflow_id

    async def approve_job(self, workflow_id: WorkflowId, approval_id: JobId, by: Actor) -> None:
        for slot in self.slots_of[workflow_id]:
            if slot.job.id == approval_id:
                if slot.job.status is not JobStatus.ON_HOLD:
                    raise IllegalMove(f"job {slot.job.name!r} does not wait for an approval")
                self.asked.append(("approve", approval_id, by.login))
                return
        raise NotFound("Approval request not found")

    async def cancel_job(self, job_id: JobId, by: Actor) -> None:
        self.asked.append(("cancel job", job_id, by.login))

    async def add_project(
        self, slug: Slug, repository_url: str, default_branch: str | None, by: Actor
    ) -> Project:
        made = self.project(self.organization(slug.organization), slug.project)
        self.asked.append(("add project", str(slug), repository_url, default_branch, by.login))
        return made

    async def change_project_settings(
        self, project: Project, changes: Mapping[str, object], by: Actor
    ) -> ProjectSettings:
        before = self.settings.get(project.id, ProjectSettings())
        self.settings[project.id] = replace(before, **changes)  # type: ignore[arg-type]
        return self.settings[project.id]

    async def change_organization_settings(
        self, organization: OrganizationId, changes: Mapping[str, object]
    ) -> OrganizationSettings:
        return replace(OrganizationSettings(), **changes)  # type: ignore[arg-type]

    async def create_token(
        self,
        login: str | None,
        expires_seconds: int | None,
        by: Actor,
        scopes: frozenset[Need] | None = None,
    ) -> NewToken:
        if login is not None and login != by.login and not by.server_administrator:
            raise NotAllowed("Permission denied.")
        expires = None if expires_seconds is None else self.clock.now() + expires_seconds * SECOND
        text = f"made-{next(_ids)}"
        self.actors[text] = by
        return NewToken(
            id=TokenId(an_id()),
            text=text,
            login=login or by.login,
            expires_at=None if expires is None else Micros(expires),
        )

    async def revoke_token(self, token_id: TokenId, by: Actor) -> None:
        self.asked.append(("revoke", token_id, by.login))

    async def compile_config(self, text: ConfigText) -> CheckedConfig:
        if "broken" in text.source:
            return CheckedConfig(output="", errors=("It is broken",))
        return CheckedConfig(output=text.source.upper(), errors=())
