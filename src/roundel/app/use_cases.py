"""What the doors may ask for: commands of the use cases, made of what a handler has."""

from collections.abc import Callable, Mapping, Sequence

from roundel.api.ports import CheckedConfig, ConfigText, NewToken
from roundel.app.audit_cases import AuditCases
from roundel.app.definition_cases import DefinitionCases
from roundel.app.engine import Engine
from roundel.app.exporter_cases import ExporterCases
from roundel.app.git_cases import GitCases
from roundel.app.oidc_cases import OidcCases
from roundel.app.organization_cases import OrganizationCases
from roundel.app.policy_cases import PolicyCases
from roundel.app.repeat_cases import RepeatCases
from roundel.app.rollback_cases import RollbackCases
from roundel.app.runner_use_cases import RunnerUseCases
from roundel.app.secret_use_cases import SecretUseCases
from roundel.app.webhook_cases import WebhookCases
from roundel.domain.access import Actor, Need
from roundel.domain.checkout_keys import CheckoutKey, KeyType
from roundel.domain.clock import Micros
from roundel.domain.ids import JobId, OrganizationId, ScheduleId, TokenId, WorkflowId
from roundel.domain.orbs import UrlOrbId, UrlOrbPrefix
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.plan import Json
from roundel.domain.projects import Project, Slug
from roundel.domain.reruns import Choice
from roundel.domain.schedules import Attribution, Schedule, Timetable
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.domain.ssh_keys import SshKey
from roundel.domain.usage import UsageExport
from roundel.services.approvals import ApproveJob, approve_job
from roundel.services.checkout_keys import remove_checkout_key
from roundel.services.clearing import clear_caches
from roundel.services.compiling import CompileRequest
from roundel.services.continuing import ContinuePipeline, continue_pipeline
from roundel.services.deploy_keys import add_deploy_key
from roundel.services.jobs import CancelJob, cancel_job
from roundel.services.orbs import Orbs
from roundel.services.pipelines import TriggerPipeline, trigger_pipeline
from roundel.services.projects import AddProject, add_project
from roundel.services.reruns import RerunWorkflow, rerun_workflow
from roundel.services.schedules import (
    ChangeSchedule,
    CreateSchedule,
    change_schedule,
    create_schedule,
    remove_schedule,
)
from roundel.services.settings import change_organization_settings, change_project_settings
from roundel.services.ssh_keys import add_ssh_key, remove_ssh_key
from roundel.services.tokens import (
    CreateToken,
    create_token,
    revoke_token,
    revoke_tokens_before,
)
from roundel.services.url_orbs import allow_url_orbs, forbid_url_orbs
from roundel.services.usage import ask_for_export
from roundel.services.workflows import CancelWorkflow, cancel_workflow


