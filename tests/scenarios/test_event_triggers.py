"""Triggers on git events: which pipelines of which definitions an event of a host starts."""

from typing import Any

import pytest

from roundel.domain.pipelines import Ref
from roundel.domain.presets import EventPreset
from roundel.domain.projects import Project, Slug
from roundel.services.values import pipeline_values
from tests import git_messages as sent
from tests.git_messages import ZERO, A, B, C, Sent
from tests.scenarios.conftest import House
from tests.scenarios.hosted import Hosted, hosted


def push(ref: str = "refs/heads/main", before: str = A, after: str = B) -> Sent:
    return sent.github("push", sent.github_push(ref, before, after), id_=f"{ref} {after}")


def pull(action: str, *, label: str = "", fork: bool = False, **facts: Any) -> Sent:
    body = sent.github_pull(action, fork=fork, **facts)
    if label:
        body["label"] = {"name": label}
    return sent.github("pull_request", body, id_=f"{action} {label} {facts}")


EVENTS: dict[str, Sent] = {
    "push": push("refs/heads/try", ZERO, A),
    "push to main": push(),
    "tag": push("refs/tags/v1", ZERO, B),
    "opened": pull("opened"),
    "draft": pull("opened", draft=True),
    "synchronize": pull("synchronize"),
    "labeled": pull("labeled", label="run-ci"),
    "labeled otherwise": pull("labeled", label="docs"),
    "ready": pull("ready_for_review"),
    "merged": pull("closed", merged=True, state="closed", merge_commit_sha=C),
    "closed": pull("closed", state="closed"),
    "branch deleted": push("refs/heads/try", A, ZERO),
}
WANTED = {
    "all-pushes": {"push", "push to main", "tag"},
    "only-tags": {"tag"},
    "default-branch-pushes": {"push to main"},
    "only-build-prs": {"push to main", "tag", "opened", "draft", "synchronize"},
    "only-open-prs": {"opened", "draft"},
    "only-labeled-prs": {"labeled"},
    "only-merged-prs": {"merged"},
    "only-ready-for-review-prs": {"ready"},
    "only-branch-delete": {"branch deleted"},
    "only-build-pushes-to-non-draft-prs": {"push to main", "tag", "opened", "synchronize", "ready"},
    "only-merged-or-closed-prs": {"merged", "closed"},
}


class Listening:
    """A host's project, and another one of its organization whose definitions may listen to it."""

    def __init__(self, host: Hosted, other: Project) -> None:
        self.host = host
        self.other = other

    async def define(self, name: str = "deploy", **changes: Any) -> str:
        """Make a definition of the host's project."""
        own = {"provider": "github_app", "repo": {"external_id": self.host.project.id}}
        body = {
            "name": name,
            "description": "",
            "config_source": {**own, "file_path": "ci/deploy.yml"},
            "checkout_source": own,
            **changes,
        }
        made = await self.host.own.post(self._definitions(self.host.project), body)
        assert made.status == 200, made
        identity: str = made.json()["id"]
        return identity

    async def listen(
        self,
        preset: str = "all-pushes",
        definition: str | None = None,
        of: Project | None = None,
        **more: Any,
    ) -> str:
        """Make a trigger on events of the host's repository."""
        project = of or self.host.project
        repository = {"external_id": self.host.project.id}
        body = {
            "event_source": {"provider": "github_app", "repo": repository},
            "event_preset": preset,
            **more,
        }
        path = f"{self._definitions(project)}/{definition or project.id}/triggers"
        made = await self.host.own.post(path, body)
        assert made.status == 200, made
        identity: str = made.json()["id"]
        return identity

    @staticmethod
    def _definitions(project: Project) -> str:
        return f"/api/v2/projects/{project.id}/pipeline-definitions"


@pytest.fixture
async def place(house: House) -> Listening:
    host = await hosted(house)
    house.repositories.tags = {"v1"}
    house.repositories.branches = {"main", "try", "release", "trunk"}
    other = await house.use.add_project(
        Slug.parse("gh/acme/infra"), "https://github.com/acme/infra.git", "trunk", house.admin
    )
    return Listening(host, other)


def test_every_preset_is_tried() -> None:
    assert set(WANTED) == set(EventPreset)


