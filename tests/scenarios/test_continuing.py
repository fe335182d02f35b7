"""Dynamic config: a setup workflow, the config that it hands over, and the rules between them."""

import asyncio

import pytest

from roundel.domain.clock import HOUR
from roundel.domain.errors import DomainError, Invalid, Unauthenticated
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import Json
from roundel.domain.reruns import Choice
from roundel.domain.settings import ProjectSettings
from tests.inline_compiler import InlineCompiler
from tests.scenarios.conftest import House

SETUP = """\
version: 2.1
setup: true
parameters:
  who: {type: string, default: nobody}
jobs:
  decide:
    docker: [{image: cimg/base:current}]
    steps: [{run: echo deciding}]
workflows:
  setup:
    jobs: [decide]
"""
NEXT = """\
version: 2.1
parameters:
  who: {type: string, default: anybody}
  deep: {type: boolean, default: false}
jobs:
  greet:
    docker: [{image: cimg/base:current}]
    steps: [{run: "echo << pipeline.parameters.who >> << pipeline.parameters.deep >>"}]
workflows:
  main:
    jobs: [greet]
"""


async def in_setup(house: House, **parameters: Json) -> tuple[Pipeline, str]:
    """Trigger a setup config and run its job; return the pipeline and the job's key."""
    house.engine.compiler = InlineCompiler()
    house.repositories.config = SETUP
    pipeline = await house.trigger(parameters=parameters)
    order = await house.runner.run_one()
    assert order is not None, (await house.pipeline(pipeline.id)).errors
    return pipeline, order.environment["CIRCLE_CONTINUATION_KEY"]


async def greeting(house: House) -> Json:
    """Run the continuation's job and return the command that it was given."""
    order = await house.runner.run_one()
    assert order is not None
    assert "CIRCLE_CONTINUATION_KEY" not in order.environment
    return order.steps[0].args["command"]


async def test_a_setup_job_continues_its_pipeline(house: House) -> None:
    pipeline, key = await in_setup(house)
    assert (await house.pipeline(pipeline.id)).state == "setup"
    await house.use.continue_pipeline(key, NEXT, {"who": "me"})
    assert (await house.pipeline(pipeline.id)).state == "created"
    assert await greeting(house) == "echo me false"
    views = await house.engine.reads.workflows(pipeline.id)
    assert [(it.workflow.name, it.workflow.tag) for it in views] == [
        ("setup", "setup"),
        ("main", None),
    ]


async def test_the_key_is_masked_in_output(house: House) -> None:
    house.engine.compiler = InlineCompiler()
    house.repositories.config = SETUP
    await house.trigger()
    order = await house.runner.claim()
    assert order is not None
    names = ("CIRCLE_CONTINUATION_KEY", "CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2")
    assert set(order.masks) == {order.environment[name] for name in names}
    assert order.environment["CIRCLECI_DOMAIN"] in order.environment["CIRCLECI_API_HOST"]


async def test_all_four_texts_are_kept(house: House) -> None:
    pipeline, key = await in_setup(house)
    before = await house.engine.reads.pipeline_config(pipeline.id)
    assert before is not None
    assert (before.source, before.setup_source) == (SETUP, SETUP)
    await house.use.continue_pipeline(key, NEXT, {})
    after = await house.engine.reads.pipeline_config(pipeline.id)
    assert after is not None
    assert (after.source, after.setup_source) == (NEXT, SETUP)
    assert "echo deciding" in (after.setup_compiled or "")
    assert "echo anybody" in after.compiled


async def test_only_the_first_of_several_continuations_counts(house: House) -> None:
    pipeline, key = await in_setup(house)
    answers = await asyncio.gather(
        *(house.use.continue_pipeline(key, NEXT, {}) for _ in range(5)), return_exceptions=True
    )
    refused = [str(answer) for answer in answers if isinstance(answer, Invalid)]
    assert refused == ["Pipeline is not in setup state."] * 4
    assert len(await house.engine.reads.workflows(pipeline.id)) == 2


