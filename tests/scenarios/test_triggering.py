"""Triggers: numbers, refusals, and pipelines that end as errored."""

import asyncio

import pytest

from roundel.domain.errors import Invalid
from roundel.domain.pipelines import Commit, Ref
from roundel.domain.repositories import Trouble, TroubleKind
from tests.builders import a_plan
from tests.fakes import REVISION
from tests.scenarios.conftest import House


async def test_numbers_have_no_gaps_however_many_trigger_at_once(house: House) -> None:
    async def trigger(branch: str) -> int | None:
        try:
            pipeline = await house.use.trigger_pipeline(
                house.project, Ref(branch=branch), {}, house.admin
            )
        except Invalid:
            return None
        return pipeline.number

    branches = ["main", "no-such-branch"] * 40
    numbers = await asyncio.gather(*map(trigger, branches))
    await house.engine.ticks.settled()
    assert sorted(number for number in numbers if number is not None) == list(range(1, 41))


async def test_job_numbers_have_no_gaps_over_pipelines_that_run_at_once(house: House) -> None:
    house.compiler.plan = a_plan("a", "b", "c<a,b")
    triggers = (
        house.use.trigger_pipeline(house.project, Ref(), {}, house.admin) for _ in range(10)
    )
    await asyncio.gather(*triggers)
    await house.engine.ticks.settled()
    await asyncio.gather(house.runner.run_all(), house.runner.run_all(), house.runner.run_all())
    jobs = await house.engine.reads.recent_jobs(house.project.id, limit=100)
    assert [view.job.number for view in jobs] == list(range(30, 0, -1))


async def test_a_trigger_is_answered_before_the_config_is_compiled(house: House) -> None:
    pipeline = await house.use.trigger_pipeline(house.project, Ref(), {"a": 1}, house.admin)
    assert (pipeline.state, pipeline.ref, pipeline.parameters) == (
        "pending",
        Ref(branch="main"),
        {"a": 1},
    )
    await house.engine.ticks.settled()
    assert (await house.pipeline(pipeline.id)).state == "created"


@pytest.mark.parametrize(
    ("ref", "words"),
    [(Ref(branch="nope"), "Branch not found"), (Ref(tag="v0"), "Tag not found")],
)
@pytest.mark.parametrize("local", [True, False])
async def test_a_ref_that_is_not_there_is_refused(
    house: House, ref: Ref, words: str, local: bool
) -> None:
    house.repositories.local = local
    with pytest.raises(Invalid, match=words):
        await house.trigger(ref=ref)
    assert await house.engine.reads.pipelines(projects=[house.project.id]) == []


@pytest.mark.parametrize(
    "kind", [TroubleKind.NO_CONFIG, TroubleKind.UNREACHABLE, TroubleKind.REFUSED]
)
@pytest.mark.parametrize("local", [True, False])
async def test_a_repository_without_a_config_makes_an_errored_pipeline(
    house: House, kind: TroubleKind, local: bool
) -> None:
    house.repositories.local = local
    commit = Commit(revision=REVISION) if kind is TroubleKind.NO_CONFIG else None
    house.repositories.trouble = Trouble(kind=kind, message="It is not there.", commit=commit)
    accepted = await house.trigger()

    pipeline = await house.pipeline(accepted.id)
    assert pipeline.state == "errored"
    assert [(error.type, error.message) for error in pipeline.errors] == [
        ("config-fetch", "It is not there.")
    ]
    assert await house.engine.reads.workflows(pipeline.id) == []


async def test_a_config_that_does_not_compile_makes_an_errored_pipeline(house: House) -> None:
    house.compiler.errors = ("Unexpected argument(s): who", "and more")
    accepted = await house.trigger(parameters={"who": "me"})

    pipeline = await house.pipeline(accepted.id)
    assert pipeline.state == "errored"
    assert [error.message for error in pipeline.errors] == list(house.compiler.errors)
    config = await house.engine.reads.pipeline_config(pipeline.id)
    assert config is not None
    assert (config.source, config.compiled) == ("version: 2.1", "")


async def test_the_compiler_is_told_of_the_pipeline(house: House) -> None:
    pipeline = await house.trigger(parameters={"who": "me"}, ref=Ref(branch="main"))
    [request] = house.compiler.asked
    assert request.parameters == {"who": "me"}
    expected = {
        "pipeline.id": pipeline.id,
        "pipeline.number": 1,
        "pipeline.git.branch": "main",
        "pipeline.git.branch.is_default": True,
        "pipeline.git.revision": REVISION,
        "pipeline.project.slug": "github/acme/web",
        "pipeline.project.type": "github",
        "pipeline.trigger_source": "api",
    }
    assert expected.items() <= request.values.items()


async def test_both_texts_of_the_config_are_kept(house: House) -> None:
    pipeline = await house.trigger()
    config = await house.engine.reads.pipeline_config(pipeline.id)
    assert config is not None
    assert (config.source, config.compiled) == ("version: 2.1", "compiled: true\n")


async def test_a_pipeline_whose_jobs_are_all_filtered_out_has_no_workflows(house: House) -> None:
    pipeline = await house.trigger(a_plan())
    assert (await house.pipeline(pipeline.id)).state == "created"
    assert await house.engine.reads.workflows(pipeline.id) == []
