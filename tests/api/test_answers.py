"""Tags and packing of good answers."""

import gzip
import json

import pytest

from tests.api.client import Client
from tests.api.conftest import Town

LIST = "/api/v2/project/gh/acme/web/pipeline"


async def test_what_the_caller_has_already_is_not_sent_again(town: Town):
    client = town.client()
    first = await client.get(LIST)
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', "*", tag.removeprefix("W/")):
        again = await client.get(LIST, if_none_match=known)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    town.world.pipeline(town.project, by=town.ada)
    changed = await client.get(LIST, if_none_match=tag)
    assert changed.status == 200
    assert changed.headers["etag"] != tag


async def test_what_changes_something_has_no_tag(client: Client):
    answer = await client.post(LIST, {})
    assert answer.status == 201
    assert "etag" not in answer.headers


async def test_large_answers_are_packed_for_those_who_can_unpack(town: Town):
    for _ in range(20):
        town.world.pipeline(town.project, by=town.ada)
    plain = await town.client().get(LIST)
    packed = await town.client().get(LIST, accept_encoding="gzip, deflate")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] == plain.headers["etag"]
    assert int(packed.headers["content-length"]) == len(packed.body) < len(plain.body) / 2
    assert json.loads(gzip.decompress(packed.body)) == plain.json()


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br, gzip; q=0.0, deflate"])
async def test_others_get_them_as_they_are(town: Town, accepted: str):
    for _ in range(20):
        town.world.pipeline(town.project, by=town.ada)
    answer = await town.client().get(LIST, accept_encoding=accepted)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "accept-encoding"
    assert len(answer.json()["items"]) == 20


async def test_edn_is_refused_with_what_to_do_instead(client: Client):
    answer = await client.get("/api/v1.1/me", accept="application/edn")
    assert (answer.status, answer.message) == (
        406,
        "EDN is not spoken here; ask with accept: application/json",
    )
    both = "application/edn;q=0.9, application/json"
    assert (await client.get("/api/v1.1/me", accept=both)).status == 200
    assert (await client.get("/api/v1.1/me", accept="text/html")).status == 200
    trigger = "/api/v1.1/project/github/acme/web"
    sent = await client.post(trigger, b'{:branch "main"}', content_type="application/edn")
    assert sent.status == 415
    assert "send JSON" in sent.message
