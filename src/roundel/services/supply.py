"""Who asks for work: hints for people who wonder why a job waits.  No decision rests on them."""

from collections.abc import Iterable, Mapping

from roundel.domain.clock import MINUTE, Clock, Micros
from roundel.domain.jobs import MACHINE_LANE, Job, JobStatus, lane_of

RECENTLY = 10 * MINUTE  # a runner whose slots are all taken does not ask meanwhile


class Supply:
    """What one server has heard of runners: nothing at its start, all within seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: dict[str, Micros] = {}
        self._troubles: Mapping[str, str] = {}

    def asked(self, queues: Iterable[str]) -> None:
        """Note that somebody asks for jobs of these queues."""
        at = self._clock.now()
        self._asked.update(dict.fromkeys(queues, at))

    def troubled(self, troubles: Mapping[str, str]) -> None:
        """Note why the runner beside this server does not serve some queues; replaces the last."""
        self._troubles = dict(troubles)

    def trouble_with(self, queue: str) -> str | None:
        """Return why the runner beside this server does not serve a queue, as far as it says so."""
        return self._troubles.get(queue)

    def why_waiting(self, job: Job) -> str | None:
        """Return a sentence for a queued job that nobody asks for, None for any other job."""
        if job.status is not JobStatus.QUEUED:
            return None
        queue = lane_of(job.resource_class, job.executor)
        asked = self._asked.get(queue)
        if asked is not None and asked + RECENTLY > self._clock.now():
            return None
        if trouble := self.trouble_with(queue):
            return f"This job waits: {trouble}"
        if queue in ("", MACHINE_LANE):
            return "This job waits for a runner: none has asked for such jobs."
        return f"This job waits for a runner of the class {queue}: none has asked for work."