class UseCases(RunnerUseCases):
    """Implements `api.ports.UseCases`."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.audit = AuditCases(engine)
        self.definitions = DefinitionCases(engine)
        self.exporters = ExporterCases(engine)
        self.git = GitCases(engine)
        self.policies = PolicyCases(engine)
        self.repeats = RepeatCases(engine)
        self.organizations = OrganizationCases(engine)
        self.rollbacks = RollbackCases(engine)
        self.secrets = SecretUseCases(engine)
        self.webhooks = WebhookCases(engine)
        self.oidc = OidcCases(engine)

    async def add_checkout_key(self, project: Project, type_: KeyType) -> CheckoutKey:
        """Make a key pair for a project's checkouts."""
        return await add_deploy_key(project, type_, self._engine)

    async def remove_checkout_key(self, project: Project, fingerprint: str) -> None:
        """Remove a key pair."""
        await remove_checkout_key(project, fingerprint, self._engine)

    async def add_ssh_key(
        self, project: Project, hostname: str | None, unverified_key: str
    ) -> SshKey:
        """Keep a private key for a host."""
        return await add_ssh_key(project, hostname, unverified_key, self._engine)

    async def remove_ssh_key(
        self, project: Project, hostname: str | None, fingerprint: str
    ) -> None:
        """Remove a key of a host, or of all."""
        await remove_ssh_key(project, hostname, fingerprint, self._engine)

    async def trigger_pipeline(
        self, project: Project, ref: Ref, parameters: Mapping[str, Json], by: Actor
    ) -> Pipeline | None:
        """Accept a pipeline, which is compiled behind the answer; None if its commit wants none."""
        command = TriggerPipeline(project=project, ref=ref, parameters=parameters, by=by)
        triggered = await trigger_pipeline(command, self._engine)
        if triggered is None:
            return None
        self._engine.ticks.create(triggered)
        return triggered.pipeline

    async def cancel_workflow(self, workflow_id: WorkflowId, by: Actor) -> None:
        """Ask for a workflow's end."""
        await cancel_workflow(CancelWorkflow(workflow=workflow_id, by=by), self._engine)

    async def continue_pipeline(
        self, unverified_key: str, configuration: str, parameters: Mapping[str, Json]
    ) -> Pipeline:
        """Go on with a pipeline that is in setup; the key is all that the caller shows."""
        command = ContinuePipeline(
            unverified_key=unverified_key, configuration=configuration, parameters=parameters
        )
        return await continue_pipeline(command, self._engine)

    async def rerun_workflow(
        self, workflow_id: WorkflowId, choice: Choice, enable_ssh: bool, by: Actor
    ) -> WorkflowId:
        """Run a workflow again; return the new one."""
        command = RerunWorkflow(workflow=workflow_id, by=by, choice=choice, enable_ssh=enable_ssh)
        return (await rerun_workflow(command, self._engine)).id

    async def approve_job(self, workflow_id: WorkflowId, approval_id: JobId, by: Actor) -> None:
        """Let a held workflow go on."""
        command = ApproveJob(workflow=workflow_id, approval=approval_id, by=by)
        await approve_job(command, self._engine)

    async def cancel_job(self, job_id: JobId, by: Actor) -> None:
        """Ask for a job's end."""
        await cancel_job(CancelJob(job=job_id, by=by), self._engine)

    async def add_project(
        self, slug: Slug, repository_url: str, default_branch: str | None, by: Actor
    ) -> Project:
        """Register a project."""
        command = AddProject(
            slug=slug, repository_url=repository_url, default_branch=default_branch, by=by
        )
        return await add_project(command, self._engine)

    async def change_project_settings(
        self, project: Project, changes: Mapping[str, object], by: Actor
    ) -> ProjectSettings:
        """Change some of a project's settings."""
        return await change_project_settings(project, changes, by, self._engine)

    async def change_organization_settings(
        self, organization: OrganizationId, changes: Mapping[str, object]
    ) -> OrganizationSettings:
        """Change some of an organisation's settings."""
        return await change_organization_settings(organization, changes, self._engine)

    async def create_schedule(
        self,
        project: Project,
        *,
        name: str,
        description: str | None,
        timetable: Timetable,
        attribution: Attribution,
        parameters: Mapping[str, Json],
        by: Actor,
    ) -> Schedule:
        """Run a project's pipeline by the clock."""
        command = CreateSchedule(
            project=project,
            by=by,
            name=name,
            description=description,
            timetable=timetable,
            attribution=attribution,
            parameters=parameters,
        )
        return await create_schedule(command, self._engine)

    async def change_schedule(
        self,
        schedule_id: ScheduleId,
        changes: Mapping[str, object],
        timetable: Callable[[Timetable], Timetable] | None,
        by: Actor,
    ) -> Schedule:
        """Change some of a schedule."""
        command = ChangeSchedule(schedule=schedule_id, by=by, changes=changes, timetable=timetable)
        return await change_schedule(command, self._engine)

    async def remove_schedule(self, schedule_id: ScheduleId) -> None:
        """Remove a schedule."""
        await remove_schedule(schedule_id, self._engine)

    async def create_token(
        self,
        login: str | None,
        expires_seconds: int | None,
        by: Actor,
        scopes: frozenset[Need] | None = None,
        label: str = "",
    ) -> NewToken:
        """Make a token."""
        command = CreateToken(
            login=login, expires_seconds=expires_seconds, by=by, scopes=scopes, label=label
        )
        made = await create_token(command, self._engine)
        return NewToken(id=made.id, text=made.text, login=made.login, expires_at=made.expires_at)

    async def revoke_tokens_before(self, created: Micros) -> int:
        """Revoke all tokens that were made before a moment."""
        return await revoke_tokens_before(created, self._engine)

    async def revoke_token(self, token_id: TokenId, by: Actor) -> None:
        """Revoke a token."""
        await revoke_token(token_id, by, self._engine)

    async def clear_caches(self, project: Project) -> int:
        """Let go of a project's caches."""
        return await clear_caches(project, self._engine)

    async def ask_for_export(
        self,
        organization: OrganizationId,
        shared: Sequence[OrganizationId],
        start: Micros,
        end: Micros,
    ) -> UsageExport:
        """Take an order for a usage export."""
        return await ask_for_export(organization, shared, start, end, self._engine)

    async def compile_config(self, text: ConfigText) -> CheckedConfig:
        """Compile a text for somebody who only wants to see what comes of it."""
        outcome = await self._engine.compiler.compile(
            CompileRequest(
                text=text.source,
                file="config.yml",
                parameters=text.parameters,
                values=text.values,
                process=True,
                orbs=Orbs(self._engine.orbs, self._engine.reads, text.owner),
                scope=text.owner or "",
            )
        )
        errors = tuple(line for error in outcome.errors for line in error.message.split("\n"))
        return CheckedConfig(output=outcome.output, errors=errors)

    async def allow_url_orbs(
        self, organization: OrganizationId, name: str, prefix: str, by: Actor
    ) -> UrlOrbPrefix:
        """Allow URL orbs from below a prefix."""
        return await allow_url_orbs(organization, name, prefix, by, self._engine)

    async def forbid_url_orbs(
        self,
        organization: OrganizationId,
        entry: UrlOrbId,
        by: Actor,  # noqa: ARG002 - the audit will name him
    ) -> None:
        """Remove an entry of an allow-list."""
        await forbid_url_orbs(organization, entry, self._engine)
