"""Requests that take as long as they like, at a server that is told to end."""

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from roundel.app.long_answers import LongAnswers

STREAM = [(b"Content-Type", b"text/event-stream; charset=utf-8")]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer `/stream` by events without an end, and other paths never."""
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": STREAM})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    await asyncio.Event().wait()


class Request:
    def __init__(self, app: LongAnswers, path: str) -> None:
        self.sent: list[Message] = []
        self.answered = asyncio.Event()
        scope: dict[str, Any] = {"type": "http", "path": path}
        self.task = asyncio.create_task(app(scope, None, self._send))  # type: ignore[arg-type]

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        self.answered.set()


async def test_a_stream_that_is_open_ends_as_if_it_were_over():
    app = LongAnswers(application, ["/wait"])
    request = Request(app, "/stream")
    await request.answered.wait()
    app.close()
    await request.task
    assert request.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert [it["status"] for it in request.sent if it["type"] == "http.response.start"] == [200]


async def test_who_waits_for_work_is_told_to_ask_again():
    app = LongAnswers(application, ["/wait"])
    request = Request(app, "/wait")
    await asyncio.sleep(0)  # it begins to wait
    app.close()
    await request.task
    start, body = request.sent
    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    assert "ask again" in json.loads(body["body"])["message"]
    assert body["more_body"] is False


async def test_what_comes_while_the_server_ends_is_not_kept_either():
    app = LongAnswers(application, ["/wait"])
    app.close()
    for path, status in (("/wait", 503), ("/stream", 200)):
        request = Request(app, path)
        await request.task
        assert request.sent[0]["status"] == status
        assert request.sent[-1]["more_body"] is False, path


async def test_other_requests_go_on_and_may_be_canceled_by_the_server():
    app = LongAnswers(application, ["/wait"])
    request = Request(app, "/slow")
    await asyncio.sleep(0)
    app.close()
    await asyncio.sleep(0)
    assert not request.task.done()
    request.task.cancel()
    await asyncio.gather(request.task, return_exceptions=True)
    assert request.task.cancelled()
    assert request.sent == []
