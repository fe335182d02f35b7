"""What hosts show beside a commit: one line for each workflow and each job."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import ProjectId
from roundel.domain.jobs import JobStatus
from roundel.domain.records import dataclass


class StatusState(StrEnum):
    """How a workflow or job stands, in the words that hosts share."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """One line beside a commit at its host: `context` is its name there."""

    repository: str  # full name at the host
    revision: str
    context: str
    state: StatusState
    description: str
    url: str
    ref: str = ""  # branch or tag, which some hosts want
    whole: bool = False  # of a workflow, not of a job in one


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingStatus:
    """A status that its host is to hear of.  What comes later of its context takes its place."""

    project_id: ProjectId
    connection_id: str
    status: CommitStatus  # its `url` is a path below the server's address
    attempts: int = 0
    changed_at: Micros


JOB_CONTEXT = "ci/circleci: {}"  # what rules for branches ask for already
_S = StatusState
OF_JOB: dict[JobStatus, tuple[StatusState, str]] = {
    JobStatus.BLOCKED: (_S.PENDING, "Waiting for other jobs"),
    JobStatus.QUEUED: (_S.PENDING, "Queued"),
    JobStatus.NOT_RUNNING: (_S.PENDING, "Starting"),
    JobStatus.RUNNING: (_S.PENDING, "Running"),
    JobStatus.ON_HOLD: (_S.PENDING, "Waiting for an approval"),
    JobStatus.SUCCESS: (_S.SUCCESS, "Passed"),
    JobStatus.FAILED: (_S.FAILURE, "Failed"),
    JobStatus.TIMEDOUT: (_S.FAILURE, "Took too long"),
    JobStatus.UNAUTHORIZED: (_S.FAILURE, "May not use a context"),
    JobStatus.CANCELED: (_S.CANCELED, "Canceled"),
    JobStatus.NOT_RUN: (_S.CANCELED, "Not run"),
}
OF_WORKFLOW: dict[WorkflowStatus, tuple[StatusState, str]] = {
    WorkflowStatus.SUCCESS: (_S.SUCCESS, "Workflow passed"),
    WorkflowStatus.FAILED: (_S.FAILURE, "Workflow failed"),
    WorkflowStatus.ERROR: (_S.ERROR, "Workflow could not run"),
    WorkflowStatus.CANCELED: (_S.CANCELED, "Workflow canceled"),
    WorkflowStatus.UNAUTHORIZED: (_S.FAILURE, "Workflow may not use a context"),
    WorkflowStatus.NOT_RUN: (_S.SUCCESS, "Nothing to run"),
    WorkflowStatus.ON_HOLD: (_S.PENDING, "Waiting for an approval"),
}


def of_job(status: JobStatus) -> tuple[StatusState, str]:
    """Return state and words for a job; what has none of its own is trouble of ours."""
    return OF_JOB.get(status, (StatusState.ERROR, "Could not run"))


def of_workflow(status: WorkflowStatus) -> tuple[StatusState, str]:
    """Return state and words for a workflow."""
    return OF_WORKFLOW.get(status, (StatusState.PENDING, "Workflow is running"))


class GitStatuses(Protocol):
    """Where statuses wait until their host has heard of them."""

    def listener(self, project_id: ProjectId) -> tuple[str, str] | None:
        """Return the connection that shows a project's statuses, and its repository there."""

    def any_listener(self) -> bool:
        """Tell whether any project's statuses are shown anywhere."""

    def put(self, waiting: WaitingStatus) -> None: ...

    def waiting(self, project_id: ProjectId, limit: int) -> Sequence[WaitingStatus]:
        """Return the oldest ones of a project."""

    def done(self, sent: WaitingStatus) -> None:
        """Forget one that was heard, unless it has changed since."""

    def failed(self, sent: WaitingStatus) -> None:
        """Count an attempt that failed."""
