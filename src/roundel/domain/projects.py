"""Organisations and projects, and the slugs by which clients name them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.errors import NotFound
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.records import dataclass


class Vcs(StrEnum):
    """The first part of a slug, in its short form."""

    GITHUB = "gh"
    BITBUCKET = "bb"
    CIRCLECI = "circleci"


VCS_WORDS: dict[str, Vcs] = {
    "gh": Vcs.GITHUB,
    "github": Vcs.GITHUB,
    "bb": Vcs.BITBUCKET,
    "bitbucket": Vcs.BITBUCKET,
    "circleci": Vcs.CIRCLECI,
}
LONG_FORM: dict[Vcs, str] = {
    Vcs.GITHUB: "github",
    Vcs.BITBUCKET: "bitbucket",
    Vcs.CIRCLECI: "circleci",
}
PROVIDER_NAME: dict[Vcs, str] = {
    Vcs.GITHUB: "GitHub",
    Vcs.BITBUCKET: "Bitbucket",
    Vcs.CIRCLECI: "CircleCI",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slug:
    """`gh/acme/web`: the stored, short form.  Clients may send the long form as well."""

    vcs: Vcs
    organization: str
    project: str

    def __str__(self) -> str:
        return f"{self.vcs}/{self.organization}/{self.project}"

    @property
    def organization_slug(self) -> str:
        return f"{self.vcs}/{self.organization}"

    @staticmethod
    def parse(text: str) -> "Slug":
        """Return the slug in `text`; refuse anything but three parts with a known first one."""
        match text.split("/"):
            case [vcs, organization, project] if vcs in VCS_WORDS and organization and project:
                return Slug(vcs=VCS_WORDS[vcs], organization=organization, project=project)
        raise NotFound("Project not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Who owns projects, contexts and runners."""

    id: OrganizationId
    vcs: Vcs
    name: str
    created_at: Micros

    @property
    def slug(self) -> str:
        return f"{self.vcs}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A repository whose pipelines we run."""

    id: ProjectId
    organization: Organization
    slug: Slug
    name: str
    repository_url: str  # path, file://, ssh:// or https://: what git clones from
    default_branch: str
    created_at: Micros


class Projects(Protocol):
    """Where organisations and projects are kept, and the counters of their numbers."""

    def organization(self, vcs: Vcs, name: str) -> Organization | None: ...

    def add_organization(self, organization: Organization) -> None: ...

    def get(self, slug: Slug) -> Project | None:
        """Return the project that has this slug now."""

    def find(self, slug: Slug) -> Project | None:
        """Return the project of this slug, or else the one that had it before it was renamed."""

    def get_by_id(self, project_id: ProjectId) -> Project | None: ...

    def all(self) -> Sequence[Project]:
        """Return all projects."""

    def of_organization(self, organization_id: OrganizationId) -> Sequence[Project]: ...

    def add(self, project: Project) -> None: ...

    def save(self, project: Project) -> None:
        """Save the repository address, the default branch and the name."""

    def rename(self, before: Project, after: Project) -> None:
        """Save it all under another slug; the one before goes on leading to the project."""

    def take_pipeline_number(self, project_id: ProjectId) -> int:
        """Return the next number; it counts only if the transaction does, so there are no gaps."""

    def take_job_numbers(self, project_id: ProjectId, count: int) -> Sequence[int]:
        """Return the next job numbers, so many."""

    def take_job_number(self, project_id: ProjectId) -> int:
        """Return the next job number; gapless in the same way."""
