"""What a project is: its name, its repository and its default branch."""

import re
from dataclasses import replace

from roundel.domain.errors import IllegalMove, Invalid, NotFound
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.services.organizations import checked_name
from roundel.services.work import App, Tx

LONGEST_BRANCH = 250
_BRANCH = re.compile(r"(?![-/])[^\s~^:?*\[\\\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProject:
    """Give a project another name, repository or default branch; None leaves it as it is."""

    project: Project
    name: str | None = None
    repository_url: str | None = None
    default_branch: str | None = None


async def change_project(command: ChangeProject, app: App) -> Project:
    """Return the project as it is now.

    Another name is another slug; the one before goes on leading to the project until another takes
    it.  Refuses names, addresses and branches that cannot be, and a name that is taken.
    """
    url, branch = command.repository_url, command.default_branch
    if url is not None and url != command.project.repository_url:
        try:
            app.repositories.check(url)
        except Invalid as error:
            raise Invalid(f"repository_url: {error}") from error
    if branch is not None and not (
        _BRANCH.fullmatch(branch) is not None and len(branch) <= LONGEST_BRANCH
    ):
        raise Invalid(f"default_branch: expected the name of a branch, got {branch[:100]!r}")

    def transaction(tx: Tx) -> Project:
        before = tx.projects.get_by_id(command.project.id)
        if before is None:
            raise NotFound("Project not found")
        after = replace(
            before,
            repository_url=before.repository_url if url is None else url,
            default_branch=branch or before.default_branch,
        )
        if command.name is None or command.name == before.slug.project:
            tx.projects.save(after)
            return after
        slug = replace(before.slug, project=checked_name(command.name))
        if tx.projects.get(slug) is not None:
            raise IllegalMove(f"name: there is another project {slug}.")
        after = replace(after, slug=slug, name=slug.project)
        tx.projects.rename(before, after)
        return after

    return await app.database.write(transaction)
