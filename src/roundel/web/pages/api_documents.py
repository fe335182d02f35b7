"""Pages for the API's live document: an index, and a page for each group of operations."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.errors import NotFound
from roundel.web.api_document import by_tag, slug_of
from roundel.web.page import AnyPage, Page, Visit


async def index(visit: Visit[None]) -> Response:
    document = visit.hall.document()
    groups = [(tag, slug_of(tag), operations) for tag, operations in by_tag(document).items()]
    return visit.page("api_documents.html", document=document, groups=groups)


async def group(visit: Visit[None]) -> Response:
    document = visit.hall.document()
    for tag, operations in by_tag(document).items():
        if slug_of(tag) == visit.path["tag"]:
            base = document["servers"][0]["url"]
            return visit.page("api_document.html", tag=tag, operations=operations, base=base)
    raise NotFound("The API has no such group of operations.")


PAGES: list[AnyPage] = [
    Page(method="GET", path="/docs/api", need=Need.NOTHING, handler=index),
    Page(method="GET", path="/docs/api/{tag}", need=Need.NOTHING, handler=group),
]
