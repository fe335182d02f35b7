"""Setting up: projects and tokens."""

from roundel.api.binding import moment
from roundel.api.operations import OWN, AnyOperation, Call, Operation
from roundel.api.schemas.common import Message
from roundel.api.schemas.projects import (
    AddProject,
    CreateToken,
    ProjectChange,
    ProjectShown,
    Revoked,
    RevokeTokens,
    TokenShown,
    project_shown,
    token_shown,
)
from roundel.api.subjects import PROJECT
from roundel.domain.access import Actor, Need, scopes_for
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import TokenId, is_uuid
from roundel.domain.projects import Project, Slug
from roundel.services.changing_projects import ChangeProject

LONGEST_LIFE = 10 * 365 * 24 * 3600  # seconds; a longer one is a mistake in the unit
DENIED = "Permission denied."


async def add_project(call: Call[None, AddProject]) -> ProjectShown:
    _only_whole_tokens(call.actor)
    body = call.body
    if not body.repository_url.strip():
        raise Invalid("repository_url: expected a path or an address, got an empty text")
    project = await call.door.use_cases.add_project(
        _slug(body.slug), body.repository_url, body.default_branch or None, call.actor
    )
    call.tell(project.organization.id, project.id)
    call.door.callers.forget()  # the caller may have become administrator of a new organisation
    return project_shown(project)


async def change_project(call: Call[Project, ProjectChange]) -> ProjectShown:
    body = call.body
    command = ChangeProject(
        project=call.subject,
        name=body.name,
        repository_url=body.repository_url,
        default_branch=body.default_branch,
    )
    return project_shown(await call.door.use_cases.organizations.change_project(command))


def _slug(text: str) -> Slug:
    try:
        return Slug.parse(text)
    except NotFound as error:
        raise Invalid(
            f"slug: expected vcs/organization/project such as gh/acme/web, got {text[:80]!r}"
        ) from error


async def create_token(call: Call[None, CreateToken]) -> TokenShown:
    _only_whole_tokens(call.actor)
    seconds = call.body.expires_seconds
    if seconds is not None and not 0 < seconds <= LONGEST_LIFE:
        raise Invalid(f"expires_seconds: expected 1 to {LONGEST_LIFE}, got {seconds}")
    scope = call.body.scope
    token = await call.door.use_cases.create_token(
        call.body.login, seconds, call.actor, None if scope is None else scopes_for(Need(scope))
    )
    return token_shown(token)


async def revoke_token(call: Call[None, None]) -> Message:
    _only_whole_tokens(call.actor)
    text = call.path["token-id"]
    if not is_uuid(text):
        raise NotFound("Token not found")
    await call.door.use_cases.revoke_token(TokenId(text.lower()), call.actor)
    call.door.callers.forget()
    return Message("Token revoked.")


async def revoke_tokens(call: Call[None, RevokeTokens]) -> Revoked:
    _only_whole_tokens(call.actor)
    if not call.actor.server_administrator:
        raise NotAllowed(DENIED)
    before = moment("created_before", call.body.created_before)
    count = await call.door.use_cases.revoke_tokens_before(before)
    call.door.callers.forget()
    return Revoked(count)


async def rotate_master_key(call: Call[None, None]) -> Message:
    _only_whole_tokens(call.actor)
    if not call.actor.server_administrator:
        raise NotAllowed(DENIED)
    count = await call.door.use_cases.secrets.rotate_master_key()
    return Message(f"Sealed {count} secrets under a new master key.")


async def rotate_signing_key(call: Call[None, None]) -> Message:
    _only_whole_tokens(call.actor)
    if not call.actor.server_administrator:
        raise NotAllowed(DENIED)
    key = await call.door.use_cases.oidc.rotate_signing_key()
    return Message(f"Identity tokens are signed with the key {key} from now on.")


def _only_whole_tokens(actor: Actor) -> None:
    """Refuse tokens with scopes: they could make themselves one without."""
    if actor.scopes is not None:
        raise NotAllowed(DENIED)


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path="/project",
        id="addProject",
        summary="Register a project, and its organization where that is new",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=add_project,
        prefix=OWN,
        body=AddProject,
        answer=ProjectShown,
        status=201,
        extension=True,
    ),
    Operation(
        method="PATCH",
        path="/project/{project-slug}",
        id="changeProject",
        summary="Give a project another name, repository or default branch",
        tag="Roundel",
        need=Need.ADMINISTER,
        subject=PROJECT,
        handler=change_project,
        prefix=OWN,
        body=ProjectChange,
        answer=ProjectShown,
        extension=True,
    ),
    Operation(
        method="POST",
        path="/token",
        id="createToken",
        summary="Make a personal API token",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=create_token,
        prefix=OWN,
        body=CreateToken,
        body_optional=True,
        answer=TokenShown,
        status=201,
        extension=True,
    ),
    Operation(
        method="DELETE",
        path="/token/{token-id}",
        id="revokeToken",
        summary="Revoke a token",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=revoke_token,
        prefix=OWN,
        answer=Message,
        extension=True,
    ),
    Operation(
        method="POST",
        path="/token/revoke",
        id="revokeTokens",
        summary="Revoke everybody's tokens that were made before a moment",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=revoke_tokens,
        prefix=OWN,
        body=RevokeTokens,
        answer=Revoked,
        extension=True,
    ),
    Operation(
        method="POST",
        path="/master-key/rotate",
        id="rotateMasterKey",
        summary="Seal all secrets under a new master key",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=rotate_master_key,
        prefix=OWN,
        answer=Message,
        extension=True,
    ),
    Operation(
        method="POST",
        path="/signing-key/rotate",
        id="rotateSigningKey",
        summary="Sign identity tokens with a fresh key from now on",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=rotate_signing_key,
        prefix=OWN,
        answer=Message,
        extension=True,
    ),
]
