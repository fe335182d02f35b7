"""Which events start a pipeline under which preset."""

import pytest

from roundel.domain.git_events import (
    BranchDelete,
    Comment,
    GitEvent,
    HostRepository,
    PullAction,
    PullEnd,
    PullRequest,
    Push,
    Sender,
    TagPush,
)
from roundel.domain.presets import EventPreset, wants

REPOSITORY = HostRepository(external_id="1", owner="acme", name="web")
ADA = Sender(login="ada")
PRESETS = list(EventPreset)
P = EventPreset


def push(branch: str) -> Push:
    return Push(repository=REPOSITORY, sender=ADA, branch=branch, after="a" * 40)


def pull(
    action: PullAction, *, draft: bool = False, merged: bool = False, label: str = ""
) -> PullRequest:
    return PullRequest(
        repository=REPOSITORY,
        sender=ADA,
        action=action,
        number=7,
        title="Try it",
        url="https://host.example/acme/web/pull/7",
        head=PullEnd(branch="try", revision="a" * 40),
        base=PullEnd(branch="main", revision="b" * 40),
        draft=draft,
        merged=merged,
        added_labels=(label,) if label else (),
    )


TAG = TagPush(repository=REPOSITORY, sender=ADA, tag="v1", after="a" * 40)
DELETE = BranchDelete(repository=REPOSITORY, sender=ADA, branch="try")
COMMENT = Comment(repository=REPOSITORY, sender=ADA, number=7, body="run it")
A = PullAction

CASES: list[tuple[GitEvent, set[EventPreset]]] = [
    (push("try"), {P.ALL_PUSHES}),
    (push("main"), {P.ALL_PUSHES, P.DEFAULT_BRANCH, P.BUILD_PRS, P.NON_DRAFT_PRS}),
    (TAG, {P.ALL_PUSHES, P.ONLY_TAGS, P.BUILD_PRS, P.NON_DRAFT_PRS}),
    (DELETE, {P.BRANCH_DELETE}),
    (COMMENT, set()),
    (pull(A.OPENED), {P.BUILD_PRS, P.OPEN_PRS, P.NON_DRAFT_PRS}),
    (pull(A.OPENED, draft=True), {P.BUILD_PRS, P.OPEN_PRS}),
    (pull(A.SYNCHRONIZE), {P.BUILD_PRS, P.NON_DRAFT_PRS}),
    (pull(A.SYNCHRONIZE, draft=True), {P.BUILD_PRS}),
    (pull(A.REOPENED), {P.BUILD_PRS, P.NON_DRAFT_PRS}),
    (pull(A.READY), {P.READY_PRS, P.NON_DRAFT_PRS}),
    (pull(A.LABELED, label="run-ci"), {P.LABELED_PRS}),
    (pull(A.LABELED, label="docs"), set()),
    (pull(A.CLOSED), {P.MERGED_OR_CLOSED_PRS}),
    (pull(A.CLOSED, merged=True), {P.MERGED_OR_CLOSED_PRS, P.MERGED_PRS}),
    (pull(A.CHANGED), set()),
]


@pytest.mark.parametrize(("event", "wanted"), CASES)
def test_an_event_starts_a_pipeline_under_these_presets(
    event: GitEvent, wanted: set[EventPreset]
) -> None:
    assert {preset for preset in PRESETS if wants(preset, event, "main")} == wanted
