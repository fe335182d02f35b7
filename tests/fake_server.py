"""A server for runners, made by hand: queues of orders, and a record of what it was told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from roundel.domain.deploys import Release
from roundel.domain.errors import LeaseLost
from roundel.domain.ids import ExecutionId, JobId, RunnerId, new_id
from roundel.domain.plan import ExecutorKind, ExecutorPlan, ImagePlan, Json, StepPlan, When
from roundel.domain.resource_use import Sample
from roundel.domain.runners import (
    CheckoutOrder,
    CheckoutPassword,
    Chunk,
    JobOrder,
    Lease,
    NextContainer,
    Offer,
    Orders,
    Result,
    Resumed,
    Secret,
    Shipment,
    StepProgress,
    StepReport,
    StepStatus,
)
from roundel.domain.shells import ShellLine
from tests.fake_storage import FakeStorage


def a_step(command: str, *, when: When = When.ON_SUCCESS, name: str = "", **args: Json) -> StepPlan:
    """Return a `run` step."""
    return StepPlan(kind="run", name=name or command, when=when, args={"command": command, **args})


def in_shell(shell: str, command: str) -> StepPlan:
    """Return a `run` step with a shell of its own, that runs whatever happened before."""
    return StepPlan(
        kind="run", name=command, when=When.ALWAYS, args={"command": command, "shell": shell}
    )


def an_order(
    *steps: StepPlan | str,
    image: str = "cimg/base:stable",
    images: Sequence[ImagePlan] = (),
    environment: dict[str, str] | None = None,
    masks: Sequence[str] = (),
    shell: str | None = None,
    working_directory: str | None = None,
    checkout: CheckoutOrder | None = None,
    resource_class: str | None = None,
    time_limit_seconds: float = 3600.0,
    upcoming: Sequence[NextContainer] = (),
) -> JobOrder:
    """Return an order for a docker job."""
    return JobOrder(
        lease=Lease(execution_id=ExecutionId(new_id()), runner_id=RunnerId("runner"), fence=1),
        job_id=JobId(new_id()),
        job_name="build",
        job_number=1,
        project_slug="gh/acme/app",
        node=0,
        nodes=1,
        attempt=1,
        executor=ExecutorPlan(
            kind=ExecutorKind.DOCKER,
            images=tuple(images) or (ImagePlan(image=image, environment={}),),
        ),
        steps=tuple(a_step(step) if isinstance(step, str) else step for step in steps),
        environment=environment or {},
        masks=tuple(Secret(mask) for mask in masks),
        shell=shell,
        working_directory=working_directory,
        checkout=checkout,
        resource_class=resource_class,
        time_limit_seconds=time_limit_seconds,
        next=tuple(upcoming),
    )


@dataclass
class Told:
    """What the server knows of one execution."""

    order: JobOrder
    reports: dict[int, StepReport] = field(default_factory=dict)
    chunks: dict[int, list[Chunk]] = field(default_factory=dict)
    result: Result | None = None
    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    lines: list[ShellLine] = field(default_factory=list)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wants_shell(self, line: ShellLine) -> None:
        """Let somebody wait for a shell."""
        self.lines.append(line)
        self.wanted.set()

    def output(self, index: int) -> str:
        """Return a step's output."""
        return b"".join(c.data for c in self.chunks.get(index, [])).decode(errors="replace")

    def log(self) -> str:
        """Return all output, in the order of the steps."""
        return "".join(self.output(index) for index in sorted(self.chunks))

    def steps(self) -> list[tuple[str, str]]:
        """Return name and status of the steps of the plan, in the order of their starts."""
        return [
            (report.name, report.status.value)
            for index, report in sorted(self.reports.items())
            if index > 1
        ]

    async def until_log_has(self, text: str) -> None:
        """Return once the output contains `text`."""
        while text not in self.log():
            self.changed.clear()
            await self.changed.wait()


