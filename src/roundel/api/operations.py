"""An operation: one row of the API's table.  Routing, rights and the document come from it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import Any, Generic, TypeAlias, TypeVar

from roundel.api.auth import Callers
from roundel.api.documents import Document
from roundel.api.ports import ApiSettings, UseCases
from roundel.api.readers import ApiApp
from roundel.api.traffic import Traffic
from roundel.api.written import WrittenPages
from roundel.domain.access import Actor, Need
from roundel.domain.clock import Micros
from roundel.domain.errors import DomainError, NotFound, Unauthenticated
from roundel.domain.ids import OrganizationId
from roundel.domain.limits import LimitClass
from roundel.domain.records import dataclass
from roundel.services.following import PipelineNow, Readers

S = TypeVar("S")  # what the path names, already looked up
B = TypeVar("B")  # the request body

LOG_IN = "You must log in first."
V2 = "/api/v2"
V3 = "/api/v3"
V1 = "/api/v1.1"
OWN = "/api/roundel"


@dataclass(frozen=True, slots=True)
class Found(Generic[S]):
    """What the path leads to: whose it is, and the thing, or None where there is none."""

    organization: OrganizationId
    thing: S | None


@dataclass(frozen=True, slots=True)
class Door:
    """What every handler shares."""

    app: ApiApp
    use_cases: UseCases
    settings: ApiSettings
    callers: Callers
    traffic: Traffic
    document: Document
    pipelines: Readers[PipelineNow] = field(default_factory=Readers)  # that somebody follows
    pages: WrittenPages = field(default_factory=WrittenPages)


@dataclass(slots=True)
class Call(Generic[S, B]):
    """One request as its handler sees it: checked, parsed, the caller known."""

    door: Door
    caller: Actor | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    subject: S
    body: B
    origin: str  # scheme and host under which links are given out
    last_event_id: str = ""  # what somebody has who comes back to a stream
    status: int = 200  # of the answer; a handler with several sets it
    concerns: OrganizationId | None = None  # whose audit log tells of it
    made: str = ""  # the id of what came of it, for the same log

    def tell(self, organization: OrganizationId | None, made: str = "") -> None:
        """Say whose thing is changed, and which, where the path does not name it."""
        self.concerns, self.made = organization, made

    @property
    def app(self) -> ApiApp:
        return self.door.app

    @property
    def actor(self) -> Actor:
        """Return who is calling; only operations without a need are called by nobody."""
        if self.caller is None:
            raise Unauthenticated(LOG_IN)
        return self.caller


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A request as it came: `headers` have lower-case names, of repeated ones the last counts."""

    headers: Mapping[str, str]
    body: bytes


Finder: TypeAlias = Callable[[ApiApp, Mapping[str, str]], Awaitable[Found[S] | None]]
Handler: TypeAlias = Callable[[Call[S, B]], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query parameter of an operation, for the document."""

    name: str
    summary: str
    type: type = str


PAGE_TOKEN = Query(name="page-token", summary="Which page: the last answer's next_page_token.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Generic[S]):
    """How to look up what a path names.

    `outside` is the answer to those who may not know of the organisation, and the same where
    there is nothing at all; `missing` to those who may, when the thing is not there.
    """

    find: Finder[S]
    missing: str
    outside: str
    unseen: type[DomainError] = NotFound  # what those outside are refused with


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[S, B]):
    """One method on one path.  `need` has no default: what is not said cannot be registered.

    A need that concerns an organisation takes a `subject`, from which it is known whose thing
    the caller asks for.  `answer` is a struct or list type, or None for text and streams.
    """

    method: str
    path: str
    id: str
    summary: str
    tag: str
    need: Need
    handler: Handler[S, B]
    subject: Subject[S] | None = None
    prefix: str = V2
    status: int = 200
    body: type[B] | None = None
    raw: bool = False  # the handler takes headers and body as they came, to verify them itself
    largest_body: int | None = None  # bytes; None: as the settings say
    body_optional: bool = False  # a body that is absent or not JSON counts as an empty object
    answer: Any = None  # a msgspec type expression such as list[Collaboration]
    media_type: str | None = None  # of an answer that is not JSON
    query: tuple[Query, ...] = ()
    only_tries: bool = False  # changes nothing although it is no GET, such as compiling a text
    steady: bool = False  # the answer comes of path, query, caller and database alone, not the time
    # Of an answer that depends on the time as well: until when it stays what it was at a moment.
    steady_until: Callable[[Any, Micros], Micros | None] | None = None
    deprecated: bool = False
    extension: bool = False  # ours, marked x-roundel
    hidden: bool = False  # not part of the document, like the document itself
    limit: LimitClass | None = None  # which rate limit counts; None: by the method
    error_key: str = "message"  # under which refusals stand; some services of CircleCI say `error`

    @property
    def changes_something(self) -> bool:
        """Whether the audit log tells of it."""
        return self.method not in ("GET", "HEAD") and not self.only_tries

    def __post_init__(self) -> None:
        if not isinstance(self.need, Need):
            raise TypeError(f"{self.method} {self.path} does not say what it needs")
        if (self.need in _ORGANIZATION_NEEDS) != (self.subject is not None):
            raise TypeError(f"{self.method} {self.path}: {self.need} and its subject do not fit")


_ORGANIZATION_NEEDS = frozenset({Need.READ, Need.WRITE, Need.ADMINISTER})

AnyOperation: TypeAlias = Operation[Any, Any]
