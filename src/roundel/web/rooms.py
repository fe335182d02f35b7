"""Where a visitor is, and where else they may go: the switcher at the top of every page."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from roundel.domain.projects import Organization, Project
from roundel.domain.records import dataclass
from roundel.web.page import Visit

MOST_SHOWN = 200  # projects in the switcher; the search finds the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """All projects that the visitor may see, and the one or the organization that they look at."""

    projects: Sequence[Project]
    organization: Organization | None = None
    project: Project | None = None

    @property
    def by_organization(self) -> list[tuple[Organization, list[Project]]]:
        """Return what the switcher lists."""
        shown = self.projects[:MOST_SHOWN]
        return [
            (group[0].organization, group)
            for _, each in groupby(shown, key=lambda it: it.organization.id)
            for group in [list(each)]
        ]

    @property
    def more(self) -> int:
        """Return how many projects are not listed."""
        return max(0, len(self.projects) - MOST_SHOWN)


async def rooms_of(
    visit: Visit[Any], *, organization: Organization | None = None, project: Project | None = None
) -> Rooms:
    """Return the rooms for a page about an organization, a project, or neither."""
    projects = await visit.app.reads.projects(visit.actor)
    if project is not None:
        organization = project.organization
    return Rooms(projects=projects, organization=organization, project=project)