async def test_a_rerun_of_the_setup_cannot_continue_again(house: House) -> None:
    pipeline, key = await in_setup(house)
    await house.use.continue_pipeline(key, NEXT, {})
    assert await greeting(house) == "echo anybody false"
    setup = (await house.workflow(pipeline)).id
    await house.use.rerun_workflow(setup, Choice(), False, house.admin)
    order = await house.runner.run_one()
    assert order is not None
    assert order.steps[0].args["command"] == "echo deciding"
    with pytest.raises(Invalid, match=r"^Pipeline is not in setup state\.$"):
        await house.use.continue_pipeline(order.environment["CIRCLE_CONTINUATION_KEY"], NEXT, {})


async def test_a_key_is_good_for_six_hours(house: House) -> None:
    _, key = await in_setup(house)
    house.clock.forward(6 * HOUR)
    with pytest.raises(Invalid, match="6 hours"):
        await house.use.continue_pipeline(key, NEXT, {})


@pytest.mark.parametrize("change", ["", "x", "0" * 100, ".", "ä", "\ud800"])
async def test_a_key_that_we_did_not_give_out_opens_nothing(house: House, change: str) -> None:
    pipeline, key = await in_setup(house)
    for wrong in (change, key + change[1:] + "0", pipeline.id + "." + change):
        with pytest.raises(Unauthenticated):
            await house.use.continue_pipeline(wrong, NEXT, {})


async def test_what_the_trigger_gave_reaches_both_configs(house: House) -> None:
    _, key = await in_setup(house, who="you", deep=True)
    await house.use.continue_pipeline(key, NEXT, {})
    assert await greeting(house) == "echo you true"


async def test_what_only_the_setup_config_declares_does_not_disturb_the_next(house: House) -> None:
    _, key = await in_setup(house, who="you")
    await house.use.continue_pipeline(
        key,
        NEXT.replace("  who: {type: string, default: anybody}\n", "").replace("who", "deep"),
        {},
    )
    assert await greeting(house) == "echo false false"


@pytest.mark.parametrize(
    ("given", "passed", "answer"),
    [
        ({"who": "you"}, {"who": "me"}, "Conflicting pipeline parameters."),
        ({"who": "nobody"}, {"who": "me"}, None),  # the setup config's own default
        ({"deep": True}, {"deep": False}, None),  # the setup config does not declare it
        ({}, {"who": "me", "deep": True}, None),
        ({}, {"whom": "me"}, "Unexpected argument(s): whom"),
    ],
)
async def test_a_value_may_not_be_given_by_trigger_and_continuation(
    house: House, given: dict[str, Json], passed: dict[str, Json], answer: str | None
) -> None:
    pipeline, key = await in_setup(house, **given)
    refused = None
    try:
        await house.use.continue_pipeline(key, NEXT, passed)
    except DomainError as error:
        refused = str(error).splitlines()[0]
    assert refused == answer
    state = (await house.pipeline(pipeline.id)).state
    assert state == ("created" if answer is None else "setup")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("version: 2.1\njobs: [", "YAML"),
        (SETUP, "cannot be a setup configuration"),
        ("jobs: {}", "Unsupported or missing workflows config version"),
    ],
)
async def test_a_broken_continuation_makes_the_pipeline_errored(
    house: House, config: str, words: str
) -> None:
    pipeline, key = await in_setup(house)
    await house.use.continue_pipeline(key, config, {})
    after = await house.pipeline(pipeline.id)
    assert after.state == "errored"
    assert any(words in error.message for error in after.errors), after.errors
    assert len(await house.engine.reads.workflows(pipeline.id)) == 1


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (SETUP + "  more:\n    jobs: [decide]\n", "exactly one workflow; this one runs 2"),
        (
            SETUP
            + '    triggers: [{schedule: {cron: "0 0 * * *", filters: {branches: {only: main}}}}]',
            "triggers",
        ),
    ],
)
async def test_a_setup_config_runs_one_workflow_and_none_on_a_schedule(
    house: House, config: str, words: str
) -> None:
    house.engine.compiler = InlineCompiler()
    house.repositories.config = config
    pipeline = await house.pipeline((await house.trigger()).id)
    assert pipeline.state == "errored"
    assert words in pipeline.errors[0].message


