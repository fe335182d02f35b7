"""The use cases as the doors call them, bound to the server's `App`."""

from collections.abc import Callable, Mapping

from roundel.api.ports import CheckedConfig, ConfigText, NewToken
from roundel.domain.access import Actor
from roundel.domain.ids import JobId, TokenId, WorkflowId
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.plan import Json
from roundel.domain.projects import Project, Slug
from roundel.services.approvals import ApproveJob, approve_job
from roundel.services.compiling import CompileRequest
from roundel.services.jobs import CancelJob, cancel_job
from roundel.services.pipelines import Triggered, TriggerPipeline, trigger_pipeline
from roundel.services.projects import AddProject, add_project
from roundel.services.tokens import CreateToken, create_token, revoke_token
from roundel.services.work import App
from roundel.services.workflows import CancelWorkflow, cancel_workflow

CONFIG_FILE = ".circleci/config.yml"  # what a text that came without a name is called


class BoundUseCases:
    """Implements `roundel.api.ports.UseCases`.

    `go_on` is given each accepted pipeline, and has it created behind the answer, in a task that
    outlives the request.
    """

    def __init__(self, app: App, go_on: Callable[[Triggered], None]) -> None:
        self._app = app
        self._go_on = go_on

    async def trigger_pipeline(
        self, project: Project, ref: Ref, parameters: Mapping[str, Json], by: Actor
    ) -> Pipeline:
        command = TriggerPipeline(project=project, by=by, ref=ref, parameters=parameters)
        accepted = await trigger_pipeline(command, self._app)
        self._go_on(accepted)
        return accepted.pipeline

    async def cancel_workflow(self, workflow_id: WorkflowId, by: Actor) -> None:
        await cancel_workflow(CancelWorkflow(workflow=workflow_id, by=by), self._app)

    async def approve_job(self, workflow_id: WorkflowId, approval_id: JobId, by: Actor) -> None:
        command = ApproveJob(workflow=workflow_id, approval=approval_id, by=by)
        await approve_job(command, self._app)

    async def cancel_job(self, job_id: JobId, by: Actor) -> None:
        await cancel_job(CancelJob(job=job_id, by=by), self._app)

    async def add_project(
        self, slug: Slug, repository_url: str, default_branch: str | None, by: Actor
    ) -> Project:
        command = AddProject(
            slug=slug, repository_url=repository_url, default_branch=default_branch, by=by
        )
        return await add_project(command, self._app)

    async def create_token(
        self, login: str | None, expires_seconds: int | None, by: Actor
    ) -> NewToken:
        command = CreateToken(by=by, login=login, expires_seconds=expires_seconds)
        made = await create_token(command, self._app)
        return NewToken(id=made.id, text=made.text, login=made.login, expires_at=made.expires_at)

    async def revoke_token(self, token_id: TokenId, by: Actor) -> None:
        await revoke_token(token_id, by, self._app)

    async def compile_config(self, text: ConfigText) -> CheckedConfig:
        outcome = await self._app.compiler.compile(
            CompileRequest(
                text=text.source,
                file=CONFIG_FILE,
                parameters=text.parameters,
                values=text.values,
            )
        )
        return CheckedConfig(
            output=outcome.output,
            errors=tuple(error.message for error in outcome.errors),
        )
