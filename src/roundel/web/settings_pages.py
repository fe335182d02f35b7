"""What the settings pages of organizations and projects have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from starlette.responses import RedirectResponse, Response

from roundel.domain.access import Actor, Need
from roundel.domain.errors import Invalid, NotAllowed
from roundel.domain.ids import is_uuid
from roundel.domain.projects import Organization, Project
from roundel.services.settings import MOST_DAYS
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import Visit
from roundel.web.rooms import rooms_of

R = TypeVar("R")

# What a page may say was done.  An address made up by somebody else says nothing but these.
DONE = {
    "saved": "Saved.",
    "added": "Added.",
    "removed": "Removed.",
    "revoked": "Revoked: it is refused from now on.",
    "ordered": "Ordered: the file is being written. Reload in a moment.",
    "ended": "Ended.",
    "cleared": "Cleared: the next jobs make their caches anew.",
    "preferred": "Preferred: jobs clone with it from now on.",
    "sent": "On its way. Reload in a moment to see what came of it.",
}

HIGHEST_LIMIT = MOST_DAYS  # of days, and far more jobs at once than anybody has
HIGHEST_DIGITS = 19  # of a time in microseconds that a database takes
# The sections of settings: where each is below them, its name, and what one needs to see it.
OF_ORGANIZATION = (
    ("", "Overview", Need.READ),
    ("/people", "People", Need.READ),
    ("/groups", "Groups", Need.READ),
    ("/contexts", "Contexts", Need.READ),
    ("/runners", "Runners", Need.READ),
    ("/policies", "Policies", Need.READ),
    ("/orbs", "URL orbs", Need.READ),
    ("/usage", "Usage", Need.READ),
    ("/audit", "Audit log", Need.ADMINISTER),
)
OF_PROJECT = (
    ("", "Overview"),
    ("/environment-variables", "Environment variables"),
    ("/ssh", "SSH keys"),
    ("/webhooks", "Webhooks"),
    ("/schedules", "Schedules"),
    ("/definitions", "Pipelines and triggers"),
)
ONLY_WHOLE = (
    "This session began with a token that has scopes, which may not do this. Sign in with a"
    " password or with a token for everything."
)


# What refusals of a variable begin with, and the field that is meant.
OF_VARIABLE: Fields = {
    "The variable's name": ("variable", ""),
    "A variable's name": ("variable", ""),
    "value:": ("value", "Value:"),
}


def refuse_scopes(actor: Actor) -> None:
    """Refuse sessions of tokens with scopes, as the API does: they could widen themselves."""
    if actor.scopes is not None:
        raise NotAllowed(ONLY_WHOLE)


async def show(
    visit: Visit[Any],
    organization: Organization,
    template: str,
    *,
    problem: str,
    status: int,
    **values: object,
) -> Response:
    """Render one of an organization's settings pages, with what its visitor may do there."""
    actor = visit.actor
    return visit.page(
        template,
        status=status,
        rooms=await rooms_of(visit, organization=organization),
        organization=organization,
        root=address_of.settings(organization),
        sections=[
            (path, name) for path, name, need in OF_ORGANIZATION if actor.may(need, organization.id)
        ],
        problem=problem,
        may_write=actor.may(Need.WRITE, organization.id),
        may_administer=actor.may(Need.ADMINISTER, organization.id),
        whole=actor.scopes is None,
        said=DONE,
        **values,
    )


async def show_project(
    visit: Visit[Any],
    project: Project,
    template: str,
    *,
    problem: str,
    status: int,
    **values: object,
) -> Response:
    """Render one of a project's settings pages, with what its visitor may do there."""
    actor, organization = visit.actor, project.organization
    return visit.page(
        template,
        status=status,
        rooms=await rooms_of(visit, project=project),
        project=project,
        root=address_of.project_settings(project),
        sections=OF_PROJECT,
        house=address_of.settings(organization),
        problem=problem,
        may_write=actor.may(Need.WRITE, organization.id),
        may_administer=actor.may(Need.ADMINISTER, organization.id),
        said=DONE,
        **values,
    )


def limits_of(visit: Visit[Any], words: Mapping[str, str]) -> dict[str, int | None]:
    """Read a form's limits, each under what the form calls it; an empty one is no limit."""
    return {name: _limit(word, visit.field(name).strip()) for name, word in words.items()}


def _limit(word: str, text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= HIGHEST_LIMIT:
        return int(text)
    raise Invalid(
        f"{word}: expected a whole number from 1 to {HIGHEST_LIMIT}, or nothing for no limit;"
        f" got {text[:40]!r}"
    )


def cut(rows: Sequence[R], size: int) -> tuple[Sequence[R], R | None]:
    """Return a page of rows, of which one more was asked for, and its last row if more follow."""
    return rows[:size], rows[size - 1] if len(rows) > size else None


def after_of(visit: Visit[Any]) -> tuple[int, str] | None:
    """Return the time and the id behind which a page of a list begins, None for the first page."""
    at, _, id_ = visit.query.get("after", "").partition(".")
    if not (at.isascii() and at.isdigit() and len(at) < HIGHEST_DIGITS and is_uuid(id_)):
        return None
    return int(at), id_.lower()


def done(path: str, what: str = "") -> Response:
    """Lead back to a page after its form was carried out; `what` of `DONE` is said there."""
    return RedirectResponse(f"{path}?done={what}" if what else path, status_code=303)
