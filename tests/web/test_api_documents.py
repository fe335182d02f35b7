"""The pages of the API's live document."""

import json
import re
from html import unescape

from roundel.web.api_document import slug_of
from tests.web.conftest import Street
from tests.web.visitor import text_of


async def test_every_operation_of_the_document_has_its_place_for_anybody(street: Street) -> None:
    stranger = street.stranger()
    document = (await stranger.get("/api/v2/openapi.json")).json()
    index = text_of(await stranger.get("/docs/api"))
    pages = {
        tag["name"]: text_of(await stranger.get(f"/docs/api/{slug_of(tag['name'])}"))
        for tag in document["tags"]
    }
    for path, entries in document["paths"].items():
        for method, entry in entries.items():
            assert path in index
            page = pages[entry["tags"][0]]
            assert f'id="{entry["operationId"]}"' in page
            assert f"{method.upper()} /api/v2{path}" in page
            assert "//" not in page.split("</head>")[0]  # nothing from elsewhere


async def test_a_group_shows_parameters_fields_and_examples(street: Street) -> None:
    page = text_of(await street.stranger().get("/docs/api/pipeline"))
    place = page.split('id="listPipelines"')[1].split("</section>")[0]
    for shown in ("org-slug", "items[].vcs.revision", "next_page_token", "string (uuid)"):
        assert shown in place
    [example] = re.findall(r"<pre>(.*?)</pre>", place, re.S)
    assert "items" in json.loads(unescape(example))


async def test_a_group_that_is_not_there_is_404(street: Street) -> None:
    assert (await street.stranger().get("/docs/api/nothing")).status == 404
