"""The list of pipelines: of everything that the visitor may see, an organization, or a project."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import PipelineId, is_uuid
from roundel.domain.page_views import PipelineFilter, Standing
from roundel.domain.pipelines import TriggerType
from roundel.domain.projects import Organization, Project
from roundel.domain.records import dataclass
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.rooms import Rooms, rooms_of

PAGE_SIZE = 30
TRIGGERS = {
    TriggerType.WEBHOOK: "push",
    TriggerType.API: "API",
    TriggerType.EXPLICIT: "started here",
    TriggerType.SCHEDULED: "schedule",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the visitor chose, as the form shows it."""

    branch: str
    status: str
    trigger: str
    mine: bool

    @property
    def any(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.branch or self.status or self.trigger or self.mine)

    def query(self, **more: str) -> str:
        """Return the query of a link that keeps the filters."""
        chosen = {
            "branch": self.branch,
            "status": self.status,
            "trigger": self.trigger,
            "mine": "1" if self.mine else "",
            **more,
        }
        kept = {name: value for name, value in chosen.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


async def everything(visit: Visit[None]) -> Response:
    rooms = await rooms_of(visit)
    return await _show(visit, rooms, rooms.projects, "/pipelines", "/stream/changes")


async def of_organization(visit: Visit[Organization]) -> Response:
    rooms = await rooms_of(visit, organization=visit.subject)
    own = [it for it in rooms.projects if it.organization.id == visit.subject.id]
    path = address_of.organization(visit.subject)
    return await _show(visit, rooms, own, path, path.replace("/pipelines", "/stream/changes", 1))


async def of_project(visit: Visit[Project]) -> Response:
    rooms = await rooms_of(visit, project=visit.subject)
    path = address_of.project(visit.subject)
    stream = path.replace("/pipelines", "/stream/changes", 1)
    return await _show(visit, rooms, [visit.subject], path, stream)


async def _show(
    visit: Visit[None] | Visit[Organization] | Visit[Project],
    rooms: Rooms,
    projects: Sequence[Project],
    path: str,
    stream: str,
) -> Response:
    filters = _filters(visit.query)
    ids = tuple(project.id for project in projects)
    wanted = PipelineFilter(
        projects=ids,
        branch=filters.branch or None,
        actor_id=visit.actor.id if filters.mine else None,
        trigger=TriggerType(filters.trigger) if filters.trigger else None,
        standing=Standing(filters.status) if filters.status else None,
    )
    before = _read_key(visit.query.get("before"))
    page = await visit.app.pages.pipelines(wanted, before=before, limit=PAGE_SIZE)
    following = page.following
    older = None
    if following is not None:
        older = path + filters.query(before=_key(*following))
    return visit.page(
        "dashboard.html",
        rooms=rooms,
        filters=filters,
        lines=page.lines,
        older=older,
        newest=path + filters.query() if before is not None else None,
        path=path,
        stream=None if before is not None else stream,
        branches=await visit.app.pages.branches(ids) if ids else (),
        statuses=[it for it in Standing if it is not Standing.NOT_RUN],
        triggers=TRIGGERS,
        one_project=projects[0] if len(projects) == 1 and rooms.project else None,
        empty_server=not rooms.projects,
    )


def _filters(values: Mapping[str, str]) -> Filters:
    status, trigger = values.get("status", ""), values.get("trigger", "")
    if status not in ("", *Standing):
        raise Invalid(f"status: there is no {status[:40]!r}")
    if trigger not in ("", *TriggerType):
        raise Invalid(f"trigger: there is no {trigger[:40]!r}")
    return Filters(
        branch=values.get("branch", "").strip(),
        status=status,
        trigger=trigger,
        mine=values.get("mine") == "1",
    )


def _key(at: Micros, pipeline: PipelineId) -> str:
    return base64.urlsafe_b64encode(f"{at}.{pipeline}".encode()).decode().rstrip("=")


def _read_key(text: str | None) -> tuple[Micros, PipelineId] | None:
    if not text:
        return None
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode()
        at, _, pipeline = raw.partition(".")
        if not is_uuid(pipeline) or len(at) > 18:
            raise ValueError(text)
        return Micros(int(at)), PipelineId(pipeline)
    except (ValueError, binascii.Error) as error:
        raise Invalid("This link is damaged; begin at the newest pipelines again.") from error


PAGES: list[AnyPage] = [
    Page(method="GET", path="/pipelines", need=Need.SIGNED_IN, handler=everything),
    Page(
        method="GET",
        path="/pipelines/{vcs}/{organization}",
        need=Need.READ,
        handler=of_organization,
        subject=subjects.organization,
    ),
    Page(
        method="GET",
        path="/pipelines/{vcs}/{organization}/{project}",
        need=Need.READ,
        handler=of_project,
        subject=subjects.project,
    ),
]
