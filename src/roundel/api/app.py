"""The API as one ASGI application: the table of operations behind two thin layers."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from roundel.api.answers import send_answer
from roundel.api.auth import Callers
from roundel.api.binding import Bodies, header, read_body, refuse_edn
from roundel.api.documents import Document
from roundel.api.errors import Refusal
from roundel.api.layers import Answering, WhoCalls
from roundel.api.limits import Limits
from roundel.api.openapi import write_document
from roundel.api.operations import LOG_IN, AnyOperation, Call, Door, Found, Operation, RawMessage
from roundel.api.ports import ApiSettings, UseCases
from roundel.api.readers import ApiApp
from roundel.api.repeats import answer_once, key_of
from roundel.api.routing import SLUG, SLUG_IN_PARTS, Router, names_in, segments_of
from roundel.api.runner.door import RunnerDoor
from roundel.api.runner.guests import Guests
from roundel.api.runner.shell_door import SHELL_PATH, RunnerShellDoor
from roundel.api.table import operations
from roundel.api.traffic import Traffic
from roundel.api.written import SteadyAnswers, Written, write
from roundel.domain.access import Actor, Need
from roundel.domain.audit import Deed
from roundel.domain.clock import FOREVER
from roundel.domain.errors import NotAllowed, NotFound, Unauthenticated
from roundel.domain.ids import OrganizationId
from roundel.wire.messages import PREFIX

DENIED = "Permission denied."
MOST_PATHS = 4096  # whose operation is remembered
LONGEST_PATH = 256  # of those, in bytes


def create_api(
    app: ApiApp, use_cases: UseCases, settings: ApiSettings, callers: Callers | None = None
) -> ASGIApp:
    """Return the API: everything below /api, and /healthz, /readyz and /metrics.

    Whoever else changes rights hands in the `callers` that it lets forget.
    """
    callers = callers or Callers(app.reads, app.clock)
    traffic = Traffic()
    table = operations()
    document = Document(lambda: write_document(table, settings.public_url))
    dispatch = Dispatch(Door(app, use_cases, settings, callers, traffic, document), table)
    layered = Answering(WhoCalls(dispatch, callers), traffic.observe)
    guests = Guests(app.reads, app.clock, use_cases.greet_runner)
    for_runners = Answering(RunnerDoor(app.runners, guests), traffic.observe)
    runners_shells = RunnerShellDoor(app.runners, guests)

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/"):
            await for_runners(scope, receive, send)
        elif scope["type"] == "http":
            await layered(scope, receive, send)
        elif scope["path"] == SHELL_PATH:
            await runners_shells(scope, receive, send)
        else:  # no other websockets here; closing before accepting answers 403
            await send({"type": "websocket.close"})

    return api


class Bound:
    """An operation made ready: its parameters' names, its decoder, its place in metrics."""

    def __init__(self, operation: AnyOperation) -> None:
        self.operation = operation
        # Written out in three parts, as some published paths are, a slug is still one thing.
        self.template = (operation.prefix + operation.path).replace(SLUG_IN_PARTS, SLUG)
        self.names = names_in(self.template)
        self.bodies = Bodies(operation)


