"""The WebSocket of a job's page: who comes in, what is written down, and when it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from roundel.app.doors import create_doors
from roundel.app.web_cases import WebUseCases
from roundel.domain.access import Role
from roundel.domain.audit import Deed
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import JobOrder, Result
from roundel.domain.settings import ProjectSettings
from roundel.domain.shells import ShellLine, WindowSize
from roundel.vault.tokens import digest_of
from roundel.web.app import create_web
from roundel.web.ports import WebSettings
from tests.builders import a_plan
from tests.fakes import a_report
from tests.scenarios.conftest import House
from tests.web.conftest import Street
from tests.web.visitor import Visitor, text_of


@dataclass
class Socket:
    """A browser's end of a WebSocket, without a network."""

    accepted: bool = False
    close: int | None = None
    frames: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    ours: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)

    def send(self, frame: bytes | dict[str, Any] | str) -> None:
        if isinstance(frame, bytes):
            self.ours.put_nowait({"type": "websocket.receive", "bytes": frame})
        else:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            self.ours.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        self.ours.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def printed(self, text: str) -> str:
        said = ""
        async with asyncio.timeout(10):
            while text not in said:
                frame = await self.frames.get()
                assert frame.get("bytes") is not None, frame
                said += frame["bytes"].decode()
        return said

    async def end(self) -> str:
        """Return why it has ended; other frames are passed over."""
        async with asyncio.timeout(10):
            while True:
                frame = await self.frames.get()
                if "end" in (words := json.loads(frame.get("text") or "{}")):
                    return str(words["end"])


@asynccontextmanager
async def dialled(doors: ASGIApp, path: str, headers: dict[str, str]) -> AsyncIterator[Socket]:
    socket = Socket()
    socket.ours.put_nowait({"type": "websocket.connect"})
    answered = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "websocket.accept":
            socket.accepted = True
        elif message["type"] == "websocket.close":
            socket.close = message.get("code", 1006)
        else:
            socket.frames.put_nowait(message)
        answered.set()

    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "client": ("203.0.113.9", 4711),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    task = asyncio.create_task(doors(scope, socket.ours.get, send))
    try:
        async with asyncio.timeout(10):
            await answered.wait()
        yield socket
    finally:
        socket.leave()
        async with asyncio.timeout(10):
            await task


@dataclass
class Place:
    """A street with a job that runs, and its runner's patience."""

    street: Street
    order: JobOrder
    path: str

    def headers(self, visitor: Visitor, **more: str) -> dict[str, str]:
        cookies = "; ".join(f"{key}={value}" for key, value in visitor.cookies.items())
        return {"host": "ci.example", "origin": visitor.origin, "cookie": cookies, **more}

    @asynccontextmanager
    async def line(self) -> AsyncIterator[ShellLine]:
        """The runner calls back as soon as it is called."""
        runners = self.street.house.engine.runners
        async with asyncio.timeout(20):
            while True:
                assert (await runners.called(self.order.lease)).shell_wanted
                async with runners.shell(self.order.lease) as line:
                    if line is not None:
                        yield line
                        return

    async def deeds(self) -> list[Deed]:
        found = await self.street.house.engine.audit.audit(None, before=None, limit=20)
        return [it.deed for it in found if it.deed.operation == "openShell"]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    house = House(tmp_path / "data", shells=True)
    await house.open()
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    workflow = await house.workflow(pipeline)
    path = f"/pipelines/gh/acme/web/{pipeline.number}/workflows/{workflow.id}/jobs/1/shell/0"
    yield Place(Street(house, create_doors(house.engine)), order, path)
    await house.engine.stop()


def first(visitor: Visitor, **more: object) -> dict[str, object]:
    return {"form_token": visitor.form_token, "columns": 90, "rows": 30, **more}


async def test_a_visitor_types_into_the_job_and_reads_what_it_says(place: Place) -> None:
    ada = await place.street.visitor(await place.street.token("ada", acme=Role.CONTRIBUTOR))
    async with dialled(place.street.doors, place.path, place.headers(ada)) as socket:
        assert socket.accepted
        socket.send(first(ada))
        async with place.line() as line:
            assert line.size == WindowSize(columns=90, rows=30)
            await line.say(b"$ ")
            assert await socket.printed("$ ") == "$ "
            socket.send(b"ls\r")
            assert await line.heard() == b"ls\r"
            socket.send({"columns": 10_000, "rows": 1})
            assert await line.heard() == WindowSize(columns=500, rows=2)
            await line.end("The shell has ended.")
        assert await socket.end() == "The shell has ended."
    assert socket.close == 1000
    [deed] = await place.deeds()
    assert (deed.actor_login, deed.status) == ("ada", 101)
    assert deed.target == f"{place.path} from 203.0.113.9"
    assert deed.organization_id == place.street.house.project.organization.id


async def test_the_runner_hears_when_the_browser_is_gone(place: Place) -> None:
    admin = await place.street.visitor()
    async with dialled(place.street.doors, place.path, place.headers(admin)) as socket:
        socket.send(first(admin))
        async with place.line() as line:
            socket.leave()
            async with asyncio.timeout(10):
                assert await line.heard() is None


