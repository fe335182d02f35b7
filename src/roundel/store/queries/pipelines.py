"""Pipelines as lists and details show them."""

from collections.abc import Sequence
from functools import lru_cache

from roundel.domain.clock import Micros
from roundel.domain.ids import PersonId, PipelineId, ProjectId
from roundel.domain.views import PipelineConfig, PipelineView
from roundel.store.dialect import Row, Sql, placeholders
from roundel.store.owner_rows import slug_of
from roundel.store.rows import PIPELINE, PIPELINE_WIDTH, columns, pipeline_of

SELECT_PIPELINE = (
    f"SELECT {columns(PIPELINE, 'p')}, j.slug, j.repository_url"
    " FROM pipeline p JOIN project j ON j.id = p.project_id"
)


@lru_cache(maxsize=2048)
def view_of(row: Row) -> PipelineView:
    """Return what a row says.  Lists show the same rows again and again, so they are remembered."""
    return PipelineView(
        pipeline=pipeline_of(row),
        project_slug=slug_of(row[PIPELINE_WIDTH]),
        repository_url=row[PIPELINE_WIDTH + 1],
    )


# What a row is known by; `SqlPipelines.save` never leaves its `updated_at` as it was.
_KEY = "p.id, p.created_at, p.updated_at, p.state, j.slug, j.repository_url"
_MOST_KNOWN = 2048


class PipelineLists:
    """Reads pages of pipelines of one database.

    Lists show the same rows again and again.  A page reads the keys of its rows, and the rest of a
    row only where it is new or has changed; one that has not comes back as the very same view.
    """

    def __init__(self) -> None:
        self._known: dict[Row, PipelineView] = {}

    def page(
        self,
        sql: Sql,
        *,
        projects: Sequence[ProjectId],
        branch: str | None,
        actor_id: PersonId | None,
        before: tuple[Micros, PipelineId] | None,
        limit: int,
    ) -> list[PipelineView]:
        """Return a keyset page, newest first.

        One project walks its own index.  Of several, each gives at most a page by its index, and
        the newest of all are kept: the cost grows with the projects asked for, never with their
        history.
        """
        keys = [
            key
            for project in projects
            for key in _page_of_one(sql, project, branch, actor_id, before, limit)
        ]
        if len(projects) > 1:
            keys.sort(key=lambda key: (key[1], key[0]), reverse=True)  # created_at, id
        return self._views(sql, keys[:limit])

    def _views(self, sql: Sql, keys: Sequence[Row]) -> list[PipelineView]:
        known = self._known
        views = [known.get(key) for key in keys]
        unknown = [key for key, view in zip(keys, views, strict=True) if view is None]
        if not unknown:
            return [view for view in views if view is not None]
        marks, values = placeholders("id", [key[0] for key in unknown])
        rows = sql.all(f"{SELECT_PIPELINE} WHERE p.id IN ({marks})", **values)
        read = {row[0]: view_of(row) for row in rows}
        if len(known) + len(unknown) > _MOST_KNOWN:
            known.clear()
        known.update((key, read[key[0]]) for key in unknown)
        return [view or read[key[0]] for key, view in zip(keys, views, strict=True)]


def _page_of_one(
    sql: Sql,
    project: ProjectId,
    branch: str | None,
    actor_id: PersonId | None,
    before: tuple[Micros, PipelineId] | None,
    limit: int,
) -> list[Row]:
    where = ["p.project_id = :project"]
    values: dict[str, object] = {"project": project, "limit": limit}
    if branch is not None:
        where.append("p.branch = :branch")
        values["branch"] = branch
    if actor_id is not None:
        where.append("p.actor_id = :actor")
        values["actor"] = actor_id
    if before is not None:
        where.append("(p.created_at, p.id) < (:created_at, :id)")
        values["created_at"], values["id"] = before
    return sql.all(
        f"SELECT {_KEY} FROM pipeline p JOIN project j ON j.id = p.project_id"
        f" WHERE {' AND '.join(where)} ORDER BY p.created_at DESC, p.id DESC LIMIT :limit",
        **values,
    )


def pipeline(sql: Sql, pipeline_id: PipelineId) -> PipelineView | None:
    """Return a pipeline."""
    row = sql.one(f"{SELECT_PIPELINE} WHERE p.id = :id", id=pipeline_id)
    return None if row is None else view_of(row)


def pipeline_by_number(sql: Sql, project_id: ProjectId, number: int) -> PipelineView | None:
    """Return a project's pipeline by its number."""
    row = sql.one(
        f"{SELECT_PIPELINE} WHERE p.project_id = :project AND p.number = :number",
        project=project_id,
        number=number,
    )
    return None if row is None else view_of(row)


def pipeline_config(sql: Sql, pipeline_id: PipelineId) -> PipelineConfig | None:
    """Return the texts of a pipeline."""
    row = sql.one(
        "SELECT source, compiled, setup_source, setup_compiled FROM pipeline WHERE id = :id",
        id=pipeline_id,
    )
    if row is None:
        return None
    hashes = [digest for digest in row if digest is not None]
    names, values = placeholders("hash", hashes)
    texts: dict[str, str] = {}
    if hashes:
        found = sql.all(f"SELECT hash, text FROM document WHERE hash IN ({names})", **values)
        texts = {row[0]: row[1] for row in found}
    return PipelineConfig(
        source=texts.get(row[0], ""),
        compiled=texts.get(row[1], ""),
        setup_source=texts.get(row[2]),
        setup_compiled=texts.get(row[3]),
    )
