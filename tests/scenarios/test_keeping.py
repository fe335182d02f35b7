"""What the server keeps for jobs: whose it is, what wins, and when it goes."""

from collections.abc import AsyncIterator

import pytest

from roundel.domain.clock import DAY, HOUR
from roundel.domain.errors import Invalid, LeaseLost, NotFound
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Ref
from roundel.domain.projects import Slug
from roundel.domain.runners import JobOrder, Lease, Result
from roundel.domain.storage import BlobId, LayerConflict, StoredBlob
from roundel.domain.storage import TestResult as Case
from roundel.services.keeping import LocalStorage
from roundel.services.sweeping import sweep_storage
from tests.builders import a_job_plan, a_plan
from tests.scenarios.conftest import House


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def start(house: House, *slots: str, nodes: int = 1) -> JobOrder:
    """Trigger a pipeline and claim its first job."""
    jobs = {"build": a_job_plan("build", parallelism=nodes)} if nodes > 1 else {}
    await house.trigger(a_plan(*(slots or ("build",)), **jobs))
    return await claim(house)


async def claim(house: House) -> JobOrder:
    order = await house.runner.claim()
    assert order is not None
    return order


async def end(house: House, order: JobOrder) -> None:
    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))


async def stored(house: House, lease: Lease, data: bytes) -> StoredBlob:
    return await house.engine.runners.upload(lease, pieces(data))


async def cached(house: House, lease: Lease, key: str, data: bytes = b"data") -> bool:
    blob = await stored(house, lease, data)
    return await house.engine.runners.keep_cache(lease, key, blob)


async def read(house: House, lease: Lease, blob: BlobId, offset: int = 0) -> bytes:
    found = house.engine.runners.download(lease, blob, offset)
    return b"".join([piece async for piece in found])


def objects(house: House) -> int:
    return sum(path.is_file() for path in (house.folder / "blobs").rglob("kept/*/*"))


# -- blobs --


async def test_a_blob_comes_back_from_any_offset(house: House) -> None:
    lease = (await start(house)).lease
    blob = await house.engine.runners.upload(lease, pieces(b"ab", b"cd" * 3_000_000, b"ef"))
    assert blob.size == 6_000_004
    whole = await read(house, lease, blob.id)
    assert whole == b"ab" + b"cd" * 3_000_000 + b"ef"
    assert await read(house, lease, blob.id, 6_000_001) == b"def"


async def test_nothing_is_kept_of_an_upload_that_breaks_off(house: House) -> None:
    lease = (await start(house)).lease

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise ConnectionError("the line is cut")

    with pytest.raises(Exception, match="the line is cut"):
        await house.engine.runners.upload(lease, broken())
    assert objects(house) == 0


async def test_without_the_lease_nothing_is_kept_or_found(house: House) -> None:
    order = await start(house)
    server, lost = house.engine.runners, order.lease
    blob = await stored(house, lost, b"x")
    await end(house, order)
    with pytest.raises(LeaseLost):
        await stored(house, lost, b"x")
    with pytest.raises(LeaseLost):
        await server.find_cache(lost, ["k"])
    with pytest.raises(LeaseLost):
        await server.keep_cache(lost, "k", blob)
    with pytest.raises(LeaseLost):
        await read(house, lost, blob.id)
    with pytest.raises(LeaseLost):
        await server.layers(lost)


async def test_a_job_names_only_blobs_that_it_uploaded_itself(house: House) -> None:
    first = await start(house, "a", "b")
    blob = await stored(house, first.lease, b"x")
    second = await claim(house)
    with pytest.raises(NotFound):
        await house.engine.runners.keep_cache(second.lease, "k", blob)
    with pytest.raises(NotFound):
        await house.engine.runners.keep_artifact(second.lease, "a", blob)
    with pytest.raises(NotFound):
        await read(house, second.lease, blob.id)


# -- caches --