@pytest.mark.parametrize("lacking", ["cookie", "origin", "foreign origin", "other site", "page"])
async def test_only_a_page_of_ours_comes_in(place: Place, lacking: str) -> None:
    admin = await place.street.visitor()
    headers, path = place.headers(admin), place.path
    if lacking in headers:
        del headers[lacking]
    elif lacking == "foreign origin":
        headers["origin"] = "https://evil.example"
    elif lacking == "other site":
        headers["sec-fetch-site"] = "cross-site"
    else:
        path = path.replace("/jobs/1/", "/jobs/2/")
    async with dialled(place.street.doors, path, headers) as socket:
        assert not socket.accepted
        assert socket.close is not None


async def test_strangers_learn_nothing_of_a_job(place: Place) -> None:
    eve = await place.street.visitor(await place.street.token("eve", globex=Role.ADMINISTRATOR))
    async with dialled(place.street.doors, place.path, place.headers(eve)) as socket:
        assert not socket.accepted


@pytest.mark.parametrize(
    "frame", [{"form_token": "0" * 64}, {"columns": "wide"}, "no json", "x" * 5000, b"keys"]
)
async def test_the_first_frame_carries_the_pages_token(place: Place, frame: Any) -> None:
    admin = await place.street.visitor()
    async with dialled(place.street.doors, place.path, place.headers(admin)) as socket:
        socket.send(first(admin, **frame) if isinstance(frame, dict) else frame)
        assert "This form is too old" in await socket.end()
    assert await place.street.house.engine.runners.resume(place.order.lease) is not None
    assert place.street.house.engine.shell_desk is not None
    assert not place.street.house.engine.shell_desk.awaited(place.order.lease.execution_id)


async def test_who_may_not_hears_why_and_it_is_written_down(place: Place) -> None:
    vic = await place.street.visitor(await place.street.token("vic", acme=Role.VIEWER))
    async with dialled(place.street.doors, place.path, place.headers(vic)) as socket:
        socket.send(first(vic))
        assert "Your role does not allow this" in await socket.end()
    [deed] = await place.deeds()
    assert (deed.actor_login, deed.status) == ("vic", 403)
    assert deed.target.endswith(" from 203.0.113.9")


async def test_an_open_shell_ends_with_the_right_to_it(place: Place) -> None:
    doors = impatient(place, heartbeat_seconds=0.05)
    ada = await place.street.visitor(await place.street.token("ada", acme=Role.CONTRIBUTOR))
    house = place.street.house
    async with dialled(doors, place.path, place.headers(ada)) as socket:
        socket.send(first(ada))
        async with place.line():
            await house.engine.database.write(
                lambda tx: tx.settings.save_project(
                    house.project.id, ProjectSettings(disable_ssh=True)
                )
            )
            assert "disable_ssh" in await socket.end()
    await house.engine.database.write(
        lambda tx: tx.settings.save_project(house.project.id, ProjectSettings())
    )
    async with dialled(doors, place.path, place.headers(ada)) as socket:
        socket.send(first(ada))
        async with place.line() as line:
            secret = ada.cookies["roundel_session"]
            await house.engine.database.write(lambda tx: tx.sessions.remove(digest_of(secret)))
            assert "signed out" in await socket.end()
            assert await line.heard() is None


async def test_a_shell_that_nobody_types_in_ends_and_so_does_one_that_lasts(place: Place) -> None:
    admin = await place.street.visitor()
    idle = impatient(place, heartbeat_seconds=0.05, shell_idle_seconds=0.2)
    async with dialled(idle, place.path, place.headers(admin)) as socket:
        socket.send(first(admin))
        async with place.line() as line:
            await line.say(b"still printing")
            assert "No key was pressed" in await socket.end()
    longest = impatient(place, heartbeat_seconds=0.05, shell_longest_seconds=0.2)
    async with dialled(longest, place.path, place.headers(admin)) as socket:
        socket.send(first(admin))
        async with place.line():
            assert "A shell lasts" in await socket.end()


async def test_the_page_offers_a_shell_to_who_may_have_one_while_the_job_runs(
    place: Place,
) -> None:
    house, page = place.street.house, place.path.removesuffix("/shell/0")
    ada = await place.street.visitor(await place.street.token("ada", acme=Role.CONTRIBUTOR))
    vic = await place.street.visitor(await place.street.token("vic", acme=Role.VIEWER))
    address = f'data-shell="{page}/shell/0"'.replace("/gh/", "/github/")
    assert address in text_of(await ada.get(page))
    seen = text_of(await vic.get(page))
    assert address not in seen
    assert "A shell is not possible. " in seen
    plain = Visitor(impatient(place, shells=False), cookies=ada.cookies)
    assert "Open a shell" not in text_of(await plain.get(page))
    await house.engine.runners.finish(place.order.lease, Result(status=ExecutionStatus.SUCCESS))
    assert "Open a shell" not in text_of(await ada.get(page))


async def test_a_server_without_the_setting_has_no_such_door(place: Place) -> None:
    admin = await place.street.visitor()
    plain = impatient(place, shells=False)
    async with dialled(plain, place.path, place.headers(admin)) as socket:
        assert not socket.accepted


def impatient(place: Place, **settings: Any) -> ASGIApp:
    engine = place.street.house.engine
    own = WebSettings(**{"signing_key": engine.signing_key(), "shells": True, **settings})
    return create_web(engine, WebUseCases(engine), own, document=dict)
