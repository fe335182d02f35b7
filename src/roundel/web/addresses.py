"""Where pages are.  The forms are those of CircleCI's web application, so that links fit both."""

from urllib.parse import quote, unquote

from roundel.domain.projects import LONG_FORM, VCS_WORDS, Organization, Project, Slug


class _Addresses:
    """Paths of pages, escaped for use in a link."""

    def organization(self, organization: Organization) -> str:
        """Return the path of an organization's pipelines."""
        return f"/pipelines/{LONG_FORM[organization.vcs]}/{_segment(organization.name)}"

    def settings(self, organization: Organization) -> str:
        """Return the path of an organization's settings."""
        return self.organization(organization).replace("/pipelines", "/settings/organization", 1)

    def project(self, project: Project | Slug) -> str:
        """Return the path of a project's pipelines."""
        slug = project if isinstance(project, Slug) else project.slug
        parts = (LONG_FORM[slug.vcs], _segment(slug.organization), _segment(slug.project))
        return "/pipelines/" + "/".join(parts)

    def project_settings(self, project: Project | Slug) -> str:
        """Return the path of a project's settings."""
        return self.project(project).replace("/pipelines", "/settings/project", 1)

    def insights(self, project: Project | Slug) -> str:
        """Return the path of a project's figures."""
        return self.project(project).replace("/pipelines", "/insights", 1)

    def pipeline(self, project: Project | Slug, number: int) -> str:
        """Return the path of a pipeline."""
        return f"{self.project(project)}/{number}"

    def workflow(self, project: Project | Slug, number: int, workflow: str) -> str:
        """Return the path of a workflow."""
        return f"{self.pipeline(project, number)}/workflows/{workflow}"

    def job(self, project: Project | Slug, number: int, workflow: str, job: int) -> str:
        """Return the path of a job."""
        return f"{self.workflow(project, number, workflow)}/jobs/{job}"


address_of = _Addresses()


def plain(path: str) -> str:
    """Return a path as links write it, however it was asked for: `gh` is `github`."""
    parts = unquote(path.partition("?")[0]).split("/")
    for place in (2, 3):  # of the host, in what this module writes
        if place < len(parts) and parts[place] in VCS_WORDS:
            parts[place] = LONG_FORM[VCS_WORDS[parts[place]]]
    return "/".join(parts)


def is_own_path(text: str) -> bool:
    """Tell whether a way back leads to a page of ours and nowhere else."""
    return text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()


def _segment(text: str) -> str:
    return quote(text, safe="")
