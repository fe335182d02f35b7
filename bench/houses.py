"""Servers without doors, on either database, for figures of orchestration alone."""

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.builders import a_plan
from tests.fakes import ScriptedRunner
from tests.groups import postgres_programs
from tests.postgres import Cluster, NoPostgres, free_home
from tests.scenarios.conftest import House

from roundel.app import Adapters, Engine, UseCases, build
from roundel.domain.clock import SystemClock
from roundel.domain.plan import Plan
from roundel.settings import Settings


class TimedHouse(House):
    """A house whose clock is the real one."""

    def _build(self) -> Engine:
        adapters = Adapters(
            clock=SystemClock(), repositories=self.repositories, compiler=self.compiler
        )
        settings = Settings(data=self.folder, run_jobs=False, database_url=self.database_url)
        self.engine = build(settings, adapters)
        self.use = UseCases(self.engine)
        self.runner = ScriptedRunner(self.engine.runners)
        return self.engine


@asynccontextmanager
async def a_house(url: str | None) -> AsyncIterator[TimedHouse]:
    """Run a server on fresh data for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="roundel-bench-") as folder:
        house = TimedHouse(Path(folder) / "data", url)
        await house.open()
        try:
            yield house
        finally:
            await house.engine.stop()


@contextmanager
def databases() -> Iterator[dict[str, Cluster | None]]:
    """Yield what there is to measure on, by name."""
    programs = postgres_programs()
    if programs is None:
        sys.stderr.write("orchestration on PostgreSQL: not measured, there is none\n")
        yield {"sqlite": None}
        return
    try:
        home, lock = free_home()
    except NoPostgres as why:
        sys.stderr.write(f"orchestration on PostgreSQL: not measured, {why}\n")
        yield {"sqlite": None}
        return
    cluster = Cluster(home, programs)
    try:
        yield {"sqlite": None, "postgresql": cluster}
    finally:
        cluster.remove()
        os.close(lock)


def chain(length: int) -> Plan:
    """Return a plan of jobs each of which requires the one before."""
    return a_plan("j0", *(f"j{n}<j{n - 1}" for n in range(1, length)))


def fan(width: int) -> Plan:
    """Return a plan of jobs that require nothing."""
    return a_plan(*(f"j{n}" for n in range(width)))


def funnel(width: int) -> Plan:
    """Return a plan of one job that requires all others."""
    before = [f"j{n}" for n in range(width - 1)]
    return a_plan(*before, f"last<{','.join(before)}")
