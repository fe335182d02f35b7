"""People and projects as API v1.1 shows them."""

from typing import Any

import msgspec

from roundel.api.schemas.common import Time, millis
from roundel.domain.access import Actor
from roundel.domain.clock import MILLISECOND, Micros
from roundel.domain.projects import LONG_FORM, Project


class Me(msgspec.Struct):
    login: str
    name: str
    avatar_url: str
    id: str
    analytics_id: str
    selected_email: str
    all_emails: list[str]
    admin: bool
    created_at: Time
    num_projects_followed: int
    identities: dict[str, Any]
    projects: dict[str, Any]


class Followed(msgspec.Struct):
    slug: str
    name: str
    vcs_type: str
    vcs_url: str
    username: str
    reponame: str
    default_branch: str
    following: bool
    branches: dict[str, Any]


def me(actor: Actor, projects: list[Project]) -> Me:
    return Me(
        login=actor.login,
        name=actor.name,
        avatar_url=actor.avatar_url,
        id=actor.id,
        analytics_id=actor.id,
        selected_email="",
        all_emails=[],
        admin=actor.server_administrator,
        created_at=millis(_made_at(actor.id)),
        num_projects_followed=len(projects),
        identities={},
        projects={project.repository_url: {"emails": "default"} for project in projects},
    )


def _made_at(uuid: str) -> Micros:
    """Return the time that is in a UUIDv7: its first 48 bits are milliseconds."""
    return Micros(int(uuid.replace("-", "")[:12], 16) * MILLISECOND)


def followed(project: Project) -> Followed:
    return Followed(
        slug=str(project.slug),
        name=project.name,
        vcs_type=LONG_FORM[project.slug.vcs],
        vcs_url=project.repository_url,
        username=project.slug.organization,
        reponame=project.slug.project,
        default_branch=project.default_branch,
        following=True,
        branches={},
    )
