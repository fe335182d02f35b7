"""What the doors may ask for: commands of the use cases, made of what a handler has."""

from collections.abc import Mapping

from roundel.api.ports import CheckedConfig, ConfigText, NewToken
from roundel.app.runner_use_cases import RunnerUseCases
from roundel.domain.access import Actor
from roundel.domain.ids import JobId, TokenId, WorkflowId
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.plan import Json
from roundel.domain.projects import Project, Slug
from roundel.services.approvals import ApproveJob, approve_job
from roundel.services.compiling import CompileRequest
from roundel.services.jobs import CancelJob, cancel_job
from roundel.services.pipelines import TriggerPipeline, trigger_pipeline
from roundel.services.projects import AddProject, add_project
from roundel.services.tokens import CreateToken, create_token, revoke_token
from roundel.services.workflows import CancelWorkflow, cancel_workflow


class UseCases(RunnerUseCases):
    """Implements `api.ports.UseCases`."""

    async def trigger_pipeline(
        self, project: Project, ref: Ref, parameters: Mapping[str, Json], by: Actor
    ) -> Pipeline:
        """Accept a pipeline; it is compiled behind the answer."""
        command = TriggerPipeline(project=project, ref=ref, parameters=parameters, by=by)
        triggered = await trigger_pipeline(command, self._engine)
        self._engine.ticks.create(triggered)
        return triggered.pipeline

    async def cancel_workflow(self, workflow_id: WorkflowId, by: Actor) -> None:
        """Ask for a workflow's end."""
        await cancel_workflow(CancelWorkflow(workflow=workflow_id, by=by), self._engine)

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

    async def create_token(
        self, login: str | None, expires_seconds: int | None, by: Actor
    ) -> NewToken:
        """Make a token."""
        command = CreateToken(login=login, expires_seconds=expires_seconds, by=by)
        made = await create_token(command, self._engine)
        return NewToken(id=made.id, text=made.text, login=made.login, expires_at=made.expires_at)

    async def revoke_token(self, token_id: TokenId, by: Actor) -> None:
        """Revoke a token."""
        await revoke_token(token_id, by, self._engine)

    async def compile_config(self, text: ConfigText) -> CheckedConfig:
        """Compile a text for somebody who only wants to see what comes of it."""
        outcome = await self._engine.compiler.compile(
            CompileRequest(
                text=text.source,
                file="config.yml",
                parameters=text.parameters,
                values=text.values,
                process=True,
            )
        )
        errors = tuple(error.message for error in outcome.errors)
        return CheckedConfig(output=outcome.output, errors=errors)
