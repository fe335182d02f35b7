"""Rows of those whom all the rest belongs to, as domain values: people, organizations, projects."""

from functools import lru_cache

import msgspec

from roundel.domain.access import Person
from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PersonId, ProjectId
from roundel.domain.projects import Organization, Project, Slug, Vcs
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.store.dialect import Row

_project_settings = msgspec.json.Decoder(ProjectSettings)
_organization_settings = msgspec.json.Decoder(OrganizationSettings)

PERSON = "id, login, name, avatar_url, server_administrator, created_at"


def person_of(row: Row) -> Person:
    """Read a person."""
    return Person(
        id=PersonId(row[0]),
        login=row[1],
        name=row[2],
        avatar_url=row[3],
        server_administrator=bool(row[4]),
        created_at=Micros(row[5]),
    )


ORGANIZATION = "id, vcs, name, created_at"


def organization_of(row: Row) -> Organization:
    """Read an organisation."""
    return Organization(
        id=OrganizationId(row[0]), vcs=Vcs(row[1]), name=row[2], created_at=Micros(row[3])
    )


PROJECT = "id, slug, name, repository_url, default_branch, created_at"
PROJECT_WIDTH = 6


# Read at nearly every request, and seldom changed.
@lru_cache(maxsize=1024)
def project_of(row: Row) -> Project:
    """Read a project, followed in the row by its organisation."""
    return Project(
        id=ProjectId(row[0]),
        slug=slug_of(row[1]),
        name=row[2],
        repository_url=row[3],
        default_branch=row[4],
        created_at=Micros(row[5]),
        organization=organization_of(row[PROJECT_WIDTH : PROJECT_WIDTH + 4]),
    )


def slug_of(text: str) -> Slug:
    """Read a stored slug."""
    vcs, organization, project = text.split("/")
    return Slug(vcs=Vcs(vcs), organization=organization, project=project)


# Read at every claim, and seldom changed.
@lru_cache(maxsize=1024)
def project_settings_of(text: str) -> ProjectSettings:
    """Read a project's settings."""
    return _project_settings.decode(text)


@lru_cache(maxsize=1024)
def organization_settings_of(text: str) -> OrganizationSettings:
    """Read an organisation's settings."""
    return _organization_settings.decode(text)
