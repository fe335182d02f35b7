"""Spans of pipelines reach a collector: whole, once for each that waits, again after a failure."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import DAY, MINUTE
from roundel.domain.jobs import ExecutionStatus
from roundel.wire.web import Web
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.receiver import Receiver, receiving
from tests.scenarios.conftest import House

PATH = "/api/v2/otel/exporters"
KEY = "hunter2-of-the-collector"


@pytest.fixture(autouse=True)
def collectors_here(house: House) -> None:
    """Let the server ask addresses of this machine."""
    house.engine.web = Web(private=True)


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def wanted(house: House, endpoint: str, **changes: Any) -> dict[str, Any]:
    return {
        "org_id": house.project.organization.id,
        "endpoint": endpoint,
        "protocol": "http",
        "headers": {"x-api-key": KEY},
        **changes,
    }


async def add(house: House, client: Client, endpoint: str, **changes: Any) -> Any:
    answer = await client.post(PATH, wanted(house, endpoint, **changes))
    assert answer.status == 201, answer
    return answer.json()


async def export(house: House) -> None:
    """Let everything that is due now leave."""
    for _ in range(3):
        await house.engine.ticks.tick()
        await house.engine.ticks.settled()


def spans_in(raw: bytes) -> dict[str, Any]:
    """Return the spans of a request by their names."""
    request = ExportTraceServiceRequest.FromString(raw)
    [group] = request.resource_spans
    [scope] = group.scope_spans
    return {span.name: span for span in scope.spans}


def attributes_of(span: Any) -> dict[str, Any]:
    return {it.key: it.value.string_value or it.value.int_value for it in span.attributes}


async def test_a_run_is_one_trace(house: House, client: Client, receiver: Receiver) -> None:
    await add(house, client, receiver.url)
    pipeline = await house.trigger(a_plan("build", "test"))
    await house.runner.run_all()
    await export(house)
    [received] = receiver.wait_for(1)
    assert received.headers["content-type"] == "application/x-protobuf"
    assert received.headers["x-api-key"] == KEY
    spans = spans_in(received.raw)
    root = spans.pop("gh/acme/web 1")
    assert root.trace_id.hex() == pipeline.id.replace("-", "")
    assert not root.parent_span_id
    about = attributes_of(root)
    assert about["cicd.pipeline.run.id"] == pipeline.id
    assert about["vcs.ref.head.name"] == "main"
    assert about["cicd.pipeline.run.url.full"].endswith("/pipelines/github/acme/web/1")
    workflow = spans.pop("main")
    assert workflow.parent_span_id == root.span_id
    assert attributes_of(workflow)["cicd.pipeline.result"] == "success"
    for name in ("build", "test"):
        job = spans.pop(name)
        assert job.parent_span_id == workflow.span_id
        assert job.status.code == job.status.STATUS_CODE_OK
        assert root.start_time_unix_nano <= job.start_time_unix_nano <= job.end_time_unix_nano
        assert job.end_time_unix_nano <= root.end_time_unix_nano


async def test_steps_are_children_of_their_job(
    house: House, client: Client, receiver: Receiver
) -> None:
    await add(house, client, receiver.url)
    await house.trigger(a_plan("build"))
    house.runner.endings["build"] = ExecutionStatus.FAILED
    await house.runner.run_all()
    await export(house)
    [received] = receiver.wait_for(1)
    spans = spans_in(received.raw)
    job = spans["build"]
    assert job.status.code == job.status.STATUS_CODE_ERROR
    assert spans["main"].status.code == job.status.STATUS_CODE_ERROR
    steps = [span for span in spans.values() if span.parent_span_id == job.span_id]
    assert steps
    assert all("roundel.step.index" in attributes_of(step) for step in steps)


async def test_a_rerun_is_a_workflow_more_in_the_same_trace(
    house: House, client: Client, receiver: Receiver
) -> None:
    await add(house, client, receiver.url)
    pipeline = await house.trigger(a_plan("build"))
    house.runner.endings["build"] = ExecutionStatus.FAILED
    await house.runner.run_all()
    await export(house)
    [workflow] = await house.engine.reads.workflows(pipeline.id)
    answer = await client.post(f"/api/v2/workflow/{workflow.workflow.id}/rerun", {})
    assert answer.status == 202, answer
    await house.runner.run_all()
    await export(house)
    first, second = (spans_in(it.raw) for it in receiver.wait_for(2))
    assert "gh/acme/web 1" not in second
    assert second["main"].trace_id == first["main"].trace_id
    assert second["main"].span_id != first["main"].span_id
    assert second["main"].parent_span_id == first["main"].parent_span_id


async def test_a_collector_that_fails_is_told_later(
    house: House, client: Client, receiver: Receiver
) -> None:
    receiver.statuses = [503]
    await add(house, client, receiver.url)
    for _ in range(2):
        await house.trigger(a_plan("build"))
    await house.runner.run_all()
    await export(house)
    assert len(receiver.wait_for(1)) == 1  # what follows waits with it
    house.clock.forward(MINUTE)
    await export(house)
    sent = [spans_in(it.raw) for it in receiver.wait_for(3)]
    assert [name for it in sent for name in it if name.startswith("gh/")] == [
        "gh/acme/web 1",
        "gh/acme/web 1",
        "gh/acme/web 2",
    ]
    receiver.got.clear()
    house.clock.forward(MINUTE)
    await export(house)
    assert receiver.got == []


async def test_what_waits_for_a_day_is_let_go(
    house: House, client: Client, receiver: Receiver
) -> None:
    receiver.statuses = [503] * 9
    await add(house, client, receiver.url)
    await house.trigger(a_plan("build"))
    await house.runner.run_all()
    await export(house)
    receiver.wait_for(1)
    house.clock.forward(DAY + MINUTE)
    await export(house)
    assert len(receiver.got) == 1


async def test_a_collector_is_told_by_grpc(house: House, client: Client) -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    def take(raw: bytes, context: grpc.ServicerContext) -> bytes:
        got.append((dict(context.invocation_metadata()), raw))
        return ExportTraceServiceResponse().SerializeToString()

    service = grpc.method_handlers_generic_handler(
        "opentelemetry.proto.collector.trace.v1.TraceService",
        {"Export": grpc.unary_unary_rpc_method_handler(take)},
    )
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        await add(house, client, f"127.0.0.1:{port}", protocol="grpc", insecure=True)
        await house.trigger(a_plan("build"))
        await house.runner.run_all()
        await export(house)
    finally:
        await asyncio.to_thread(server.stop(None).wait)
    [(metadata, raw)] = got
    assert metadata["x-api-key"] == KEY
    assert "build" in spans_in(raw)


async def test_exporters_are_listed_without_what_is_secret_and_removed(
    house: House, client: Client, receiver: Receiver
) -> None:
    made = await add(house, client, receiver.url)
    listed = await client.get(f"{PATH}?org-id={house.project.organization.id}")
    assert listed.json() == [made]
    assert made["headers"] == {"x-api-key": "xxxx"}
    for file in house.folder.glob("roundel.sqlite3*"):
        assert KEY.encode() not in file.read_bytes()
    removed = await client.send("DELETE", f"{PATH}/{made['id']}")
    assert (removed.status, removed.json()["message"]) == (200, "Exporter deleted.")
    assert (await client.send("DELETE", f"{PATH}/{made['id']}")).status == 404
    await house.trigger(a_plan("build"))
    await house.runner.run_all()
    await export(house)
    assert receiver.got == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"endpoint": "https://10.0.0.1/v1/traces"}, "private address"),
        ({"endpoint": "http://collector.example.com"}, "not an https:// address"),
        ({"endpoint": "https://a:b@collector.example.com"}, "not a plain address"),
        ({"endpoint": "collector.example.com/x", "protocol": "grpc"}, "a host and a port"),
        ({"endpoint": "https://[::1"}, "endpoint"),
        ({"headers": {"a b": "c"}}, "no name of a header"),
        ({"headers": {"a": "c\nd"}}, "headers.a"),
        ({"org_id": "acme"}, "org_id"),
        ({"protocol": "carrier-pigeon"}, "protocol"),
    ],
)
async def test_what_cannot_be_is_refused(
    house: House, client: Client, changes: dict[str, Any], why: str
) -> None:
    house.engine.web = Web()
    body = wanted(house, "https://collector.example.com")
    answer = await client.post(PATH, {**body, **changes})
    assert answer.status == 400
    assert why in answer.json()["message"]