async def test_a_project_may_switch_setup_workflows_off(house: House) -> None:
    off = ProjectSettings(setup_workflows=False)
    project = house.project.id
    await house.engine.database.write(lambda tx: tx.settings.save_project(project, off))
    house.engine.compiler = InlineCompiler()
    house.repositories.config = SETUP
    pipeline = await house.pipeline((await house.trigger()).id)
    assert [error.message for error in pipeline.errors] == [
        "Setup workflows are switched off in this project's settings."
    ]


async def test_a_setup_job_keeps_its_own_plan_after_it_has_continued(house: House) -> None:
    house.engine.compiler = InlineCompiler()
    house.repositories.config = SETUP
    await house.trigger()
    order = await house.runner.claim()
    assert order is not None
    key = order.environment["CIRCLE_CONTINUATION_KEY"]
    await house.use.continue_pipeline(key, NEXT, {})
    resumed = await house.engine.runners.resume(order.lease)
    assert resumed is not None and resumed.order.steps == order.steps
    server = house.engine.runners
    assert await server.has_cache(order.lease, "deps-1") is False
    await house.runner.carry_out(order)


async def allow_several(house: House) -> None:
    chosen = ProjectSettings(several_continuations=True)
    await house.engine.database.write(lambda tx: tx.settings.save_project(house.project.id, chosen))


async def test_with_the_setting_each_continuation_adds_its_workflows(house: House) -> None:
    await allow_several(house)
    pipeline, key = await in_setup(house)
    await house.use.continue_pipeline(key, NEXT, {"who": "one"})
    await house.use.continue_pipeline(key, NEXT.replace("main:", "other:"), {"who": "two"})
    assert {await greeting(house), await greeting(house)} == {"echo one false", "echo two false"}

    views = await house.engine.reads.workflows(pipeline.id)
    names = [(it.workflow.name, it.workflow.status.value) for it in views]
    assert names == [("setup", "success"), ("main", "success"), ("other", "success")]
    for view, said in ((views[1], "echo one false"), (views[2], "echo two false")):
        again = await house.use.rerun_workflow(view.workflow.id, Choice(), False, house.admin)
        assert await greeting(house) == said
        rerun = await house.engine.reads.workflow(again)
        assert rerun is not None and rerun.workflow.status == "success"


async def test_the_same_continuation_twice_counts_once(house: House) -> None:
    await allow_several(house)
    pipeline, key = await in_setup(house)
    await house.use.continue_pipeline(key, NEXT, {})
    with pytest.raises(Invalid, match="has continued the pipeline already"):
        await house.use.continue_pipeline(key, NEXT, {})
    assert len(await house.engine.reads.workflows(pipeline.id)) == 2


async def test_mistakes_in_a_further_continuation_are_refused(house: House) -> None:
    await allow_several(house)
    pipeline, key = await in_setup(house)
    await house.use.continue_pipeline(key, NEXT, {})
    with pytest.raises(Invalid):
        await house.use.continue_pipeline(key, NEXT.replace("[greet]", "[great]"), {})
    with pytest.raises(Invalid, match="cannot be a setup configuration"):
        await house.use.continue_pipeline(key, SETUP, {})
    house.clock.forward(6 * HOUR)
    with pytest.raises(Invalid, match="expired"):
        await house.use.continue_pipeline(key, NEXT.replace("main:", "other:"), {})
    assert (await house.pipeline(pipeline.id)).state == "created"
    assert len(await house.engine.reads.workflows(pipeline.id)) == 2


async def test_without_the_setting_a_pipeline_goes_on_once(house: House) -> None:
    pipeline, key = await in_setup(house)
    await house.use.continue_pipeline(key, NEXT, {})
    with pytest.raises(Invalid, match="not in setup state"):
        await house.use.continue_pipeline(key, NEXT.replace("main:", "other:"), {})
    assert len(await house.engine.reads.workflows(pipeline.id)) == 2
