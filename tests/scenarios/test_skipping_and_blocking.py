"""What is not to run: commits that say so, blocked projects, and what a newer push overtakes."""

import pytest

from roundel.domain.access import Actor, Role
from roundel.domain.errors import NotAllowed
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.reruns import Choice
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from tests.builders import a_plan
from tests.scenarios.conftest import House

FEATURE = Ref(branch="feature")


async def choose(house: House, **settings: bool) -> None:
    """Give the project these settings."""
    chosen = ProjectSettings(**settings)  # type: ignore[arg-type]
    project = house.project.id
    await house.engine.database.write(lambda tx: tx.settings.save_project(project, chosen))


async def test_a_commit_that_says_so_makes_no_pipeline(house: House) -> None:
    house.repositories.body = "Only words.\n\n[skip ci]"
    assert await house.use.trigger_pipeline(house.project, Ref(), {}, house.admin) is None
    assert await house.engine.reads.pipelines(projects=[house.project.id]) == []


async def test_a_remote_commit_that_says_so_makes_no_workflows(house: House) -> None:
    house.repositories.local = False
    house.repositories.subject = "[ci skip] Only words"
    pipeline = await house.trigger()
    assert (await house.pipeline(pipeline.id)).state == "created"
    assert await house.engine.reads.workflows(pipeline.id) == []


async def test_a_blocked_project_takes_no_triggers_and_what_runs_goes_on(house: House) -> None:
    running = await house.trigger(a_plan("build", "test<build"))
    await choose(house, block_new_work=True)
    with pytest.raises(NotAllowed, match="project's settings"):
        await house.trigger()
    assert await house.runner.run_all() == ["build", "test"]
    assert (await house.workflow(running)).status == "success"
    await choose(house)
    assert (await house.trigger()).number == 2


async def test_a_blocked_organization_takes_no_triggers(house: House) -> None:
    blocked = OrganizationSettings(block_new_work=True)
    organization = house.project.organization.id
    await house.engine.database.write(
        lambda tx: tx.settings.save_organization(organization, blocked)
    )
    with pytest.raises(NotAllowed, match="organization's settings"):
        await house.trigger()


async def status(house: House, pipeline: Pipeline) -> str:
    return (await house.workflow(pipeline)).status.value


@pytest.fixture
def branchy(house: House) -> House:
    house.repositories.branches |= {"feature", "other"}
    house.compiler.plan = a_plan("build", "ok?<build", "deploy<ok")
    return house


async def test_a_newer_pipeline_cancels_what_its_branch_has_not_ended(branchy: House) -> None:
    house = branchy
    await choose(house, autocancel_builds=True)
    held = await house.trigger(ref=FEATURE)
    await house.runner.run_one()
    running = await house.trigger(ref=FEATURE)
    assert await status(house, held) == "canceled"
    order = await house.runner.claim()
    newest = await house.trigger(ref=FEATURE)
    assert order is not None
    assert (await house.runner.server.renew(order.lease)).cancel
    house.runner.endings["build"] = ExecutionStatus.CANCELED
    await house.runner.carry_out(order)
    assert await status(house, running) == "canceled"
    assert await status(house, newest) == "running"
    assert (await house.workflow(running)).canceled_by == house.admin.id


async def test_other_branches_and_the_default_branch_are_left_alone(branchy: House) -> None:
    house = branchy
    await choose(house, autocancel_builds=True)
    pipelines = [await house.trigger(ref=Ref(branch=name)) for name in ("main", "other")]
    for name in ("main", "feature"):
        await house.trigger(ref=Ref(branch=name))
    assert [await status(house, pipeline) for pipeline in pipelines] == ["running", "running"]


async def test_without_the_setting_nothing_is_cancelled(branchy: House) -> None:
    house = branchy
    before = await house.trigger(ref=FEATURE)
    await house.trigger(ref=FEATURE)
    assert await status(house, before) == "running"


async def test_workflows_from_before_the_setting_are_exempt(branchy: House) -> None:
    house = branchy
    before = await house.trigger(ref=FEATURE)
    await choose(house, autocancel_builds=True)
    await house.trigger(ref=FEATURE)
    assert await status(house, before) == "running"


async def test_reruns_are_exempt(branchy: House) -> None:
    house = branchy
    await choose(house, autocancel_builds=True)
    first = await house.trigger(a_plan("build"), ref=FEATURE)
    await house.runner.run_all()
    again = await house.use.rerun_workflow(
        (await house.workflow(first)).id, Choice(), False, house.admin
    )
    await house.trigger(ref=FEATURE)
    view = await house.engine.reads.workflow(again)
    assert view is not None
    assert view.workflow.status == "running"


async def test_a_pipeline_that_was_overtaken_while_it_compiled_is_cancelled(branchy: House) -> None:
    house = branchy
    await choose(house, autocancel_builds=True)
    slow = await house.use.trigger_pipeline(house.project, FEATURE, {}, house.admin)
    fast = await house.use.trigger_pipeline(house.project, FEATURE, {}, house.admin)
    await house.engine.ticks.settled()
    assert slow is not None and fast is not None
    assert [await status(house, it) for it in (slow, fast)] == ["canceled", "running"]


async def test_settings_can_be_left_to_administrators(house: House) -> None:
    await choose(house, write_settings_requires_admin=True)
    role = {house.project.organization.id: Role.CONTRIBUTOR}
    contributor = Actor(id=house.admin.id, login="con", name="Con", roles=role)
    change = {"oss": True}
    with pytest.raises(NotAllowed, match="Only administrators"):
        await house.use.change_project_settings(house.project, change, contributor)
    after = await house.use.change_project_settings(house.project, change, house.admin)
    assert after.oss