async def test_the_newest_cache_that_begins_with_the_key_wins(house: House) -> None:
    lease = (await start(house)).lease
    server = house.engine.runners
    assert await cached(house, lease, "v1-abc", b"1")
    assert await cached(house, lease, "v1-", b"2")
    assert await cached(house, lease, "v2-é", b"3")
    assert not await cached(house, lease, "v1-abc", b"4")
    found = await server.find_cache(lease, ["none", "v1-", "v2-"])
    assert found is not None
    assert (found.key, await read(house, lease, found.blob.id)) == ("v1-", b"2")
    found = await server.find_cache(lease, ["v1-a"])
    assert found is not None and found.key == "v1-abc"
    found = await server.find_cache(lease, ["v2"])
    assert found is not None and found.key == "v2-é"
    assert await server.find_cache(lease, ["v1-abcd"]) is None
    assert await server.has_cache(lease, "v1-abc")
    assert not await server.has_cache(lease, "v1-ab")


async def test_caches_of_a_project_are_no_others_affair(house: House) -> None:
    lease = (await start(house)).lease
    assert await cached(house, lease, "k")
    mine = await house.engine.runners.find_cache(lease, ["k"])
    assert mine is not None
    slug = Slug.parse("gh/acme/other")
    house.project = await house.use.add_project(slug, "/srv/other.git", None, house.admin)
    other = (await start(house)).lease
    assert await house.engine.runners.find_cache(other, ["k"]) is None
    with pytest.raises(NotFound):
        await read(house, other, mine.blob.id)
    await house.engine.runners.drop_cache(other, mine)
    assert await house.engine.runners.has_cache(lease, "k")


async def of_a_fork(house: House, number: int = 7) -> JobOrder:
    """Trigger the pipeline of a fork's pull request and claim its job."""
    branch = f"pull/{number}/head"
    house.repositories.branches.add(branch)
    await house.trigger(a_plan("build"), ref=Ref(branch=branch))
    return await claim(house)


async def test_caches_of_a_fork_are_its_own(house: House) -> None:
    server = house.engine.runners
    own = (await start(house)).lease
    fork, other = (await of_a_fork(house)).lease, (await of_a_fork(house, 8)).lease
    assert await cached(house, fork, "k", b"poison")
    for lease in (own, other):
        assert await server.find_cache(lease, ["k"]) is None
        assert not await server.has_cache(lease, "k")
    poison = await server.find_cache((await of_a_fork(house)).lease, ["k"])
    assert poison is not None
    with pytest.raises(NotFound):
        await read(house, own, poison.blob.id)
    assert await cached(house, own, "k", b"mine")
    mine = await server.find_cache(own, ["k"])
    assert mine is not None
    with pytest.raises(NotFound):
        await read(house, fork, mine.blob.id)
    await server.drop_cache(fork, mine)
    assert await server.has_cache(own, "k")


async def test_forks_share_the_caches_of_a_project_that_passes_secrets(house: House) -> None:
    settings = {"forks_receive_secret_env_vars": True}
    await house.use.change_project_settings(house.project, settings, house.admin)
    own, fork = (await start(house)).lease, (await of_a_fork(house)).lease
    assert await cached(house, own, "k")
    assert await house.engine.runners.find_cache(fork, ["k"]) is not None


async def test_caches_of_forks_go_first_and_push_none_of_the_project_out(house: House) -> None:
    own, fork = (await start(house)).lease, (await of_a_fork(house)).lease
    server = LocalStorage(house.engine, cache_quota_bytes=100)

    async def keep(lease: Lease, key: str, size: int) -> None:
        assert await server.keep_cache(lease, key, await stored(house, lease, b"x" * size))

    await keep(own, "old", 60)
    await keep(fork, "a", 40)
    await keep(fork, "b", 40)
    assert [await server.has_cache(fork, key) for key in "ab"] == [False, True]
    assert await server.has_cache(own, "old")
    await keep(own, "new", 40)
    assert await server.has_cache(own, "old")
    assert not await server.has_cache(fork, "b")


