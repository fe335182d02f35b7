"""What visitors of the pages may ask for: the API's use cases, and those of their sessions."""

from collections.abc import Sequence

from roundel.api.runner.ports import Which
from roundel.app.engine import Engine
from roundel.app.shell_cases import ShellCases
from roundel.app.use_cases import UseCases
from roundel.domain.access import Actor, Need, Role
from roundel.domain.ids import OrganizationId, PersonId, PipelineId, new_id
from roundel.domain.pipelines import (
    Commit,
    ErrorType,
    Pipeline,
    PipelineError,
    PipelineState,
    Ref,
    Trigger,
    TriggerType,
)
from roundel.domain.projects import Project
from roundel.domain.repositories import Trouble
from roundel.domain.resource_classes import ResourceClass, RunnerToken, SeenRunner
from roundel.domain.runners import Secret
from roundel.domain.sessions import Session
from roundel.services import invitations, sessions
from roundel.services.access import access_to
from roundel.services.checkout_keys import prefer_checkout_key
from roundel.services.compiling import CompileRequest
from roundel.services.orbs import orbs_at
from roundel.services.values import pipeline_values
from roundel.web.ports import CheckedConfig


class WebUseCases(UseCases):
    """Implements `web.ports.WebUseCases`."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._app = engine
        self.shells = ShellCases(engine)

    async def sign_in_with_token(self, unverified_token: Secret) -> Secret:
        """Begin a session of a token."""
        return (await sessions.sign_in_with_token(unverified_token, self._app)).secret

    async def sign_in_with_password(self, login: str, unverified_password: Secret) -> Secret:
        """Begin a session of a local account."""
        found = await sessions.sign_in_with_password(login, unverified_password, self._app)
        return found.secret

    async def sign_out(self, digest: bytes) -> None:
        """End a session."""
        await sessions.sign_out(digest, self._app)

    async def note_visit(self, session: Session) -> None:
        """Write down that a session is in use."""
        await sessions.note_visit(session, self._app)

    async def change_password(self, person: PersonId, password: Secret) -> None:
        """Give a person a password."""
        await sessions.change_password(person, password, self._app)

    async def invite(self, organization: OrganizationId, role: Role, by: Actor) -> Secret:
        """Make an invitation."""
        return await invitations.invite(organization, role, by, self._app)

    async def withdraw_invitation(self, organization: OrganizationId, digest: bytes) -> None:
        """Take back an invitation that nobody has followed."""
        await invitations.withdraw_invitation(organization, digest, self._app)

    async def make_own_token(
        self, label: str, seconds: int | None, scopes: frozenset[Need] | None, by: Actor
    ) -> Secret:
        """Make a token for whoever asks."""
        return Secret((await self.create_token(None, seconds, by, scopes, label)).text)

    async def classes_of(self, organization: OrganizationId, by: Actor) -> Sequence[ResourceClass]:
        """Return an organization's classes of runners."""
        return await self.resource_classes(Which(organization_id=organization), by)

    async def tokens_of(self, organization: OrganizationId, by: Actor) -> Sequence[RunnerToken]:
        """Return the tokens of its classes, without their texts."""
        return await self.runner_tokens(Which(organization_id=organization), by)

    async def runners_of(self, organization: OrganizationId, by: Actor) -> Sequence[SeenRunner]:
        """Return the runners that have asked for jobs of its classes."""
        return await self.seen_runners(Which(organization_id=organization), by)

    async def prefer_checkout_key(self, project: Project, fingerprint: str) -> None:
        """Let jobs clone with another of a project's keys."""
        await prefer_checkout_key(project, fingerprint, self._app)

    async def accept_invitation(
        self, unverified_secret: str, login: str, name: str, password: Secret
    ) -> Secret:
        """Make the account of an invitation; return the secret of its first session."""
        command = invitations.AcceptInvitation(
            unverified_secret=unverified_secret, login=login, name=name, password=password
        )
        person = await invitations.accept_invitation(command, self._app)
        return (await sessions.begin(person, None, self._app)).secret

    async def check_config(self, project: Project, ref: Ref) -> CheckedConfig:
        """Compile the config of a branch or tag without running anything."""
        app = self._app
        access = await access_to(project, app)
        fetched = await app.repositories.fetch(project.repository_url, ref, access=access)
        if isinstance(fetched, Trouble):
            error = PipelineError(type=ErrorType.CONFIG_FETCH, message=fetched.message)
            return CheckedConfig(output="", errors=(error,))
        outcome = await app.compiler.compile(
            CompileRequest(
                text=fetched.text,
                file=fetched.file,
                parameters={},
                values=pipeline_values(
                    _imagined(project, ref, fetched.commit, app),
                    project,
                    fetched.commit,
                    fetched.file,
                ),
                process=True,
                orbs=orbs_at(project, fetched.commit.revision, app),
                scope=project.id,
            )
        )
        return CheckedConfig(output=outcome.output, errors=outcome.errors)


def _imagined(project: Project, ref: Ref, commit: Commit, app: Engine) -> Pipeline:
    """Return the pipeline that would come of it; it is stored nowhere."""
    at = app.clock.now()
    trigger = Trigger(type=TriggerType.API, received_at=at, actor_id=None, actor_login="")
    return Pipeline(
        id=PipelineId(new_id()),
        project_id=project.id,
        number=1,
        state=PipelineState.PENDING,
        trigger=trigger,
        ref=ref,
        parameters={},
        created_at=at,
        updated_at=at,
        commit=commit,
    )
