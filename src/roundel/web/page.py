"""A page: one row of the table of pages.  Routing, rights and forms follow from the row."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from starlette.responses import Response

from roundel.domain.access import Actor, Need
from roundel.domain.errors import Unauthenticated
from roundel.domain.ids import OrganizationId
from roundel.domain.records import dataclass
from roundel.domain.sessions import Session
from roundel.web.addresses import plain
from roundel.web.attempts import Attempts
from roundel.web.forms import Form, Refusal
from roundel.web.lines import LineIndexes
from roundel.web.ports import WebApp, WebSettings, WebUseCases
from roundel.web.rendering import Renderer
from roundel.web.stream import Streams

S = TypeVar("S")  # what the path names, already looked up

SIGN_IN = "Sign in to see this page."
FOREIGN_FORM = "This form is too old, or not one of this server's. Go back, reload, try again."
NOTHING_HERE = "There is nothing at this address, or you may not see it."


@dataclass(frozen=True, slots=True)
class Found(Generic[S]):
    """What a path leads to: whose it is, and the thing, or None where there is none."""

    organization: OrganizationId
    thing: S | None


Path: TypeAlias = Mapping[str, Any]
Finder: TypeAlias = Callable[[WebApp, Path], Awaitable[Found[S] | None]]


@dataclass(frozen=True, slots=True)
class Hall:
    """What every page shares."""

    app: WebApp
    use_cases: WebUseCases
    settings: WebSettings
    renderer: Renderer
    streams: Streams
    attempts: Attempts
    line_indexes: LineIndexes
    document: Callable[[], Mapping[str, Any]]  # the API's, in the words of OpenAPI


@dataclass(slots=True)
class Visit(Generic[S]):
    """One request as its page sees it: checked, parsed, the visitor known."""

    hall: Hall
    method: str
    target: str  # path and query, for the way back
    origin: str
    visitor: Actor | None
    session: Session | None
    form_token: str
    cookies: Mapping[str, str]
    path: Path
    query: Mapping[str, str]
    form: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    subject: S
    refusal: Refusal | None = None  # why the form that came was not carried out

    @property
    def app(self) -> WebApp:
        return self.hall.app

    @property
    def actor(self) -> Actor:
        """Return who is visiting; only pages without a need are visited by nobody."""
        if self.visitor is None:
            raise Unauthenticated(SIGN_IN)
        return self.visitor

    def field(self, name: str) -> str:
        """Return a form's field, empty if it is not there; of several the last."""
        values = self.form.get(name, ())
        return values[-1] if values else ""

    def form_at(self, path: str, **told: str) -> Form:
        """Return the form that is sent to a path: as it came if it was refused, else anew.

        `told` are hidden fields that tell it from the page's other forms with this path.
        """
        if self.refusal is None or plain(self.target) != plain(path):
            return Form()
        if any(self.field(name) != value for name, value in told.items()):
            return Form()
        return Form(sent=self.form, problem=self.refusal.problem, wrong=self.refusal.field)

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Render a template with what every page shows of its visitor."""
        return self.hall.renderer.page(self, template, status=status, values=values)


PageHandler: TypeAlias = Callable[[Visit[S]], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[S]):
    """One method on one path.  `need` has no default: a page that does not say it cannot be.

    A need that concerns an organization takes a `subject`, from which it is known whose thing is
    asked for.  POST is always a form with a token of its session.  `deed` is the API's operation
    that does the same, by whose id the audit log tells of it; without one it is told by its path.
    """

    method: str
    path: str
    need: Need
    handler: PageHandler[S]
    subject: Finder[S] | None = None
    deed: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.need, Need):
            raise TypeError(f"{self.method} {self.path} does not say what it needs")
        if (self.need in _ORGANIZATION_NEEDS) != (self.subject is not None):
            raise TypeError(f"{self.method} {self.path}: {self.need} and its subject do not fit")


_ORGANIZATION_NEEDS = frozenset({Need.READ, Need.WRITE, Need.ADMINISTER})

AnyPage: TypeAlias = Page[Any]
