"""Event presets: which git events start a pipeline."""

from enum import StrEnum

from roundel.domain.git_events import (
    BranchDelete,
    GitEvent,
    PullAction,
    PullRequest,
    Push,
    TagPush,
)

RUN_LABEL = "run-ci"  # the label that `only-labeled-prs` waits for


class EventPreset(StrEnum):
    """`event_preset` of the API."""

    ALL_PUSHES = "all-pushes"
    ONLY_TAGS = "only-tags"
    DEFAULT_BRANCH = "default-branch-pushes"
    BUILD_PRS = "only-build-prs"
    OPEN_PRS = "only-open-prs"
    LABELED_PRS = "only-labeled-prs"
    MERGED_PRS = "only-merged-prs"
    READY_PRS = "only-ready-for-review-prs"
    BRANCH_DELETE = "only-branch-delete"
    NON_DRAFT_PRS = "only-build-pushes-to-non-draft-prs"
    MERGED_OR_CLOSED_PRS = "only-merged-or-closed-prs"


_CODE = frozenset({PullAction.OPENED, PullAction.SYNCHRONIZE, PullAction.REOPENED})


def wants(preset: EventPreset, event: GitEvent, default_branch: str) -> bool:
    """Tell whether an event starts a pipeline under a preset.

    The two that build pull requests build tags and the default branch as well, as the project
    setting of that name does: those have no pull request to wait for.
    """
    match event:
        case Push():
            return preset is EventPreset.ALL_PUSHES or (
                event.branch == default_branch
                and preset
                in (EventPreset.DEFAULT_BRANCH, EventPreset.BUILD_PRS, EventPreset.NON_DRAFT_PRS)
            )
        case TagPush():
            return preset in (
                EventPreset.ALL_PUSHES,
                EventPreset.ONLY_TAGS,
                EventPreset.BUILD_PRS,
                EventPreset.NON_DRAFT_PRS,
            )
        case BranchDelete():
            return preset is EventPreset.BRANCH_DELETE
        case PullRequest():
            return _wants_pull(preset, event)
    return False


def _wants_pull(preset: EventPreset, event: PullRequest) -> bool:
    action = event.action
    match preset:
        case EventPreset.BUILD_PRS:
            return action in _CODE
        case EventPreset.NON_DRAFT_PRS:
            return not event.draft and (action in _CODE or action is PullAction.READY)
        case EventPreset.OPEN_PRS:
            return action is PullAction.OPENED
        case EventPreset.LABELED_PRS:
            return action is PullAction.LABELED and RUN_LABEL in event.added_labels
        case EventPreset.READY_PRS:
            return action is PullAction.READY
        case EventPreset.MERGED_PRS:
            return action is PullAction.CLOSED and event.merged
        case EventPreset.MERGED_OR_CLOSED_PRS:
            return action is PullAction.CLOSED
    return False
