"""`/api/v1`: the same calls as `/api/v1.1`, without the word for the git host in their paths."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from roundel.api.operations import AnyOperation, Found, Subject
from roundel.api.readers import ApiApp
from roundel.api.routing import SLUG
from roundel.domain.projects import Vcs

PREFIX = "/api/v1"
_PARTS = "{organization}/{project}"


def bare(operations: Iterable[AnyOperation]) -> list[AnyOperation]:
    """Return the operations as `/api/v1` has them."""
    return [
        replace(
            it,
            id=f"{it.id}Bare",
            prefix=PREFIX,
            path=it.path.replace(SLUG, _PARTS),
            subject=None if it.subject is None else _on_github(it.subject),
        )
        for it in operations
    ]


def _on_github(subject: Subject[Any]) -> Subject[Any]:
    async def find(app: ApiApp, path: Mapping[str, str]) -> Found[Any] | None:
        slug = f"{Vcs.GITHUB}/{path['organization']}/{path['project']}"
        return await subject.find(app, {**path, "project-slug": slug})

    return replace(subject, find=find)
