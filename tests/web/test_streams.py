"""What browsers are told while they look on, and for how long they may."""

import asyncio
import json
import re
from contextlib import AsyncExitStack

import pytest

from roundel.app.web_cases import WebUseCases
from roundel.domain.clock import SECOND, Micros
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.resource_use import Sample
from roundel.domain.runners import JobOrder, Result, StepStatus
from roundel.web.app import create_web
from roundel.web.ports import WebSettings
from tests.builders import a_plan
from tests.fakes import a_chunk, a_report
from tests.streaming import Stream, opened
from tests.web.conftest import Street
from tests.web.visitor import Visitor, text_of


def cookies(visitor: Visitor) -> dict[str, str]:
    return {"cookie": "; ".join(f"{key}={value}" for key, value in visitor.cookies.items())}


async def started(street: Street) -> JobOrder:
    await street.house.trigger(a_plan("build"))
    order = await street.house.runner.claim()
    assert order is not None
    await street.house.engine.runners.report(order.lease, [a_report()])
    return order


async def text_until(stream: Stream, end: str) -> tuple[str, str]:
    """Return what was written, up to `end`, and the position behind it."""
    text, position = "", ""
    while end not in text:
        event = await stream.event()
        position = event.get("id", position)
        if event["event"] == "output":
            text += json.loads(event["data"])["text"]
    return text, position


async def test_many_look_on_at_one_output_and_share_one_reader(street: Street) -> None:
    order = await started(street)
    runners = street.house.engine.runners
    await runners.chunk(order.lease, [a_chunk(b"before\n")])
    visitor = await street.visitor()
    path = f"/stream/output/{order.lease.execution_id}?at=0:0"
    async with AsyncExitStack() as stack:
        lookers = []
        for _ in range(5):
            looker, _ = await stack.enter_async_context(
                opened(street.doors, path, cookies(visitor))
            )
            lookers.append(looker)
        for looker in lookers:
            assert (await text_until(looker, "before\n"))[0] == "before\n"
        readers = [it for it in asyncio.all_tasks() if "reader of" in it.get_name()]
        assert len(readers) == 1
        await runners.chunk(order.lease, [a_chunk("früher\n".encode(), number=1)])
        for looker in lookers:
            assert (await text_until(looker, "früher\n"))[0] == "früher\n"


async def test_who_comes_back_goes_on_where_they_were(street: Street) -> None:
    order = await started(street)
    runners = street.house.engine.runners
    await runners.chunk(order.lease, [a_chunk(b"one\n")])
    visitor = await street.visitor()
    path = f"/stream/output/{order.lease.execution_id}"
    async with opened(street.doors, path, cookies(visitor)) as (stream, _):
        text, _ = await text_until(stream, "one\n")
        position = (await stream.event())["id"]  # caught up
        assert text == "one\n"
    await runners.chunk(order.lease, [a_chunk(b"two\n", number=1)])
    headers = {**cookies(visitor), "last-event-id": position}
    async with opened(street.doors, path, headers) as (stream, task):
        assert (await text_until(stream, "two\n"))[0] == "two\n"
        over = a_report(
            status=StepStatus.SUCCESS, exit_code=0, ended_at=Micros(1_900_000_000_000_000)
        )
        await runners.report(order.lease, [over])
        await runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))
        seen = []
        while "bye" not in seen:
            seen.append((await stream.event())["event"])
        assert "step" in seen
        await task


async def test_a_job_shows_what_it_has_used(street: Street) -> None:
    order = await started(street)
    runners, clock = street.house.engine.runners, street.house.clock
    samples = []
    async with street.house.unwatched():
        for n in range(1, 100):
            clock.forward(SECOND)
            samples.append(Sample(at=clock.now(), cpu_ms=n * 1500, memory=n * 1_000_000))
        await runners.renew(order.lease, samples)
    visitor = await street.visitor()
    pipeline = text_of(await visitor.get("/pipelines/gh/acme/web/1"))
    job = re.search(r'href="(/pipelines/[^"]+/jobs/\d+)', pipeline)
    assert job is not None
    page = text_of(await visitor.get(job.group(1)))
    assert "2m 28s of processor time, up to 99 MB of memory" in page
    assert page.count("150 %</td>") > 50  # one and a half cores, in each part of the time
    assert "99 MB</td>" in page
    assert "Memory over time" in page


async def test_a_list_is_told_that_something_changed_and_a_pipeline_what_it_lacks(
    street: Street,
) -> None:
    house = street.house
    pipeline = await house.trigger(a_plan("build"))
    visitor = await street.visitor()
    async with (
        opened(street.doors, "/stream/changes", cookies(visitor)) as (everything, _),
        opened(street.doors, "/stream/changes/gh/acme/web", cookies(visitor)) as (project, _),
        opened(street.doors, f"/stream/pipeline/{pipeline.id}", cookies(visitor)) as (own, _),
    ):
        first = await own.event()
        await house.runner.run_all()
        for stream in (everything, project):
            assert (await stream.event())["event"] == "change"
        second = await own.event()
        assert first["id"] != second["id"]


@pytest.mark.parametrize("end", ["sign-out", "role"])
async def test_a_stream_ends_soon_after_the_right_to_look_on(street: Street, end: str) -> None:
    engine = street.house.engine
    settings = WebSettings(signing_key=engine.signing_key(), heartbeat_seconds=0.01)
    web = create_web(engine, WebUseCases(engine), settings, document=dict)
    visitor = await street.visitor()
    path = "/stream/changes/gh/acme/web"
    async with opened(web, path, cookies(visitor)) as (stream, task):
        assert await stream.pieces.get() == b"retry: 1000\n\n"
        assert not task.done()
        if end == "sign-out":
            await visitor.post("/sign-out")
        else:
            await street.house.damage("UPDATE person SET server_administrator = 0")
        await asyncio.wait_for(task, 5)