class Dispatch:
    """Finds the operation, checks the caller's right, runs the handler, renders its answer."""

    def __init__(self, door: Door, table: Sequence[Operation[Any, Any]]) -> None:
        self._door = door
        self._limits = Limits(door.settings.limits, door.app.clock)
        self._router: Router[Bound] = Router()
        self._steady = SteadyAnswers()
        self._paths: dict[bytes, tuple[dict[str, Bound], tuple[str, ...]]] = {}
        for operation in table:
            bound = Bound(operation)
            self._router.add(operation.method, bound.template, bound)

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        query: Mapping[str, str],
        caller: Actor | None,
    ) -> None:
        bound, path = self._route(scope)
        operation = bound.operation
        scope["roundel.route"] = bound.template
        scope["roundel.error_key"] = operation.error_key
        self._limits.take(scope, operation)
        refuse_edn(scope)
        now, steady = self._door.app.clock.now(), operation.steady or operation.steady_until
        state = self._door.app.reads.state() if steady else None
        origin = self._door.settings.public_url or _origin(scope)
        asked = scope.get("raw_path") or scope["path"].encode(), scope["query_string"], origin
        known = None if state is None else self._steady.find(state, asked, caller, now)
        if known is not None:
            await send_answer(scope, send, operation.status, known)
            return
        organization, subject = await self._admit(operation, path, caller)
        body = b""
        if operation.body is not None or operation.raw:
            most = operation.largest_body or self._door.settings.max_body_bytes
            body = await read_body(scope, receive, most)
        call: Call[Any, Any] = Call(
            door=self._door,
            caller=caller,
            path=path,
            query=query,
            subject=subject,
            body=_raw(scope, body) if operation.raw else bound.bodies.decode(scope, body),
            origin=origin,
            last_event_id=header(scope, b"last-event-id"),
            status=operation.status,
            concerns=organization,
        )
        key = key_of(scope, caller)
        if key is not None and operation.answer is not None:

            async def act() -> tuple[int, bytes]:
                written = _written(await operation.handler(call))
                await self._record(operation, scope, call, call.status)
                return call.status, written.body

            cases = self._door.use_cases.repeats
            status, again = await answer_once(key, scope, body, act, cases)
            await send_answer(scope, send, status, Written[object](again))
            return
        answer = await operation.handler(call)
        status = answer.status_code if isinstance(answer, Response) else call.status
        await self._record(operation, scope, call, status)
        if isinstance(answer, Response):
            await _send_response(answer, scope, receive, send)
            return
        written = _written(answer)
        if state is not None and caller is not None and b"circle-token" not in asked[1]:
            # Of the time before the answer was made: at a turn of the clock it is kept too briefly.
            until = operation.steady_until(answer, now) if operation.steady_until else FOREVER
            if until is not None:
                self._steady.keep(state, asked, caller, until, written)
        await send_answer(scope, send, call.status, written)

    async def _record(
        self,
        operation: AnyOperation,
        scope: Scope,
        call: Call[Any, Any],
        status: int,
    ) -> None:
        """Write down what a call has changed; refused ones never come here."""
        if not operation.changes_something or status >= 400:
            return
        caller = call.caller
        await self._door.use_cases.audit.record(
            Deed(
                operation=operation.id,
                target=f"{scope['path']}/{call.made}" if call.made else scope["path"],
                status=status,
                actor_id="" if caller is None else caller.id,
                actor_login="" if caller is None else caller.login,
                organization_id=call.concerns,
            )
        )

    def _route(self, scope: Scope) -> tuple[Bound, dict[str, str]]:
        ends, values = self._find(scope.get("raw_path") or scope["path"].encode())
        method = scope["method"]
        bound = ends.get("GET" if method == "HEAD" else method)
        if bound is None:
            allowed = ", ".join(sorted({*ends, *({"HEAD"} if "GET" in ends else ())}))
            message = f"{method} is not possible here; use {allowed}"
            raise Refusal(405, message, {"allow": allowed})
        return bound, dict(zip(bound.names, values, strict=True))

    def _find(self, path: bytes) -> tuple[dict[str, Bound], tuple[str, ...]]:
        """Return what ends at a path; clients ask for few, again and again."""
        found = self._paths.get(path)
        if found is not None:
            return found
        found = self._router.find(segments_of(path))
        if found is None:
            raise Refusal(404, "Not found: there is no such endpoint")
        if len(path) <= LONGEST_PATH:
            if len(self._paths) >= MOST_PATHS:
                self._paths.clear()
            self._paths[path] = found
        return found

    async def _admit(
        self, operation: AnyOperation, path: Mapping[str, str], caller: Actor | None
    ) -> tuple[OrganizationId | None, object]:
        """Return whose it is and what the path names, or refuse.

        Nothing is found for those who may not read.
        """
        if operation.need is Need.NOTHING:
            return None, None
        if caller is None:
            raise Unauthenticated(LOG_IN)
        if operation.subject is None:
            return None, None
        found: Found[object] | None = await operation.subject.find(self._door.app, path)
        if found is None or not caller.may(Need.READ, found.organization):
            raise operation.subject.unseen(operation.subject.outside)
        if found.thing is None:
            raise NotFound(operation.subject.missing)
        if not caller.may(operation.need, found.organization):
            raise NotAllowed(DENIED)
        return found.organization, found.thing


def _written(answer: object) -> Written[Any]:
    return answer if isinstance(answer, Written) else write(answer)


def _raw(scope: Scope, body: bytes) -> RawMessage:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return RawMessage(headers, body)


async def _send_response(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] != "HEAD":
        await response(scope, receive, send)
        return
    headers = {"type": "http.response.start", "status": response.status_code}
    await send({**headers, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": b""})


def _origin(scope: Scope) -> str:
    """Return the address that the caller used; links lead back to where he came from."""
    host = header(scope, b"host") or "127.0.0.1"
    return f"{scope.get('scheme', 'http')}://{host}"


async def _lifespan(receive: Receive, send: Send) -> None:
    """Start and stop are the composition root's affair; say yes to the server that asks."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
