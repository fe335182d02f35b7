"""What a runner hears of the containers that come next: enough to make them, and no more."""

from dataclasses import replace

import pytest

from roundel.domain.plan import (
    ExecutorKind,
    ExecutorPlan,
    ImagePlan,
    JobPlan,
    Plan,
    SlotPlan,
    StepPlan,
)
from roundel.domain.runners import JobOrder, NextContainer, Offer
from tests.builders import a_job_plan, a_plan
from tests.scenarios.conftest import House


def in_image(image: str, **keys: object) -> JobPlan:
    """Return a job with an image of its own."""
    plan = ImagePlan(**{"image": image, "environment": {}, **keys})  # type: ignore[arg-type]
    return a_job_plan(executor=ExecutorPlan(kind=ExecutorKind.DOCKER, images=(plan,)))


async def claimed(house: House, ahead: int = 4) -> JobOrder:
    """Claim a job for a runner that wants to know of so many."""
    offer = Offer(runner_id=house.runner.id, wait_seconds=0.0, ahead=ahead)
    order = await house.engine.runners.claim(offer)
    assert order is not None
    return order


def slots_of(plan: Plan, **changes: object) -> Plan:
    """Return the plan with its last invocation changed."""
    (flow,) = plan.workflows
    *others, last = flow.slots
    changed: SlotPlan = replace(last, **changes)  # type: ignore[arg-type]
    return replace(plan, workflows=(replace(flow, slots=(*others, changed)),))


async def test_a_runner_hears_of_the_containers_of_jobs_that_wait_only_for_its_own(
    house: House,
) -> None:
    test = replace(in_image("cimg/go", user="me"), resource_class="large")
    await house.trigger(
        a_plan(
            "build",
            "test<build",
            "lint<build",
            "deploy<test,lint",
            "mend<build:failed",
            "ok?<build",
            "ship<ok",
            test=test,
            lint=in_image("cimg/node"),
        )
    )
    build = await claimed(house)
    go = NextContainer(image="cimg/go", user="me", resource_class="large")
    assert build.next == (go, NextContainer(image="cimg/node"))
    await house.runner.carry_out(build)
    for expected in ((), (NextContainer(image="cimg/base"),)):  # the second leaves deploy alone
        order = await claimed(house)
        assert order.next == expected
        await house.runner.carry_out(order)


async def test_it_hears_of_as_many_as_it_wants_to_and_of_none_unasked(house: House) -> None:
    wide = a_plan("build", *(f"j{number}<build" for number in range(20)))
    for ahead, heard in ((0, 0), (1, 1), (3, 3)):
        await house.trigger(wide)
        order = await claimed(house, ahead)
        assert len(order.next) == heard
        await house.runner.carry_out(order)
        await house.runner.run_all()


async def test_of_a_job_with_nodes_there_is_a_container_each(house: House) -> None:
    await house.trigger(a_plan("build", "test<build", test=a_job_plan(parallelism=3)))
    assert (await claimed(house)).next == (NextContainer(image="cimg/base"),) * 3


MACHINE = ExecutorPlan(kind=ExecutorKind.MACHINE, machine={"image": "default"})
SERVICE = ImagePlan(image="cimg/redis", environment={})
REMOTE = StepPlan(kind="setup_remote_docker", name="Setup a remote Docker engine", args={})


@pytest.mark.parametrize(
    "job",
    [
        in_image("a", entrypoint=("sh",)),
        in_image("a", command=("sh",)),
        in_image("a", name="a"),
        in_image("a", environment={"A": "1"}),
        in_image("a", auth={"username": "$USER", "password": "$PASSWORD"}),
        a_job_plan(executor=ExecutorPlan(kind=ExecutorKind.DOCKER, images=(SERVICE, SERVICE))),
        a_job_plan(executor=MACHINE),
        a_job_plan(resource_class="acme/gpu"),
        a_job_plan(steps=(REMOTE,)),
    ],
    ids=["entrypoint", "command", "name", "env", "auth", "service", "machine", "class", "remote"],
)
async def test_it_hears_nothing_of_a_job_that_puts_something_of_its_own_there(
    house: House, job: JobPlan
) -> None:
    await house.trigger(a_plan("build", "test<build", test=job))
    assert (await claimed(house)).next == ()


async def test_it_hears_nothing_of_a_job_that_waits_for_a_turn(house: House) -> None:
    await house.trigger(slots_of(a_plan("build", "test<build"), serial_group="one"))
    assert (await claimed(house)).next == ()