async def test_a_cache_without_its_whole_archive_is_none_and_can_be_made_again(
    house: House,
) -> None:
    lease = (await start(house)).lease
    assert await cached(house, lease, "k", b"older")
    assert await cached(house, lease, "kk", b"x" * 1000)
    (archive,) = [p for p in (house.folder / "blobs").rglob("kept/*/*") if p.stat().st_size > 999]
    archive.write_bytes(b"x" * 10)
    found = await house.engine.runners.find_cache(lease, ["k"])
    assert found is not None and found.key == "k"
    assert await cached(house, lease, "kk")


@pytest.mark.parametrize("key", ["", "k" * 901])
async def test_a_key_of_a_wrong_length_is_refused(key: str, house: House) -> None:
    lease = (await start(house)).lease
    with pytest.raises(Invalid):
        await cached(house, lease, key)


async def test_past_the_quota_the_caches_used_longest_ago_go(house: House) -> None:
    lease = (await start(house)).lease
    small = LocalStorage(house.engine, cache_quota_bytes=2500)
    for key in ("a", "b"):
        assert await small.keep_cache(lease, key, await stored(house, lease, b"x" * 1000))
    assert await small.find_cache(lease, ["a"]) is not None
    assert await small.keep_cache(lease, "c", await stored(house, lease, b"x" * 1000))
    assert [await small.has_cache(lease, key) for key in ("a", "b", "c")] == [True, False, True]
    assert await small.keep_cache(lease, "huge", await stored(house, lease, b"x" * 5000))
    assert [await small.has_cache(lease, key) for key in ("a", "c", "huge")] == [False, False, True]


# -- time --


async def test_a_job_says_how_long_its_caches_are_kept(house: House) -> None:
    plan = a_job_plan("build", extra={"retention": {"caches": "2d"}})
    await house.trigger(a_plan("build", build=plan))
    lease = (await claim(house)).lease
    async with house.unwatched():
        assert await cached(house, lease, "k")
        house.clock.forward(2 * DAY - HOUR)
        assert await house.engine.runners.has_cache(lease, "k")
        house.clock.forward(HOUR)
        assert not await house.engine.runners.has_cache(lease, "k")
        assert await cached(house, lease, "k")


async def test_what_is_past_its_time_goes_with_its_objects(house: House) -> None:
    order = await start(house)
    lease, server = order.lease, house.engine.runners
    assert await cached(house, lease, "k")
    await server.keep_layer(lease, await stored(house, lease, b"l"), ["x"])
    await server.keep_artifact(lease, "a.txt", await stored(house, lease, b"a"))
    await end(house, order)
    house.clock.forward(16 * DAY)
    await sweep_storage(house.engine)
    house.clock.forward(HOUR)
    await sweep_storage(house.engine)
    assert objects(house) == 1
    again = await start(house)
    assert await server.find_cache(again.lease, ["k"]) is None
    assert len(await house.engine.reads.artifacts(order.job_id)) == 1
    house.clock.forward(15 * DAY)
    await sweep_storage(house.engine)
    assert await house.engine.reads.artifacts(order.job_id) == []
    assert objects(house) == 0


async def test_a_blob_that_nothing_names_goes_after_a_day_and_not_before(house: House) -> None:
    lease = (await start(house)).lease
    await stored(house, lease, b"orphan")
    assert await cached(house, lease, "k")
    house.clock.forward(23 * HOUR)
    await sweep_storage(house.engine)
    assert objects(house) == 2
    house.clock.forward(2 * HOUR)
    await sweep_storage(house.engine)
    assert objects(house) == 1
    later = (await start(house)).lease
    assert await house.engine.runners.find_cache(later, ["k"]) is not None


async def test_an_artifact_that_was_replaced_lets_go_of_its_blob(house: House) -> None:
    order = await start(house)
    lease, server = order.lease, house.engine.runners
    for data in (b"1", b"22"):
        await server.keep_artifact(lease, "a", await stored(house, lease, data))
    (artifact,) = await house.engine.reads.artifacts(order.job_id)
    assert artifact.size == 2
    house.clock.forward(2 * HOUR)
    await sweep_storage(house.engine)
    assert objects(house) == 1