@pytest.mark.parametrize("preset", list(WANTED))
async def test_a_preset_starts_pipelines_of_its_events_alone(place: Listening, preset: str) -> None:
    await place.listen(preset)
    started: set[str] = set()
    for name, message in EVENTS.items():
        before = len(await place.host.pipelines())
        assert (await place.host.send(message)).status == 202
        if len(await place.host.pipelines()) > before:
            started.add(name)
    assert started == WANTED[preset]
    for message in EVENTS.values():
        await place.host.send(message)
    assert len(await place.host.pipelines()) == len(WANTED[preset])


async def test_each_definition_that_listens_has_a_pipeline_once(place: Listening) -> None:
    deploy = await place.define()
    await place.listen()
    trigger = await place.listen("default-branch-pushes", deploy, event_name="to production")
    await place.host.send(push())
    await place.host.send(push())
    first, second = await place.host.pipelines()
    assert (first.definition_id, second.definition_id) == (place.host.project.id, deploy)
    assert [it.commit and it.commit.revision for it in (first, second)] == [B, B]
    assert second.commit is not None
    values = pipeline_values(second, place.host.project, second.commit, "x")
    wanted = {
        "pipeline.definition.id": deploy,
        "pipeline.trigger.id": trigger,
        "pipeline.trigger.name": "to production",
        "pipeline.trigger.type": "webhook",
        "pipeline.config.file_path": "ci/deploy.yml",
        "pipeline.event.name": "push",
        "pipeline.git.base_revision": A,
    }
    assert {name: values.get(name) for name in wanted} == wanted
    await place.host.send(push("refs/heads/try", ZERO, C))
    assert len(await place.host.pipelines()) == 3


async def test_a_disabled_trigger_starts_nothing_and_the_reason_is_told(place: Listening) -> None:
    await place.listen(disabled=True)
    await place.host.send(push())
    assert await place.host.pipelines() == []
    assert await place.host.outcomes() == ["ignored: a trigger that listens to it is disabled"]


async def test_another_project_may_listen_to_a_repository(place: Listening) -> None:
    await place.listen(of=place.other)
    await place.host.send(push())
    await place.host.send(push())
    assert await place.host.outcomes() == ["gh/acme/hosted #1; gh/acme/infra #1"]
    elsewhere = Hosted(place.host.house, place.host.api, place.host.connection, place.other)
    (pipeline,) = await elsewhere.pipelines()
    # Its own repository is checked out, where the event says nothing of a ref.
    assert pipeline.ref == Ref(branch="trunk")


async def test_a_triggers_refs_stand_above_those_of_the_event(place: Listening) -> None:
    await place.listen(checkout_ref="refs/heads/release", config_ref="refs/heads/main")
    await place.host.send(push("refs/heads/try", ZERO, B))
    (pipeline,) = await place.host.pipelines()
    assert pipeline.ref == Ref(branch="release")
    assert pipeline.launch is not None and pipeline.launch.config is not None
    assert pipeline.launch.config.ref == Ref(branch="main")


async def test_no_preset_opens_a_project_to_forks(place: Listening) -> None:
    await place.listen("only-open-prs")
    await place.host.send(pull("opened", fork=True))
    assert await place.host.pipelines() == []
    await place.host.settings(build_fork_prs=True)
    await place.host.send(pull("opened", label="another message", fork=True))
    (pipeline,) = await place.host.pipelines()
    assert pipeline.origin is not None and pipeline.origin.fork


async def test_s3_a_fork_may_be_built_with_the_config_of_the_base(place: Listening) -> None:
    await place.host.settings(build_fork_prs=True)
    await place.listen("only-open-prs", config_ref="refs/heads/main")
    await place.host.send(pull("opened", fork=True))
    (pipeline,) = await place.host.pipelines()
    assert pipeline.commit is not None
    assert (pipeline.ref.branch, pipeline.commit.revision) == ("pull/7/head", B)
    address = place.host.project.repository_url
    configs = [it for it in place.host.house.repositories.asked if it[0] == address]
    assert configs[0] == (address, Ref(branch="main"), None)


async def test_a_look_starts_a_pipeline_of_each_definition(place: Listening) -> None:
    repositories = place.host.house.repositories
    await place.listen()
    await place.listen("all-pushes", await place.define())
    await place.host.look()
    repositories.found_heads = {"refs/heads/main": B}
    await place.host.look()
    await place.host.look()
    await place.host.send(push())
    assert [it.number for it in await place.host.pipelines()] == [1, 2]
