"""Hostile and broken requests: refused in the API's shape, and never our failure."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from roundel.api.app import create_api
from tests.api.client import Client
from tests.api.conftest import SETTINGS, Town
from tests.api.world import World

PIPELINES = "/api/v2/project/gh/acme/web/pipeline"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/api/v2/project/gh/acme/%FF", 400),
        ("/api/v2/project/gh/acme/%C3%28", 400),
        ("/api/v2/project/gh/acme/\xff", 400),
        ("/api/v2/project/gh/acme/%", 404),
        ("/api/v2/project/gh/acme/%zz", 404),
        ("/api/v2/project/gh/../web", 404),
        ("/api/v2/project/gh/acme/..%2F..%2Fetc", 404),
        ("/api/v2/nothing", 404),
        ("/api/v9/me", 404),
        ("/", 404),
        ("/api" + "/a" * 5000, 404),
        (PIPELINES + "?branch=%FF", 400),
        (PIPELINES + "?" + "&".join(f"a{n}=1" for n in range(500)), 400),
        (PIPELINES + "?branch=%00", 200),
    ],
)
async def test_odd_addresses_are_answered_in_json(client: Client, target: str, status: int):
    answer = await client.get(target)
    assert answer.status == status
    answer.json()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"parameters":' * 5_000, 400),
        (b'{"branch": "\\ud800"}', 400),
        (b'{"branch": "\xff"}', 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"null", 400),
        (b'{"branch": NaN}', 400),
        (b'{"parameters": {"n": 1e400}}', 400),
        (b'{"branch": "a"} {"branch": "b"}', 400),
        (b"x" * (SETTINGS.max_body_bytes + 1), 413),
        (b'{"branch": "\\u0000"}', 201),
        (b'{"branch": null, "unknown": {"deep": []}}', 201),
        (b'{"parameters": {"n": 99999999999999999999999999}}', 201),
        (b" \n ", 201),
    ],
)
async def test_odd_bodies_are_refused_or_taken_and_never_break_us(
    client: Client, body: bytes, status: int
):
    answer = await client.post(PIPELINES, body)
    assert answer.status == status, answer
    answer.json()


async def test_a_declared_size_is_believed_when_it_is_too_large(client: Client):
    answer = await client.post(PIPELINES, b"{}", content_length="999999999")
    assert answer.status == 413
    assert "larger than 131072 bytes" in answer.message


async def test_a_method_that_is_not_there_is_405_and_says_which_are(client: Client):
    answer = await client.send("DELETE", PIPELINES)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert answer.message == "DELETE is not possible here; use GET, HEAD, POST"
    for method in ("OPTIONS", "TRACE", "PATCH", "BREW"):
        assert (await client.send(method, PIPELINES)).status == 405


@pytest.mark.parametrize("target", [PIPELINES, "/api/v2/openapi.json", "/api/v2/nothing"])
async def test_head_has_the_headers_of_get_and_no_body(client: Client, target: str):
    head, get = await client.send("HEAD", target), await client.get(target)
    assert head.status == get.status
    assert head.body == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == str(len(get.body))


async def test_a_request_id_is_kept_where_it_is_sane(client: Client):
    kept = await client.get("/healthz", x_request_id="abc-1")
    assert kept.headers["x-request-id"] == "abc-1"
    for odd in ("a b", "x" * 500, "<script>"):
        answer = await client.get("/healthz", x_request_id=odd)
        assert answer.headers["x-request-id"] != odd


async def test_a_failure_of_ours_is_500_without_details(
    town: Town, client: Client, caplog: pytest.LogCaptureFixture
):
    town.world.broken = True
    answer = await client.get("/api/v2/me")
    assert answer.status == 500
    assert "disk" not in answer.message
    assert "the disk is gone" in caplog.text
    assert (await town.client(None).get("/healthz")).status == 200
    ready = await town.client(None).get("/readyz")
    assert (ready.status, ready.message) == (503, "The database does not answer")


async def test_a_client_that_goes_away_while_it_sends_is_not_our_failure(
    town: Town, caplog: pytest.LogCaptureFixture
):
    sent: list[Message] = []
    incoming: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b'{"bra', "more_body": True},
    ]

    async def receive() -> Message:
        return incoming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": PIPELINES,
        "raw_path": PIPELINES.encode(),
        "query_string": b"",
        "headers": [(b"circle-token", b"ada"), (b"content-type", b"application/json")],
    }
    await town.api(scope, receive, send)
    assert sent == []
    assert caplog.text == ""
    assert town.world.asked == []


async def test_metrics_count_answers_by_route(town: Town, client: Client):
    await client.get("/api/v2/me")
    await client.get("/api/v2/nowhere/1")
    await client.get("/api/v2/nowhere/2")
    text = (await town.client(None).get("/metrics")).body.decode()
    assert 'roundel_http_requests_total{method="GET",route="/api/v2/me",status="200"} 1.0' in text
    assert 'roundel_http_requests_total{method="",route="",status="404"} 2.0' in text
    assert "nowhere" not in text
    assert "roundel_http_request_seconds_count 3.0" in text
    assert "roundel_executions_at_work 2.0" in text
    assert "roundel_executions_waiting 3.0" in text
    assert "roundel_executions_oldest_wait_seconds 90.0" in text


WORDS = [
    "api",
    "v2",
    "v1.1",
    "project",
    "gh",
    "acme",
    "web",
    "pipeline",
    "mine",
    "job",
    "1",
    "workflow",
    "%2F",
    "gh%2Facme%2Fweb",
    "..",
    "%00",
    "%FF",
    "me",
    "tree",
    "cancel",
    "roundel",
    "output",
    "raw",
    "private",
    "token",
    "openapi.json",
]
SEGMENTS = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.text(
            st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="?#"), max_size=8
        ),
    ),
    max_size=10,
)


@settings(max_examples=200, deadline=None)
@given(segments=SEGMENTS, body=st.binary(max_size=64), method=st.sampled_from(["GET", "POST"]))
async def test_no_request_breaks_us(segments: list[str], body: bytes, method: str):
    world = World()
    acme = world.organization("acme")
    world.person("ada", "ada")
    world.project(acme, "web")
    client = Client(create_api(world, world, SETTINGS), "ada")
    answer = await client.send(
        method, "/" + "/".join(segments), body, {"content-type": "application/json"}
    )
    assert answer.status < 500
