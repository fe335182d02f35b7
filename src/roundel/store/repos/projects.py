"""Organisations, projects and their counters."""

from collections.abc import Sequence

from roundel.domain.errors import NotFound
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.projects import Organization, Project, Slug, Vcs
from roundel.store.dialect import Sql
from roundel.store.owner_rows import ORGANIZATION, PROJECT, organization_of, project_of
from roundel.store.rows import columns, values_of

# Who needs it: every use case that starts at a project.
SELECT_PROJECT = (
    f"SELECT {columns(PROJECT, 'p')}, {columns(ORGANIZATION, 'o')}"
    " FROM project p JOIN organization o ON o.id = p.organization_id"
)


class SqlProjects:
    """Implements `domain.projects.Projects`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def organization(self, vcs: Vcs, name: str) -> Organization | None:
        """Return the organisation of that name."""
        row = self._sql.one(
            f"SELECT {ORGANIZATION} FROM organization WHERE vcs = :vcs AND name = :name",
            vcs=vcs.value,
            name=name,
        )
        return None if row is None else organization_of(row)

    def add_organization(self, organization: Organization) -> None:
        """Add an organisation."""
        self._sql.run(
            f"INSERT INTO organization ({ORGANIZATION}) VALUES ({values_of(ORGANIZATION)})",
            id=organization.id,
            vcs=organization.vcs.value,
            name=organization.name,
            created_at=organization.created_at,
        )

    def get(self, slug: Slug) -> Project | None:
        """Return the project that has this slug now."""
        row = self._sql.one(f"{SELECT_PROJECT} WHERE p.slug = :slug", slug=str(slug))
        return None if row is None else project_of(row)

    def find(self, slug: Slug) -> Project | None:
        """Return the project of this slug, or else the one that had it before it was renamed."""
        found = self.get(slug)
        if found is not None:
            return found
        row = self._sql.one(
            f"{SELECT_PROJECT} JOIN old_slug s ON s.project_id = p.id WHERE s.slug = :slug",
            slug=str(slug),
        )
        return None if row is None else project_of(row)

    def get_by_id(self, project_id: ProjectId) -> Project | None:
        """Return the project."""
        rows = self._sql.kept(f"{SELECT_PROJECT} WHERE p.id = :id", id=project_id)
        return project_of(rows[0]) if rows else None

    def all(self) -> Sequence[Project]:
        """Return all projects."""
        return [project_of(row) for row in self._sql.all(f"{SELECT_PROJECT} ORDER BY p.id")]

    def of_organization(self, organization_id: OrganizationId) -> Sequence[Project]:
        """Return the projects of an organisation."""
        rows = self._sql.all(
            f"{SELECT_PROJECT} WHERE p.organization_id = :organization ORDER BY p.slug",
            organization=organization_id,
        )
        return [project_of(row) for row in rows]

    def add(self, project: Project) -> None:
        """Add a project; its organisation must be there."""
        self._take_slug(project.slug)
        self._sql.run(
            f"INSERT INTO project (organization_id, {PROJECT})"
            f" VALUES (:organization_id, {values_of(PROJECT)})",
            organization_id=project.organization.id,
            id=project.id,
            slug=str(project.slug),
            name=project.name,
            repository_url=project.repository_url,
            default_branch=project.default_branch,
            created_at=project.created_at,
        )

    def save(self, project: Project) -> None:
        """Save the repository address, the default branch and the name."""
        self._sql.run(
            "UPDATE project SET name = :name, repository_url = :url, default_branch = :branch"
            " WHERE id = :id",
            id=project.id,
            name=project.name,
            url=project.repository_url,
            branch=project.default_branch,
        )

    def rename(self, before: Project, after: Project) -> None:
        """Save it all under another slug; the one before goes on leading to the project."""
        self._take_slug(after.slug)
        self._sql.run(
            "UPDATE project SET slug = :slug WHERE id = :id", slug=str(after.slug), id=after.id
        )
        self._sql.run(
            "INSERT INTO old_slug (slug, project_id) VALUES (:slug, :id)",
            slug=str(before.slug),
            id=after.id,
        )
        self.save(after)

    def _take_slug(self, slug: Slug) -> None:
        """Whoever had it before has it no more."""
        self._sql.run("DELETE FROM old_slug WHERE slug = :slug", slug=str(slug))

    def take_pipeline_number(self, project_id: ProjectId) -> int:
        """Return the next number; it counts only if the transaction does."""
        return self._take("last_pipeline_number", project_id)

    def take_job_number(self, project_id: ProjectId) -> int:
        """Return the next job number; gapless in the same way."""
        return self._take("last_job_number", project_id)

    def take_job_numbers(self, project_id: ProjectId, count: int) -> Sequence[int]:
        """Return the next job numbers, so many."""
        if count == 0:
            return ()
        last = self._take("last_job_number", project_id, count)
        return range(last - count + 1, last + 1)

    def _take(self, counter: str, project_id: ProjectId, count: int = 1) -> int:
        row = self._sql.one(
            f"UPDATE project SET {counter} = {counter} + :count WHERE id = :id RETURNING {counter}",
            id=project_id,
            count=count,
        )
        if row is None:
            raise NotFound("Project not found")
        return int(row[0])
