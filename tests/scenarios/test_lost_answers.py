"""R6: the network takes the answer to one call of a runner, which was done: nothing doubles."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from roundel.backends.process import ProcessBackend
from roundel.domain.clock import SystemClock
from roundel.domain.ids import RunnerId
from roundel.domain.runners import Offer
from roundel.runner.lease import HeldLease
from roundel.runner.main import Runner
from roundel.wire.runner_client import RemoteServer
from tests.contracts.servers import CLASS, class_with_token, doors
from tests.inline_compiler import InlineCompiler
from tests.proxy import Proxy
from tests.scenarios.conftest import House
from tests.scenarios.test_remote_runners import a_process_plan, ended, whole_log
from tests.waiting import until

LINES = 3000
TESTS = "<testcase classname='c' name='one'/><testcase classname='c' name='two'/>"
CONFIG = f"""\
version: 2.1
jobs:
  build:
    machine: true
    resource_class: {CLASS}
    steps:
      - run: mkdir -p out && echo kept > out/kept
      - run: head -c 1000000 /dev/zero > large
      - run: echo "<testsuite>{TESTS}</testsuite>" > out/report.xml
      - restore_cache: {{key: deps-1}}
      - run: i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; done
      - save_cache: {{key: deps-1, paths: [out]}}
      - persist_to_workspace: {{root: ., paths: [out]}}
      - store_artifacts: {{path: out/kept}}
      - store_artifacts: {{path: large}}
      - store_test_results: {{path: out}}
  after:
    machine: true
    resource_class: {CLASS}
    steps:
      - attach_workspace: {{at: .}}
      - restore_cache: {{key: deps-1}}
      - run: cat out/kept
workflows:
  main: {{jobs: [build, after: {{requires: [build]}}]}}
"""
NONE: Mapping[str, int] = {}
CALLS = (
    *("settle", "claim", "ship", "end", "download", "has-cache", "find-cache"),
    *("keep-cache", "layers", "keep-layer", "keep-artifact", "keep-tests"),
)
COUNTS = {
    "cache": 1,
    "workspace_layer": 1,
    "artifact": 2,
    "test_result": 2,
    "execution": 2,
}


@pytest.mark.parametrize("call", CALLS)
async def test_r6_an_answer_that_is_lost_costs_and_doubles_nothing(
    house: House, tmp_path: Path, call: str
) -> None:
    proxy = await runs_over_it(house, tmp_path, losing={call: 2})
    assert proxy.lost[call] == 2


async def test_r6_each_upload_that_breaks_off_is_made_again(house: House, tmp_path: Path) -> None:
    proxy = await runs_over_it(house, tmp_path, every_other="upload")
    assert proxy.lost["upload"] >= 4  # of the cache, the workspace, the small and the large file


async def runs_over_it(
    house: House, folder: Path, losing: Mapping[str, int] = NONE, every_other: str = ""
) -> Proxy:
    """Run the config while answers are lost, and see that it left what it should."""
    house.engine.compiler = InlineCompiler()
    house.repositories.config = CONFIG
    _, token = await class_with_token(house, CLASS)
    pipeline = await house.trigger()
    (folder / "runner").mkdir()
    async with (
        doors(house) as url,
        Proxy(url) as proxy,
        RemoteServer(proxy.url, token) as remote,
    ):
        proxy.losing.update(losing)
        proxy.losing_every_other = every_other
        runner = Runner(remote, ProcessBackend(), folder=folder / "runner", clock=SystemClock())
        running = asyncio.create_task(runner.run())
        await ended(house, pipeline)
        await runner.stop(5)
        await running
    assert await house.statuses(pipeline) == ("success", {"build": "success", "after": "success"})
    found = {
        table: (await house.rows(f"SELECT count(*) FROM {table}"))[0][0]  # noqa: S608  # ours
        for table in COUNTS
    }
    assert found == COUNTS
    said = await outputs(house, 1)
    assert "".join(f"line {n}\n" for n in range(1, LINES + 1)).encode() in said
    assert (await outputs(house, 2))[-1] == b"kept\n"
    return proxy


async def test_r6_a_cancel_whose_word_is_lost_is_said_again(house: House) -> None:
    _, token = await class_with_token(house, CLASS)
    pipeline = await house.trigger(a_process_plan("sleep 600"))
    async with doors(house) as url, Proxy(url) as proxy, RemoteServer(proxy.url, token) as remote:
        order = await remote.claim(Offer(runner_id=RunnerId("one"), wait_seconds=0.0))
        assert order is not None
        proxy.losing["called"] = 2
        held = HeldLease(remote, order.lease)
        watching = asyncio.create_task(held.watch(no_shell))
        await house.use.cancel_workflow((await house.workflow(pipeline)).id, house.admin)
        await held.stop.wait()
        await watching
    assert proxy.lost["called"] == 2


async def test_r6_a_runner_that_comes_back_asks_until_it_hears_what_it_has(
    house: House, tmp_path: Path
) -> None:
    _, token = await class_with_token(house, CLASS)
    wait = "echo before; until [ -e ~/go ]; do sleep 0.05; done; echo after"
    pipeline = await house.trigger(a_process_plan(wait))
    (tmp_path / "runner").mkdir()
    async with doors(house) as url, Proxy(url) as proxy, RemoteServer(proxy.url, token) as remote:
        for losing in (0, 2):
            proxy.losing["resume"] = losing
            backend = ProcessBackend()
            runner = Runner(remote, backend, folder=tmp_path / "runner", clock=SystemClock())
            running = asyncio.create_task(runner.run())
            await until(lambda: has_said(house, b"before\n"))
            if losing:
                (home,) = (tmp_path / "runner" / "jobs").glob("*/home")
                (home / "go").touch()
                await ended(house, pipeline)
            await runner.stop(5 if losing else 0)
            await running
    assert proxy.lost["resume"] == 2
    assert (await house.workflow(pipeline)).status == "success"
    assert b"before\nafter\n" in await outputs(house, 1)


async def no_shell() -> None:
    raise AssertionError("nobody asked for a shell")


async def has_said(house: House, said: bytes) -> bool:
    return said in b"".join(await outputs(house, 1))


async def outputs(house: House, number: int) -> list[bytes]:
    """Return what each step of a job said."""
    job = await house.engine.reads.job(house.project.id, number)
    if job is None:
        return []
    [node] = job.nodes
    return [await whole_log(house, node.execution_id, report.index) for report, _ in node.steps]
