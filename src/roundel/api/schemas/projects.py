"""Projects, people and tokens on the wire."""

from typing import Annotated, Literal

import msgspec

from roundel.api.ports import NewToken
from roundel.api.schemas.common import Time, Uuid, millis_or_none
from roundel.domain.access import Actor
from roundel.domain.projects import LONG_FORM, PROVIDER_NAME, Organization, Project

Provider = Annotated[
    str, msgspec.Meta(extra_json_schema={"enum": ["Bitbucket", "CircleCI", "GitHub"]})
]


class VcsInfo(msgspec.Struct):
    vcs_url: str
    provider: Provider
    default_branch: str


class ProjectShown(msgspec.Struct):
    id: Uuid
    slug: str
    name: str
    organization_name: str
    organization_slug: str
    organization_id: Uuid
    vcs_info: VcsInfo


class PersonShown(msgspec.Struct):
    id: Uuid
    login: str
    name: str
    avatar_url: str


class Collaboration(msgspec.Struct, rename={"vcs_type_kebab": "vcs-type"}):
    """`vcs-type` is in CircleCI's document, `vcs_type` in what its clients read."""

    id: Uuid
    vcs_type_kebab: str
    vcs_type: str
    name: str
    avatar_url: str
    slug: str


class AddProject(msgspec.Struct):
    slug: str
    repository_url: str
    default_branch: str | None = None


class ProjectChange(msgspec.Struct):
    """What is left out, or null, stays as it is."""

    name: str | None = None
    repository_url: str | None = None
    default_branch: str | None = None


class CreateToken(msgspec.Struct):
    """Without a login the token is the caller's own; with a scope it may do that and no more."""

    login: str | None = None
    expires_seconds: int | None = None
    scope: Literal["read", "write", "administer"] | None = None


class RevokeTokens(msgspec.Struct):
    created_before: Time


class Revoked(msgspec.Struct):
    revoked: int


class TokenShown(msgspec.Struct):
    """`token` is shown this once and is not stored."""

    id: Uuid
    token: str
    login: str
    expires_at: Time | None


def project_shown(project: Project) -> ProjectShown:
    organization = project.organization
    return ProjectShown(
        id=project.id,
        slug=str(project.slug),
        name=project.name,
        organization_name=organization.name,
        organization_slug=organization.slug,
        organization_id=organization.id,
        vcs_info=VcsInfo(
            project.repository_url, PROVIDER_NAME[project.slug.vcs], project.default_branch
        ),
    )


def person_shown(actor: Actor) -> PersonShown:
    return PersonShown(actor.id, actor.login, actor.name, actor.avatar_url)


def collaboration(organization: Organization) -> Collaboration:
    vcs = LONG_FORM[organization.vcs]
    return Collaboration(organization.id, vcs, vcs, organization.name, "", organization.slug)


def token_shown(token: NewToken) -> TokenShown:
    return TokenShown(token.id, token.text, token.login, millis_or_none(token.expires_at))