async def test_a_sweep_comes_by_itself(house: House) -> None:
    lease = (await start(house)).lease
    await stored(house, lease, b"orphan")
    house.clock.forward(26 * HOUR)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert objects(house) == 0


# -- workspaces --


async def test_layers_of_upstream_jobs_come_in_their_order(house: House) -> None:
    first = await start(house, "a", "b<a", "c<b", "other")
    server = house.engine.runners
    await server.keep_layer(first.lease, await stored(house, first.lease, b"1"), ["x"])
    other = await claim(house)
    await server.keep_layer(other.lease, await stored(house, other.lease, b"o"), ["x"])
    await end(house, first)
    await end(house, other)
    second = await claim(house)
    await server.keep_layer(second.lease, await stored(house, second.lease, b"2"), ["x"])
    await end(house, second)
    third = await claim(house)
    layers = await server.layers(third.lease)
    assert not isinstance(layers, LayerConflict)
    assert [layer.job_name for layer in layers] == ["a", "b"]
    assert [await read(house, third.lease, layer.blob.id) for layer in layers] == [b"1", b"2"]


async def test_layers_of_another_workflow_cannot_be_read(house: House) -> None:
    first = await start(house)
    blob = await stored(house, first.lease, b"1")
    await house.engine.runners.keep_layer(first.lease, blob, ["x"])
    await end(house, first)
    other = await start(house)
    with pytest.raises(NotFound):
        await read(house, other.lease, blob.id)


async def test_the_same_layer_again_changes_nothing(house: House) -> None:
    first = await start(house, "a", "b<a")
    blob = await stored(house, first.lease, b"1")
    for _ in range(2):
        await house.engine.runners.keep_layer(first.lease, blob, ["x"])
    await end(house, first)
    second = await claim(house)
    assert len(await house.engine.runners.layers(second.lease)) == 1  # type: ignore[arg-type]


# -- artifacts and tests --


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "", "a\nb", "a/../b"])
async def test_an_artifact_has_a_name_that_stays_in_its_place(path: str, house: House) -> None:
    lease = (await start(house)).lease
    blob = await stored(house, lease, b"x")
    with pytest.raises(Invalid):
        await house.engine.runners.keep_artifact(lease, path, blob)


def case(name: str, seconds: float = 1.0, file: str = "f.py") -> Case:
    return Case(name=name, classname="C", file=file, result="success", run_time=seconds)


async def test_a_part_of_the_results_counts_once_and_nodes_keep_their_own(house: House) -> None:
    first = await start(house, nodes=2)
    second = await claim(house)
    server = house.engine.runners
    for order in (first, second, first):
        await server.keep_tests(order.lease, "2.0", [case("a"), case("b")])
    await server.keep_tests(first.lease, "2.1", [case("c")])
    tests = await house.engine.reads.tests(first.job_id, limit=10)
    assert [(view.number, view.node, view.test.name) for view in tests] == [
        (0, 0, "a"),
        (1, 0, "b"),
        (2, 1, "a"),
        (3, 1, "b"),
        (4, 0, "c"),
    ]
    assert [view.number for view in await house.engine.reads.tests(first.job_id, after=2)] == [3, 4]


async def test_times_come_from_the_newest_other_run_with_results(house: House) -> None:
    server = house.engine.runners
    for seconds in (1.0, 2.0):
        order = await start(house)
        results = [case("a", seconds), case("b", seconds), case("a", 1, "")]
        await server.keep_tests(order.lease, "0", results)
        await end(house, order)
    empty = await start(house)
    await end(house, empty)
    order = await start(house)
    await server.keep_tests(order.lease, "0", [case("a", 99.0)])
    assert await server.timings(order.lease, "file") == {"f.py": 4.0}
    assert await server.timings(order.lease, "testname") == {"a": 3.0, "b": 2.0}
    assert await server.timings(order.lease, "classname") == {"C": 5.0}
    assert await server.timings(order.lease, "'; DROP TABLE job") == {}
