"""History: pipelines that are over, with all that belongs to them."""

from collections.abc import Sequence
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import PipelineId, ProjectId
from roundel.domain.storage import BlobId


class History(Protocol):
    """What has been, as far as it may be forgotten."""

    def outdated(self, project_id: ProjectId, before: Micros, limit: int) -> Sequence[PipelineId]:
        """Return pipelines of before then that nothing is in use of, oldest first.

        In use are one with a workflow that has not ended, and one that saved a cache which is
        still there.
        """

    def objects(self, pipeline_id: PipelineId) -> Sequence[str]:
        """Return the objects that hold output of a pipeline's jobs."""

    def uploads(self, pipeline_id: PipelineId) -> Sequence[BlobId]:
        """Return the blobs that a pipeline's jobs have uploaded."""

    def forget(self, pipeline_id: PipelineId) -> None:
        """Remove a pipeline and everything that belongs to it; its number is not given again."""
