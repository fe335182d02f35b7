"""Which jobs go to which runners, and what is told of those that nobody takes."""

import pytest

from roundel.backends.choosing import executors_of
from roundel.domain.clock import MINUTE
from roundel.domain.errors import Invalid
from roundel.domain.ids import RunnerId
from roundel.domain.plan import ExecutorKind, ExecutorPlan, JobPlan
from roundel.settings import BackendChoice, MachineChoice, Settings
from tests.builders import a_job_plan, a_plan
from tests.fakes import ScriptedRunner
from tests.scenarios.conftest import House


def a_machine_job(name: str, kind: ExecutorKind, resource_class: str | None) -> JobPlan:
    executor = ExecutorPlan(kind=kind, machine={})
    return a_job_plan(name, executor=executor, resource_class=resource_class)


def a_runner(house: House, *executors: str, classes: tuple[str, ...] = ()) -> ScriptedRunner:
    name = RunnerId("+".join(executors or classes))
    return ScriptedRunner(house.engine.runners, id=name, classes=classes, executors=executors)


async def waits(house: House, number: int) -> str | None:
    view = await house.engine.reads.job(house.project.id, number)
    assert view is not None
    return house.engine.supply.why_waiting(view.job)


@pytest.mark.parametrize(
    ("backend", "machine", "served"),
    [
        (BackendChoice.PROCESS, None, ("docker", "machine")),
        (BackendChoice.PROCESS, MachineChoice.RUNNERS, ("docker",)),
        (BackendChoice.AUTO, None, ("docker",)),
        (BackendChoice.DOCKER, None, ("docker",)),
        (BackendChoice.DOCKER, MachineChoice.PROCESS, ("docker", "machine")),
        (BackendChoice.DOCKER, MachineChoice.CONTAINER, ("docker", "machine")),
        (BackendChoice.DOCKER, MachineChoice.RUNNERS, ("docker",)),
    ],
)
def test_machine_jobs_go_where_the_setting_says(tmp_path, backend, machine, served) -> None:
    assert executors_of(Settings(data=tmp_path, backend=backend, machine=machine)) == served


def test_machines_in_containers_need_an_engine(tmp_path) -> None:
    with pytest.raises(Invalid, match="needs a container engine"):
        executors_of(
            Settings(data=tmp_path, backend=BackendChoice.PROCESS, machine=MachineChoice.CONTAINER)
        )


async def test_jobs_wait_for_a_runner_that_serves_their_executor(house: House) -> None:
    jobs = {
        "build": a_job_plan("build", resource_class="large"),
        "vm": a_machine_job("vm", ExecutorKind.MACHINE, "large"),
        "own": a_machine_job("own", ExecutorKind.MACHINE, "acme/vm"),
        "mac": a_machine_job("mac", ExecutorKind.MACOS, "m4pro.medium"),
        "win": a_machine_job("win", ExecutorKind.MACHINE, "windows.medium"),
    }
    await house.trigger(a_plan(*jobs, **jobs))
    assert await a_runner(house, "docker").run_all() == ["build"]
    assert await a_runner(house, "machine").run_all() == ["vm"]
    assert await a_runner(house, classes=("acme/vm",)).run_all() == ["own"]
    assert await a_runner(house, classes=("m4pro.medium",)).run_all() == ["mac"]
    assert await a_runner(house, classes=("windows.medium",)).run_all() == ["win"]


async def test_a_job_that_nobody_takes_says_so(house: House) -> None:
    jobs = {
        "build": a_job_plan("build"),
        "mac": a_machine_job("mac", ExecutorKind.MACOS, "m4pro.medium"),
        "win": a_machine_job("win", ExecutorKind.MACHINE, "windows.medium"),
        "own": a_job_plan("own", resource_class="acme/gpu"),
    }
    await house.trigger(a_plan(*jobs, **jobs))
    told = [await waits(house, number) for number in (1, 2, 3, 4)]
    assert told[0] == "This job waits for a runner: none has asked for such jobs."
    for sentence, name in zip(
        told[1:], ("m4pro.medium", "windows.medium", "acme/gpu"), strict=True
    ):
        assert sentence == (
            f"This job waits for a runner of the class {name}: none has asked for work."
        )
    house.engine.supply.troubled({"": "no engine answers. Start one."})
    assert await waits(house, 1) == "This job waits: no engine answers. Start one."

    assert await a_runner(house, classes=("m4pro.medium",)).run_all() == ["mac"]
    house.engine.supply.asked([""])
    assert await waits(house, 1) is None
    assert await waits(house, 2) is None
    house.clock.forward(11 * MINUTE)
    assert await waits(house, 1) is not None


async def test_neither_queue_keeps_the_other_waiting(house: House) -> None:
    jobs = {f"d{n}": a_job_plan(f"d{n}") for n in range(20)}
    jobs |= {f"m{n}": a_machine_job(f"m{n}", ExecutorKind.MACHINE, None) for n in range(20)}
    await house.trigger(a_plan(*jobs, **jobs))
    done = await a_runner(house, "docker", "machine").run_all()
    assert sorted(done) == sorted(jobs)
    assert len({name[0] for name in done[:19]}) == 2
