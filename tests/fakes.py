"""Hand-made fakes of our ports: a clock to turn, a repository to fill, a compiler, a runner."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import RunnerId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Commit, ErrorType, PipelineError, Ref
from roundel.domain.plan import Plan
from roundel.domain.repositories import Access, Fetched, Trouble, TroubleKind
from roundel.domain.runners import (
    Chunk,
    JobOrder,
    Offer,
    Result,
    Server,
    StepReport,
    StepStatus,
)
from roundel.services.compiling import CompileOutcome, CompileRequest
from roundel.services.plans import encode_plan

REVISION = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class FakeClock:
    """Time moves a microsecond with each look, and otherwise only when told."""

    def __init__(self, at: int = 1_800_000_000_000_000) -> None:
        self._now = at
        self._turned = 0

    def now(self) -> Micros:
        self._now += 1
        return Micros(self._now)

    def steady(self) -> Micros:
        return Micros(self._now - self._turned)

    def forward(self, micros: int) -> None:
        self._now += micros

    def turn(self, micros: int) -> None:
        """Turn the clock, ahead or back, in no time at all."""
        self._now += micros
        self._turned += micros


class FakeRepositories:
    """One repository for every address.  `branches` names what is there; `trouble` breaks it."""

    def __init__(self, config: str = "version: 2.1") -> None:
        self.config = config
        self.branches = {"main"}
        self.tags: set[str] = set()
        self.trouble: Trouble | None = None
        self.local = True
        self.files: dict[str, bytes] = {}
        self.found_heads: dict[str, str] = {}
        self.subject = "Change it"
        self.body = ""
        self.asked: list[tuple[str, Ref, str | None]] = []
        self.opened: list[Access | None] = []
        self.reached: list[tuple[str, Access | None]] = []

    def check(self, url: str) -> None:
        if url.startswith("ftp:"):
            raise Invalid(f"{url!r} is not an address that Roundel clones from")

    def is_local(self, url: str) -> bool:
        return self.local

    async def resolve(self, url: str, ref: Ref, access: Access | None = None) -> str | Trouble:
        self.opened.append(access)
        self.reached.append((url, access))
        return self._missing(ref) or REVISION

    async def fetch(
        self,
        url: str,
        ref: Ref,
        revision: str | None = None,
        file: str | None = None,
        access: Access | None = None,
    ) -> Fetched | Trouble:
        self.asked.append((url, ref, file))
        self.opened.append(access)
        self.reached.append((url, access))
        if self.trouble is not None:
            return self.trouble
        missing = self._missing(ref)
        if missing is not None and revision is None:
            return missing
        commit = Commit(revision=revision or REVISION, subject=self.subject, body=self.body)
        return Fetched(commit=commit, text=self.config, file=file or ".circleci/config.yml")

    async def heads(self, url: str, access: Access | None = None) -> Mapping[str, str] | Trouble:
        self.opened.append(access)
        return self.trouble if self.trouble is not None else dict(self.found_heads)

    async def read_file(
        self, url: str, revision: str, path: str, access: Access | None = None
    ) -> bytes | Trouble | None:
        return self.files.get(path) if revision == REVISION else None

    def _missing(self, ref: Ref) -> Trouble | None:
        if ref.tag is not None and ref.tag not in self.tags:
            return Trouble(kind=TroubleKind.REF_NOT_FOUND, message="Tag not found")
        if ref.branch is not None and ref.branch not in self.branches:
            return Trouble(kind=TroubleKind.REF_NOT_FOUND, message="Branch not found")
        return None


class FakeCompiler:
    """Makes of every text the plan that it was given, or the errors."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.errors: tuple[str, ...] = ()
        self.asked: list[CompileRequest] = []
        self.before: Callable[[], None] = lambda: None

    async def compile(self, request: CompileRequest) -> CompileOutcome:
        self.before()
        self.asked.append(request)
        if self.errors:
            errors = tuple(PipelineError(type=ErrorType.CONFIG, message=e) for e in self.errors)
            return CompileOutcome(errors=errors)
        return CompileOutcome(output="compiled: true\n", plan=encode_plan(self.plan))

    async def close(self) -> None:
        return


@dataclass
class ScriptedRunner:
    """A runner that does as it is told: each job prints a line and ends as `endings` says."""

    server: Server
    id: RunnerId = field(default_factory=lambda: RunnerId("runner-1"))
    endings: dict[str, ExecutionStatus] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    executors: tuple[str, ...] = ("docker", "machine")
    done: list[str] = field(default_factory=list)

    async def claim(self, wait_seconds: float = 0.0) -> JobOrder | None:
        """Ask for one job."""
        offer = Offer(
            runner_id=self.id,
            resource_classes=self.classes,
            executors=self.executors,
            wait_seconds=wait_seconds,
        )
        return await self.server.claim(offer)

    async def run_one(self, wait_seconds: float = 0.0) -> JobOrder | None:
        """Claim one job and carry it out."""
        order = await self.claim(wait_seconds)
        if order is not None:
            await self.carry_out(order)
        return order

    async def run_all(self) -> list[str]:
        """Carry out jobs until there are none; return their names."""
        while await self.run_one() is not None:
            pass
        return self.done

    async def carry_out(self, order: JobOrder) -> None:
        """Report one step, ship its output and end the execution."""
        ending = self.endings.get(order.job_name, ExecutionStatus.SUCCESS)
        began = a_report(status=StepStatus.RUNNING)
        await self.server.report(order.lease, [began])
        await self.server.chunk(order.lease, [a_chunk(f"this is {order.job_name}\n".encode())])
        failed = ending is not ExecutionStatus.SUCCESS
        over = a_report(
            status=StepStatus.FAILED if failed else StepStatus.SUCCESS,
            exit_code=int(failed),
            ended_at=Micros(began.started_at + 1),
        )
        await self.server.report(order.lease, [over])
        await self.server.finish(order.lease, Result(status=ending))
        self.done.append(order.job_name)


def a_report(
    *,
    index: int = 0,
    kind: str = "run",
    status: StepStatus = StepStatus.RUNNING,
    exit_code: int | None = None,
    ended_at: Micros | None = None,
) -> StepReport:
    """Return a step's report."""
    return StepReport(
        index=index,
        name="echo hi",
        kind=kind,
        status=status,
        command="echo hi",
        exit_code=exit_code,
        started_at=Micros(1_800_000_000_000_000),
        ended_at=ended_at,
    )


def a_chunk(data: bytes, *, step: int = 0, number: int = 0, source_end: int = 0) -> Chunk:
    """Return a piece of output."""
    return Chunk(
        step=step,
        number=number,
        data=data,
        source_end=source_end or len(data),
        at=Micros(1_800_000_000_000_000),
    )