class FakeServer(FakeStorage):
    """The `KeepingServer` protocol in memory, strict: it refuses what a real one would."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[ExecutionId, Told] = {}
        self.calls: list[str] = []
        self.away: set[str] = set()  # calls that find no server
        self.lost: set[ExecutionId] = set()
        self.passwords: list[CheckoutPassword] = []  # answers in their order
        self.settled: frozenset[ExecutionId] | None = None
        self.most_at_once = 0
        self.wanted_ahead = 0
        self._open = 0
        self._called = asyncio.Event()
        self._queue: asyncio.Queue[JobOrder] = asyncio.Queue()

    def submit(self, order: JobOrder) -> Told:
        """Queue an order."""
        told = self.jobs[order.lease.execution_id] = Told(order)
        self._queue.put_nowait(order)
        return told

    async def claim(self, offer: Offer) -> JobOrder | None:
        self._call("claim")
        self.wanted_ahead = offer.ahead
        try:
            async with asyncio.timeout(offer.wait_seconds):
                order = await self._queue.get()
        except TimeoutError:
            return None
        lease = replace(order.lease, runner_id=offer.runner_id)
        order = replace(order, lease=lease)
        self.jobs[lease.execution_id].order = order
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        return order

    async def settle(self, runner_id: RunnerId, holds: Collection[ExecutionId]) -> None:
        del runner_id
        self._call("settle")
        self.settled = frozenset(holds)

    async def resume(self, lease: Lease) -> Resumed | None:
        self._call("resume")
        told = self.jobs.get(lease.execution_id)
        if told is None or told.result is not None or lease.execution_id in self.lost:
            return None
        steps = tuple(
            StepProgress(
                report=report,
                next_chunk=len(told.chunks.get(index, [])),
                source_end=max((c.source_end for c in told.chunks.get(index, [])), default=0),
            )
            for index, report in sorted(told.reports.items())
        )
        return Resumed(order=told.order, steps=steps)

    async def renew(self, lease: Lease, samples: Sequence[Sample] = ()) -> Orders:
        self._call("renew")
        self._held(lease)
        return self._orders(self._held(lease))

    async def report(self, lease: Lease, steps: Sequence[StepReport]) -> Orders:
        self._call("report")
        return self._reported(lease, steps)

    async def chunk(self, lease: Lease, chunks: Sequence[Chunk]) -> Orders:
        self._call("chunk")
        return await self.take_output(lease, chunks)

    async def ship(self, lease: Lease, shipment: Shipment) -> Orders:
        self._call("ship")
        self._reported(lease, shipment.begun)
        if shipment.chunks:
            await self.take_output(lease, shipment.chunks)
        return self._reported(lease, shipment.ended)

    def _reported(self, lease: Lease, steps: Sequence[StepReport]) -> Orders:
        told = self._held(lease)
        for step in steps:
            before = told.reports.get(step.index)
            if before is None:
                assert step.status is StepStatus.RUNNING, "a step ended that had not begun"
                assert step.index == len(told.reports), "steps are counted without gaps"
            elif before.status is not StepStatus.RUNNING:
                assert step == before, "a step that had ended was changed"
            told.reports[step.index] = step
        told.changed.set()
        return self._orders(told)

    async def take_output(self, lease: Lease, chunks: Sequence[Chunk]) -> Orders:
        told = self._held(lease)
        for chunk in chunks:
            assert told.reports[chunk.step].status is StepStatus.RUNNING, "output after the end"
            kept = told.chunks.setdefault(chunk.step, [])
            assert chunk.number <= len(kept), "a chunk was left out"
            assert len(chunk.data) <= 64 * 1024 + 4096, "a chunk is too large"
            if chunk.number == len(kept):
                kept.append(chunk)
        told.changed.set()
        return self._orders(told)

    async def canceled(self, lease: Lease) -> None:
        self._call("canceled")
        await self._held(lease).cancel.wait()

    async def called(self, lease: Lease) -> Orders:
        self._call("called")
        told = self._held(lease)
        ways = [asyncio.create_task(it.wait()) for it in (told.cancel, told.wanted)]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
        told.wanted.clear()
        return Orders(cancel=told.cancel.is_set(), shell_wanted=not told.cancel.is_set())

    @contextlib.asynccontextmanager
    async def shell(self, lease: Lease) -> AsyncIterator[ShellLine | None]:
        self._call("shell")
        lines = self._held(lease).lines
        yield lines.pop(0) if lines else None

    async def end(self, lease: Lease, shipment: Shipment, result: Result) -> None:
        self._call("end")
        self._reported(lease, shipment.begun)
        if shipment.chunks:
            await self.take_output(lease, shipment.chunks)
        self._reported(lease, shipment.ended)
        self._finished(lease, result)

    async def finish(self, lease: Lease, result: Result) -> None:
        self._call("finish")
        self._finished(lease, result)

    def _finished(self, lease: Lease, result: Result) -> None:
        told = self._held(lease)
        open_steps = [r.name for r in told.reports.values() if r.status is StepStatus.RUNNING]
        assert not open_steps, f"the job ended before its steps {open_steps}"
        told.result = result
        self._open -= 1
        told.ended.set()

    async def identity_token(
        self, lease: Lease, claims: Mapping[str, object], root_issuer: bool
    ) -> Secret:
        self._call("identity_token")
        self._held(lease)
        return Secret(f"token.{lease.execution_id}.{sorted(claims)}")

    async def checkout_password(self, lease: Lease) -> CheckoutPassword:
        self._call("checkout_password")
        self._held(lease)
        return self.passwords.pop(0) if self.passwords else CheckoutPassword()

    async def log_release(self, lease: Lease, release: Release) -> None:
        self._call("log_release")
        self._held(lease)
        release.check()

    async def until_called(self, name: str, times: int = 1) -> None:
        """Return once a call was made so many times."""
        while self.calls.count(name) < times:
            self._called.clear()
            await self._called.wait()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self._called.set()
        if name in self.away:
            raise ConnectionError("the server is away")

    def _held(self, lease: Lease) -> Told:
        told = self.jobs.get(lease.execution_id)
        if told is None or lease.execution_id in self.lost or told.result is not None:
            raise LeaseLost("this execution is not yours")
        return told

    @staticmethod
    def _orders(told: Told) -> Orders:
        return Orders(cancel=told.cancel.is_set())
