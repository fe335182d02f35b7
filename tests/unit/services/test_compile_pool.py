"""Compiling in worker processes, with the real compiler."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from roundel.domain.plan import Plan
from roundel.services.compile_pool import CompilePool
from roundel.services.compiling import CompileOutcome, CompileRequest

CONFIG = """
version: 2.1
parameters:
  who: {type: string, default: world}
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps:
      - run: echo << pipeline.parameters.who >> << pipeline.git.branch >>
workflows:
  main:
    jobs: [build]
"""


@pytest.fixture
async def pool() -> AsyncIterator[CompilePool]:
    pool = CompilePool()
    yield pool
    await pool.close()


async def compiled(pool: CompilePool, text: str, **parameters: str) -> CompileOutcome:
    request = CompileRequest(
        text=text,
        file=".circleci/config.yml",
        parameters=parameters,
        values={"pipeline.git.branch": "main"},
    )
    return await pool.compile(request)


def workers() -> set[int]:
    """Return the processes that this one has started and that still run."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in children}


def ended(pid: int) -> None:
    """Return once a child has ended; whoever started it still hears of it."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def test_a_config_becomes_a_text_and_a_plan(pool: CompilePool) -> None:
    outcome = await compiled(pool, CONFIG, who="you")
    assert outcome.errors == ()
    assert "echo you main" in outcome.output
    assert outcome.plan is not None
    plan = msgspec.json.decode(outcome.plan, type=Plan)
    [step] = plan.jobs["build"].steps
    assert step.args == {"command": "echo you main"}


async def test_the_plan_survives_its_way_through_the_worker(pool: CompilePool) -> None:
    outcome = await compiled(pool, CONFIG)
    assert outcome.plan is not None
    plan = msgspec.json.decode(outcome.plan, type=Plan)
    assert plan.parameters == {"who": "world"}
    assert [slot.job for slot in plan.workflows[0].slots] == ["build"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 2.1\njobs: {", "expected"),
        ("", "Unsupported or missing workflows config version"),
        (CONFIG.replace("[build]", "[built]"), "built"),
    ],
)
async def test_mistakes_are_errors_of_the_config(pool: CompilePool, text: str, words: str) -> None:
    outcome = await compiled(pool, text)
    assert outcome.plan is None
    assert outcome.errors
    assert {error.type for error in outcome.errors} == {"config"}
    assert any(words in error.message for error in outcome.errors)


async def test_undeclared_parameters_are_errors_of_the_config(pool: CompilePool) -> None:
    outcome = await compiled(pool, CONFIG, whom="you")
    assert [error.message for error in outcome.errors] == ["Unexpected argument(s): whom"]


async def test_one_worker_serves_one_config_after_another(pool: CompilePool) -> None:
    before = workers()
    for _ in range(5):
        await compiled(pool, CONFIG)
    assert len(workers() - before) == 1


async def test_workers_are_gone_after_the_pool_is_closed(pool: CompilePool) -> None:
    before = workers()
    await compiled(pool, CONFIG)
    await pool.close()
    assert workers() == before


async def test_a_worker_that_nobody_needs_ends() -> None:
    pool = CompilePool(idle_seconds=0.01)
    before = workers()
    await compiled(pool, CONFIG)
    for pid in workers() - before:
        with suppress(ChildProcessError):  # it has ended already
            await asyncio.wait_for(asyncio.to_thread(ended, pid), 5)
    assert (await compiled(pool, CONFIG)).errors == ()
    await pool.close()


async def test_a_config_that_takes_too_long_is_given_up(pool: CompilePool) -> None:
    hasty = CompilePool(seconds=0.001)
    outcome = await compiled(hasty, CONFIG)
    assert [error.type for error in outcome.errors] == ["timeout"]
    await hasty.close()
    assert (await compiled(pool, CONFIG)).errors == ()


async def test_a_worker_that_was_killed_while_idle_costs_nobody_a_pipeline(
    pool: CompilePool,
) -> None:
    before = workers()
    await compiled(pool, CONFIG)
    for pid in workers() - before:
        os.kill(pid, signal.SIGKILL)
    assert (await compiled(pool, CONFIG)).errors == ()


async def test_many_configs_at_once_share_two_workers(pool: CompilePool) -> None:
    before = workers()
    outcomes = await asyncio.gather(*(compiled(pool, CONFIG, who=str(n)) for n in range(20)))
    assert all(f"echo {n} main" in outcome.output for n, outcome in enumerate(outcomes))
    assert len(workers() - before) <= 2
