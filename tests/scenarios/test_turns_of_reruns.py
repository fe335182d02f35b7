"""Serial groups and locks when a workflow, or a part of it, runs again."""

from dataclasses import replace

from roundel.domain.ids import WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.reruns import Choice
from tests.builders import a_plan
from tests.inline_compiler import InlineCompiler
from tests.scenarios.conftest import House
from tests.scenarios.test_turns import in_group, jobs_of

FROM_FAILED = Choice(from_failed=True)

JOBS = """\
version: 2.1
jobs:
  lock: {type: lock, key: env}
  unlock: {type: unlock, key: env}
  other-unlock: {type: unlock, key: other}
  work: &work
    docker: [{image: cimg/base:current}]
    steps: [{run: echo working}]
  deploy: *work
workflows:
  main:
    jobs:
      - lock
"""
UNDER_LOCK = f"""{JOBS}
      - work: {{requires: [lock]}}
      - other-unlock: {{requires: [work]}}
      - deploy: {{requires: [other-unlock]}}
      - unlock: {{requires: [deploy]}}
"""
AFTER_UNLOCK = f"""{JOBS}
      - work: {{requires: [lock]}}
      - unlock: {{requires: [work]}}
      - deploy: {{requires: [unlock]}}
"""


async def failed_at_deploy(house: House, config: str) -> WorkflowId:
    """Run a config to the end, where `deploy` fails."""
    house.engine.compiler = InlineCompiler()
    house.repositories.config = config
    house.runner.endings["deploy"] = ExecutionStatus.FAILED
    pipeline = await house.trigger()
    await house.runner.run_all()
    assert (await house.workflow(pipeline)).status == "failed"
    house.runner.endings.clear()
    house.runner.done.clear()
    return (await house.workflow(pipeline)).id


async def rerun(house: House, workflow: WorkflowId) -> WorkflowId:
    return await house.use.rerun_workflow(workflow, FROM_FAILED, False, house.admin)


async def test_what_runs_again_under_a_lock_takes_it_once_more(house: House) -> None:
    first = await failed_at_deploy(house, UNDER_LOCK)
    second = await house.trigger()
    order = await house.runner.claim()  # the second pipeline works under the lock
    assert order is not None and order.job_name == "work"
    again = await rerun(house, first)
    jobs = await house.jobs(again)
    assert (jobs["lock"].status, jobs["deploy"].status) == ("queued", "blocked")
    assert jobs["work"].id == (await house.jobs(first))["work"].id
    assert await house.runner.claim() is None
    await house.runner.carry_out(order)
    assert await house.runner.run_all() == ["work", "deploy", "deploy"]
    assert await jobs_of(house, second, job="unlock") == ["success"]
    assert (await house.jobs(again))["unlock"].status == "success"


async def test_what_ran_after_an_unlock_needs_the_lock_no_more(house: House) -> None:
    first = await failed_at_deploy(house, AFTER_UNLOCK)
    await house.trigger()
    again = await rerun(house, first)
    before, jobs = await house.jobs(first), await house.jobs(again)
    assert jobs["lock"].id == before["lock"].id
    assert jobs["deploy"].status == "queued"


async def test_a_rerun_that_nobody_asked_for_does_not_go_back_in_a_serial_group(
    house: House,
) -> None:
    plan = in_group(a_plan("deploy", "slow"), "deploy")
    [workflow] = plan.workflows
    house.runner.endings["deploy"] = ExecutionStatus.FAILED
    await house.trigger(replace(plan, workflows=(replace(workflow, max_auto_reruns=1),)))
    await house.runner.run_one()
    house.runner.endings.clear()
    newer = await house.trigger(in_group(a_plan("deploy"), "deploy"))
    older = await house.runner.claim()
    assert older is not None and older.job_name == "slow"
    await house.runner.run_all()
    assert await jobs_of(house, newer) == ["success"]
    await house.runner.carry_out(older)
    assert await house.runner.run_all() == ["deploy", "deploy", "slow"]
    [again] = await house.rows("SELECT id FROM workflow WHERE rerun_of IS NOT NULL")
    job = (await house.jobs(again[0]))["deploy"]
    assert job.status == "canceled"
    assert job.message is not None and job.message.startswith("A newer pipeline has had its turn")
