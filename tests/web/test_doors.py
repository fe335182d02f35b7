"""One address for the API and the pages: each path has one owner."""

from roundel.api.table import operations
from roundel.web.table import pages
from tests.web.conftest import Street


def test_no_page_stands_where_the_api_is() -> None:
    of_api = {(it.prefix + it.path).split("/")[1] for it in operations()}
    assert of_api.isdisjoint({page.path.split("/")[1] for page in pages()} | {"static"})


async def test_both_doors_answer(street: Street) -> None:
    stranger = street.stranger()
    refused = await stranger.get("/api/v2/nothing")
    assert (refused.status, refused.headers["content-type"]) == (404, "application/json")
    for path in ("/healthz", "/oidc/.well-known/openid-configuration"):
        assert (await stranger.get(path)).headers["content-type"] == "application/json", path
    page = await stranger.get("/nothing")
    assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_a_doubled_first_slash_leads_to_the_api_as_well(street: Street) -> None:
    answer = await street.stranger().get("//api/v2//me")
    assert (answer.status, answer.headers["content-type"]) == (401, "application/json")
