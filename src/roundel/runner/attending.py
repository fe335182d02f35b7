"""Somebody who attends to jobs where they run: looks in before a step, and after the end."""

from typing import Protocol

from roundel.backends.protocol import Sandbox
from roundel.domain.plan import StepPlan
from roundel.domain.runners import JobOrder, Result


class Attendant(Protocol):
    """Called by the runner, which waits for each answer."""

    async def opened(self, order: JobOrder, sandbox: Sandbox) -> None:
        """The sandbox is there, and no step has run yet."""

    async def before(
        self, order: JobOrder, step: StepPlan, environment: dict[str, str], sandbox: Sandbox
    ) -> None:
        """A step is about to start, with these variables beside the job's."""

    async def failed(self, order: JobOrder, step: StepPlan, sandbox: Sandbox) -> None:
        """The first step that fails has failed; others may follow, as their `when` says."""

    async def ending(self, order: JobOrder, result: Result, sandbox: Sandbox) -> None:
        """All steps are over; the job's end is told when this returns."""

    async def ended(self, order: JobOrder, result: Result, sandbox: Sandbox) -> None:
        """The job's end was told; the sandbox is removed when this returns."""
