"""Steps that keep and fetch files, as a job and the server see them."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import pytest
import zstandard

from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import Json, StepPlan
from roundel.domain.storage import LayerConflict
from tests.fake_server import an_order
from tests.unit.runner.archives.tars import file, folder, symlink, tar
from tests.unit.runner.conftest import a_runner

OK, FAILED = ExecutionStatus.SUCCESS, ExecutionStatus.FAILED


def keeping(kind: str, **args: Json) -> StepPlan:
    return StepPlan(kind=kind, name=kind, args=args)


# -- caches --


async def test_a_cache_comes_back_where_it_was(run_job, server):
    sum_of = base64.b64encode(hashlib.sha256(b"dep==1\n").digest()).decode()
    key = 'v1-{{ checksum "req.txt" }}-{{ .Environment.COLOR }}-{{ .Branch }}'
    environment = {"COLOR": "red", "CIRCLE_BRANCH": "main"}
    told = await run_job(
        an_order(
            "printf 'dep==1\\n' >req.txt; mkdir -p deps/sub ~/more; echo one >deps/sub/a",
            "echo two >~/more/b; ln -s sub deps/link; chmod 750 deps/sub/a",
            keeping("restore_cache", key=key),
            keeping("save_cache", key=key, paths=["deps", "~/more", "missing"]),
            keeping("save_cache", key=key, paths=["deps"]),
            environment=environment,
        )
    )
    assert told.result.status is OK, told.log()
    key_text = f"v1-{sum_of}-red-main"
    assert told.output(4) == f"No cache is found for key: {key_text}\n"
    assert f"Stored Cache to {key_text}" in told.output(5)
    assert "missing - Not found" in told.output(5)
    assert "Skipping cache generation, cache already exists for key" in told.output(6)
    told = await run_job(
        an_order(
            "printf 'dep==1\\n' >req.txt",
            keeping("restore_cache", keys=["nothing-", key, "v1-"]),
            "cat deps/sub/a deps/link/a ~/more/b; stat -c %a deps/sub/a",
            environment=environment,
        )
    )
    assert told.result.status is OK, told.log()
    assert "No cache is found for key: nothing-\nFound a cache at v1-" in told.output(3)
    assert told.output(4) == "one\none\ntwo\n750\n"


async def test_restoring_takes_the_newest_that_begins_with_the_key(run_job, server):
    for number in (1, 2):
        await run_job(
            an_order(
                f"mkdir d; echo {number} >d/n",
                keeping("save_cache", key=f"v{number}-x", paths=["d"]),
            )
        )
    told = await run_job(an_order(keeping("restore_cache", key="v"), "cat d/n"))
    assert told.output(3) == "2\n"


async def test_the_key_comes_before_the_keys_and_the_first_hit_counts(run_job, server):
    for name in ("a-1", "b-1"):
        save = keeping("save_cache", key=name, paths=["d"])
        await run_job(an_order(f"mkdir d; echo {name} >d/n", save))
    restores = [
        keeping("restore_cache", key="b", keys=["a"]),
        keeping("restore_cache", keys=["none", "a", "b"]),
    ]
    told = await run_job(an_order(restores[0], "cat d/n; rm -r d", restores[1], "cat d/n"))
    assert (told.output(3), told.output(5)) == ("b-1\n", "a-1\n")


async def test_paths_of_a_cache_are_no_patterns(run_job, server):
    save = keeping("save_cache", key="k", paths=["*", "d"])
    told = await run_job(an_order("mkdir d; echo 1 >d/n; echo 2 >other", save))
    assert told.result.status is OK
    told = await run_job(an_order(keeping("restore_cache", key="k"), "echo *"))
    assert told.output(3) == "d\n"


async def test_a_key_that_cannot_be_computed_fails_the_step(run_job, server):
    told = await run_job(an_order(keeping("save_cache", key='{{ checksum "none" }}', paths=["."])))
    assert told.result.status is FAILED
    assert "open none: no such file or directory" in told.output(2)


async def test_a_cache_without_any_of_its_paths_is_not_made(run_job, server):
    told = await run_job(an_order(keeping("save_cache", key="k", paths=["none"])))
    assert told.result.status is OK
    assert "none of its paths exists" in told.output(2)
    assert server.caches == {}


@pytest.mark.parametrize("damage", ["cut", "noise", "gone"])
async def test_a_broken_cache_is_a_miss_and_is_made_anew(damage, run_job, server):
    save = keeping("save_cache", key="k", paths=["d"])
    make = "mkdir -p d; head -c 300000 /dev/urandom >d/f"
    await run_job(an_order(make, save))
    blob = server.caches["k"].blob.id
    if damage == "gone":
        del server.blobs[blob]
    else:
        whole = server.blobs[blob]
        server.blobs[blob] = whole[:1000] if damage == "cut" else b"x" * len(whole)
    told = await run_job(an_order(keeping("restore_cache", key="k"), make, save))
    assert told.result.status is OK, told.log()
    assert "this cache is broken and counts as none" in told.output(2)
    assert "No cache is found for key: k" in told.output(2)
    assert "Stored Cache to k" in told.output(4)


async def test_a_cache_that_the_server_cannot_take_does_not_fail_the_job(run_job, server):
    server.upload_error = OSError("disk full")
    told = await run_job(
        an_order("head -c 9000000 /dev/urandom >f", keeping("save_cache", key="k", paths=["f"]))
    )
    assert told.result.status is OK
    assert "the cache was not saved" in told.output(3)


async def test_a_hostile_cache_reaches_nothing_through_links(run_job, server):
    archive = tar(
        folder("~/in"),
        symlink("~/in/d", "../outside"),
        file("~/in/d/evil"),
        file("~/../evil"),
        file("../../evil"),
        file("~/in/good"),
    )

    async def pieces() -> AsyncIterator[bytes]:
        yield zstandard.ZstdCompressor().compress(archive)

    blob = await server.upload(None, pieces())
    await server.keep_cache(None, "k", blob)
    told = await run_job(
        an_order("mkdir ~/outside", keeping("restore_cache", key="k"), "ls ~/in ~/outside ~/..")
    )
    assert told.result.status is OK, told.log()
    assert "good" in told.output(4)
    assert "evil" not in told.output(4)
    assert "left out ~/in/d/evil" in told.output(3)


# -- workspaces --


async def test_a_workspace_is_persisted_by_globs_and_attached(run_job, server):
    told = await run_job(
        an_order(
            "mkdir -p ws/dir/sub; echo 1 >ws/a.txt; echo 2 >ws/b.txt; echo 3 >ws/dir/sub/c; "
            "echo 4 >'ws/d e.log'",
            keeping("persist_to_workspace", root="ws", paths=["*.txt", "dir", "d e.log"]),
        )
    )
    assert told.result.status is OK, told.log()
    (layer,) = server.kept_layers
    assert sorted(layer.paths) == ["a.txt", "b.txt", "d e.log", "dir/sub/c"]
    told = await run_job(
        an_order(
            keeping("attach_workspace", at="~/here/there"), "cd ~/here/there; cat a.txt dir/sub/c"
        )
    )
    assert told.result.status is OK, told.log()
    assert told.output(3) == "1\n3\n"


async def test_a_later_layer_lies_over_an_earlier_one(run_job, server):
    for number in (1, 2):
        await run_job(
            an_order(f"echo {number} >f", keeping("persist_to_workspace", root=".", paths=["f"]))
        )
    told = await run_job(an_order(keeping("attach_workspace", at="."), "cat f"))
    assert told.output(3) == "2\n"


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (".", "The specified paths did not match any files in ."),
        ("nowhere", "The root nowhere of the workspace is no folder"),
    ],
)
async def test_persisting_nothing_fails(root, message, run_job, server):
    told = await run_job(an_order(keeping("persist_to_workspace", root=root, paths=["*.none"])))
    assert told.result.status is FAILED
    assert message in told.output(2)
    assert server.kept_layers == []


async def test_a_conflict_fails_the_job_that_attaches(run_job, server):
    server.conflict = LayerConflict(jobs=("a", "b"), paths=("same.txt",))
    told = await run_job(an_order(keeping("attach_workspace", at=".")))
    assert told.result.status is FAILED
    assert "Concurrent upstream jobs persisted the same file(s)" in told.output(2)
    assert "same.txt" in told.output(2)


async def test_attaching_nothing_warns(run_job, server):
    told = await run_job(an_order(keeping("attach_workspace", at=".")))
    assert told.result.status is OK
    assert "no upstream job has persisted anything" in told.output(2)


# -- artifacts --


async def test_files_and_folders_become_artifacts(run_job, server):
    told = await run_job(
        an_order(
            "mkdir -p out/sub; echo a >out/a.txt; head -c 700000 /dev/zero >out/sub/big; "
            "ln out/a.txt out/same; ln -s /etc/passwd out/link; mkfifo out/pipe",
            keeping("store_artifacts", path="out", destination="files"),
            keeping("store_artifacts", path="out/a.txt"),
            keeping("store_artifacts", path="out/a.txt", destination="renamed.txt"),
            keeping("store_artifacts", path="none"),
        )
    )
    assert told.result.status is OK, told.log()
    assert {name: len(data) for name, data in server.artifacts.items()} == {
        "files/a.txt": 2,
        "files/same": 2,
        "files/sub/big": 700_000,
        "out/a.txt": 2,
        "renamed.txt": 2,
    }
    assert "no artifact files found at none" in told.output(6)


async def test_many_small_artifacts_all_arrive(run_job, server):
    told = await run_job(
        an_order(
            "mkdir o; i=0; while [ $i -lt 300 ]; do echo $i >o/$i; i=$((i+1)); done",
            keeping("store_artifacts", path="o"),
        )
    )
    assert told.result.status is OK, told.log()
    assert server.artifacts == {f"o/{n}": f"{n}\n".encode() for n in range(300)}


async def test_artifacts_that_cannot_be_stored_fail_the_step(run_job, server):
    server.upload_error = OSError("disk full")
    told = await run_job(an_order("echo a >a", keeping("store_artifacts", path="a")))
    assert told.result.status is FAILED
    assert "could not be stored" in told.output(3)


# -- test results --


async def test_reports_become_results_and_broken_ones_warnings(run_job, server):
    told = await run_job(
        an_order(
            'mkdir -p r/py; echo \'<testsuite><testcase name="one"/><testcase name="two">'
            "<failure/></testcase></testsuite>' >r/py/j.xml; echo '<broken' >r/b.xml; echo >r/t",
            keeping("store_test_results", path="r"),
            keeping("store_test_results", path="r/py/j.xml"),
            keeping("store_test_results", path="none"),
        )
    )
    assert told.result.status is OK, told.log()
    assert "Warning: b.xml: line" in told.output(3)
    assert "Found 2 report(s) with 2 test(s): 1 failed, 0 skipped." in told.output(3)
    assert [[r.result for r in part] for part in server.tests.values()] == [
        ["success", "failure"],
        ["success", "failure"],
    ]


# -- questions --


async def test_tests_are_split_over_the_nodes_by_recorded_times(run_job, server):
    server.times["file"] = {"a.py": 9.0, "b.py": 4.0, "c.py": 4.0}
    told = await run_job(
        an_order(
            "touch a.py b.py c.py",
            "circleci tests glob '*.py' | circleci tests split --split-by=timings",
            environment={"CIRCLE_NODE_INDEX": "1", "CIRCLE_NODE_TOTAL": "2"},
        )
    )
    assert told.output(3) == "Autodetected file timings for 3 tests.\nb.py\nc.py\n"


# -- ends in the middle --


@pytest.mark.parametrize("size", [10, 9_000_000])
@pytest.mark.parametrize("kind", ["save_cache", "persist_to_workspace", "store_artifacts"])
async def test_a_server_that_takes_nothing_leaves_no_step_hanging(kind, size, run_job, server):
    args: dict[str, Json] = {
        "save_cache": {"key": "k", "paths": ["d"]},
        "persist_to_workspace": {"root": ".", "paths": ["d"]},
        "store_artifacts": {"path": "d"},
    }[kind]
    server.upload_error = OSError("disk full")
    told = await run_job(
        an_order(f"mkdir d; head -c {size} /dev/urandom >d/f; cp d/f d/g", keeping(kind, **args))
    )
    assert told.result.status is (OK if kind == "save_cache" else FAILED)


@pytest.mark.parametrize("kind", ["save_cache", "store_artifacts"])
async def test_a_job_that_is_cancelled_in_a_transfer_ends(kind, run_job, server):
    args: dict[str, Json] = {"key": "k", "paths": ["d"]} if kind == "save_cache" else {"path": "d"}
    server.hold = asyncio.Event()
    order = an_order("mkdir d; head -c 9000000 /dev/urandom >d/f", keeping(kind, **args))
    running = asyncio.create_task(run_job(order))
    await server.holding.wait()
    server.jobs[order.lease.execution_id].cancel.set()
    told = await running
    assert told.result.status is ExecutionStatus.CANCELED
    assert (server.caches, server.artifacts) == ({}, {})


@pytest.mark.parametrize("kind", ["save_cache", "persist_to_workspace", "store_artifacts"])
async def test_an_upload_is_begun_again_by_the_runner_that_takes_over(kind, server, tmp_path):
    args: dict[str, Json] = {
        "save_cache": {"key": "k", "paths": ["d"]},
        "persist_to_workspace": {"root": ".", "paths": ["d"]},
        "store_artifacts": {"path": "d"},
    }[kind]
    order = an_order("mkdir d; head -c 9000000 /dev/urandom >d/f", keeping(kind, **args), "echo on")
    server.hold = asyncio.Event()
    async with a_runner(server, tmp_path):
        told = server.submit(order)
        await server.holding.wait()
    assert told.result is None
    server.hold.set()
    async with a_runner(server, tmp_path):
        await told.ended.wait()
    assert told.result.status is OK, told.log()
    assert told.output(4) == "on\n"
    assert len(server.caches) + len(server.kept_layers) + len(server.artifacts) == 1


@pytest.mark.parametrize("kind", ["restore_cache", "attach_workspace"])
async def test_a_download_is_begun_again_by_the_runner_that_takes_over(kind, server, tmp_path):
    step = keeping(kind, key="k") if kind == "restore_cache" else keeping(kind, at=".")
    async with a_runner(server, tmp_path):
        before = server.submit(
            an_order(
                "mkdir d; head -c 9000000 /dev/urandom >d/f; ln d/f d/g",
                keeping("save_cache", key="k", paths=["d"]),
                keeping("persist_to_workspace", root=".", paths=["d"]),
            )
        )
        await before.ended.wait()
        server.hold = asyncio.Event()
        told = server.submit(an_order(step, "wc -c d/f d/g"))
        await server.holding.wait()
    assert told.result is None
    server.hold.set()
    async with a_runner(server, tmp_path):
        await told.ended.wait()
    assert told.result.status is OK, told.log()
    assert "18000000 total" in told.output(3)
