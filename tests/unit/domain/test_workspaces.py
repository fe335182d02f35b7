"""Layers of a workspace: which, in which order, and what must not meet."""

from roundel.domain.storage import BlobId, LayerConflict, StoredBlob, WorkspaceLayer
from roundel.domain.workspaces import UpstreamJob, layers_for


def layer(job: str, *paths: str, node: int = 0) -> WorkspaceLayer:
    blob = StoredBlob(id=BlobId(f"{job}{node}"), size=1, digest="0" * 64)
    return WorkspaceLayer(job_name=job, node=node, blob=blob, paths=paths)


def job(text: str, *layers: WorkspaceLayer) -> UpstreamJob:
    name, _, requires = text.partition("<")
    return UpstreamJob(name=name, requires=tuple(filter(None, requires.split(","))), layers=layers)


def order(name: str, *jobs: UpstreamJob) -> list[str]:
    found = layers_for(name, jobs)
    assert not isinstance(found, LayerConflict)
    return [each.blob.id for each in found]


def test_layers_of_all_jobs_above_come_in_the_order_in_which_those_waited() -> None:
    jobs = (
        job("last<deploy"),
        job("deploy<b,a", layer("deploy", "x")),
        job("b<a", layer("b", "x")),
        job("a", layer("a", "x")),
        job("other", layer("other", "x")),
    )
    assert order("last", *jobs) == ["a0", "b0", "deploy0"]
    assert order("b", *jobs) == ["a0"]
    assert order("a", *jobs) == []


def test_jobs_without_an_order_keep_that_of_the_config() -> None:
    assert order("c<a", job("b", layer("b", "1")), job("a", layer("a", "2"))) == []
    jobs = (job("b", layer("b", "1")), job("a", layer("a", "2")), job("c<a,b"))
    assert order("c", *jobs) == ["b0", "a0"]


def test_nodes_of_a_job_merge_in_their_order() -> None:
    nodes = (layer("a", "x", node=1), layer("a", "x", node=0))
    assert order("b", job("a", *nodes), job("b<a")) == ["a0", "a1"]


def test_two_jobs_without_an_order_must_not_persist_the_same_file() -> None:
    jobs = (
        job("a", layer("a", "same", "own")),
        job("b", layer("b", "same", "also")),
        job("c<a,b", layer("c", "same")),
        job("d<c"),
    )
    conflict = LayerConflict(jobs=("a", "b"), paths=("same",))
    assert layers_for("c", jobs) == conflict
    assert layers_for("d", jobs) == conflict


def test_a_clash_elsewhere_in_the_workflow_is_nobody_elses_matter() -> None:
    jobs = (job("a", layer("a", "x")), job("b", layer("b", "x")), job("c<a"), job("d<b"))
    assert order("c", *jobs) == ["a0"]
    assert order("d", *jobs) == ["b0"]
