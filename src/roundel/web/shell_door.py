"""The terminal of a job's page: a WebSocket from a browser to a shell in a job that runs.

Before it is accepted the browser has shown its session, and that one of our pages has opened it;
its first frame carries that page's form token.  Whether the visitor may have a shell is judged by
the use case, at the beginning and as long as it lasts.
"""

import asyncio
import contextlib
from typing import Any

import msgspec
from starlette.routing import compile_path
from starlette.types import Message, Receive, Scope, Send

from roundel.domain.access import Need
from roundel.domain.audit import LONGEST_TARGET, Deed
from roundel.domain.errors import DomainError, IllegalMove, Invalid, NotAllowed
from roundel.domain.ids import OrganizationId
from roundel.domain.records import dataclass
from roundel.domain.sessions import Visitor
from roundel.domain.shells import WindowSize
from roundel.services.shell_desk import Meeting
from roundel.services.shells import OpenShell
from roundel.vault.tokens import digest_of
from roundel.web import subjects, tokens
from roundel.web.origins import is_foreign
from roundel.web.page import FOREIGN_FORM, Hall
from roundel.web.pages.jobs import JOB_PATH
from roundel.wire.shell_frames import end_frame, pieces, read_frame
from roundel.wire.statuses import status_of
from roundel.wire.two_ways import until_one_ends

SHELL_PATH = JOB_PATH + "/shell/{node:int}"
OPERATION = "openShell"  # in the audit log
FIRST_FRAME_SECONDS = 10.0
LONGEST_FIRST_FRAME = 1024
OPENED = 101
# A browser takes in all that comes, whether it can show it or not; so a flood is slowed down here.
BYTES_PER_SECOND = 1024 * 1024
AHEAD_SECONDS = 0.1
HERE = "{}"  # a frame that says nothing: proxies end a connection that is silent

IDLE = "No key was pressed for {minutes} minutes, and the shell was ended."
TOO_LONG = "A shell lasts {minutes} minutes at most: open another one."
SIGNED_OUT = "You are signed out, or your role has changed; the shell was ended."


class _First(msgspec.Struct):
    """The first frame."""

    form_token: str
    columns: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guest:
    """Who is there, and for what."""

    visitor: Visitor
    form_token: str
    organization: OrganizationId
    here: subjects.JobHere
    node: int
    target: str  # for the audit log


class _Gone(Exception):
    """The browser went away."""


class ShellDoor:
    """An ASGI application for the WebSockets of pages."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._pattern, _, self._convertors = compile_path(SHELL_PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        guest = await self._admitted(scope) if self._hall.settings.shells else None
        if guest is None:
            await send({"type": "websocket.close"})  # before it was accepted: answers 403
            return
        await send({"type": "websocket.accept"})
        with contextlib.suppress(_Gone, OSError):
            why = await self._served(guest, receive, send)
            await send({"type": "websocket.send", "text": end_frame(why)})
            await send({"type": "websocket.close", "code": 1000})

    async def _admitted(self, scope: Scope) -> _Guest | None:
        """Return who may be spoken to; None for strangers, and for what they may not know of."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        settings, host = self._hall.settings, headers.get("host", "")
        if "origin" not in headers or is_foreign(headers, settings.public_url or f"//{host}"):
            return None
        match = self._pattern.match(scope["path"])
        secure = settings.public_url is not None and settings.public_url.startswith("https://")
        cookies = tokens.read_cookies(headers.get("cookie", ""))
        secret = tokens.session_secret(cookies, secure=secure)
        if match is None or secret is None:
            return None
        visitor = await self._hall.app.sessions.visitor(digest_of(secret))
        path = {
            key: self._convertors[key].convert(value) for key, value in match.groupdict().items()
        }
        found = await _job(self._hall, path)
        if visitor is None or found is None:
            return None
        organization, here = found
        if not visitor.actor.may(Need.READ, organization):
            return None
        client = (scope.get("client") or ("?",))[0]
        return _Guest(
            visitor=visitor,
            form_token=tokens.form_token(settings.signing_key, secret),
            organization=organization,
            here=here,
            node=path["node"],
            target=f"{scope['path']} from {client}"[-LONGEST_TARGET:],
        )

    async def _served(self, guest: _Guest, receive: Receive, send: Send) -> str:
        """Let the guest have a shell; return why it is over."""
        try:
            command = OpenShell(
                job=guest.here.view.job.id,
                node=guest.node,
                by=guest.visitor.actor,
                size=await _first_frame(receive, guest.form_token),
            )
            async with self._hall.use_cases.shells.open(command) as meeting:
                await self._record(guest, OPENED)
                return await self._joined(meeting, command, guest, receive, send)
        except DomainError as error:
            await self._record(guest, status_of(error))
            return str(error)

    async def _record(self, guest: _Guest, status: int) -> None:
        actor = guest.visitor.actor
        await self._hall.use_cases.audit.record(
            Deed(
                operation=OPERATION,
                target=guest.target,
                status=status,
                actor_id=actor.id,
                actor_login=actor.login,
                organization_id=guest.organization,
            )
        )

    async def _joined(
        self, meeting: Meeting, command: OpenShell, guest: _Guest, receive: Receive, send: Send
    ) -> str:
        last = _LastKey()
        ended = await until_one_ends(
            _print(meeting, send),
            _type(meeting, receive, last),
            self._watch(command, guest, last, send),
        )
        return ended.result()

    async def _watch(self, command: OpenShell, guest: _Guest, last: "_LastKey", send: Send) -> str:
        """Return why it must end: nobody types, it is too long, or the right is gone."""
        settings = self._hall.settings
        idle, longest = settings.shell_idle_seconds, settings.shell_longest_seconds
        began = last.at
        while True:
            now = asyncio.get_running_loop().time()
            until_idle, until_longest = last.at + idle - now, began + longest - now
            if until_idle <= 0:
                return IDLE.format(minutes=round(idle / 60))
            if until_longest <= 0:
                return TOO_LONG.format(minutes=round(longest / 60))
            await asyncio.sleep(min(until_idle, until_longest, settings.heartbeat_seconds))
            visitor = await self._hall.app.sessions.visitor(guest.visitor.session.digest)
            if visitor is None or visitor.actor != command.by:
                return SIGNED_OUT
            try:
                await self._hall.use_cases.shells.check(command)
            except IllegalMove:
                pass  # it is ending, and its runner says so
            except DomainError as error:
                return str(error)
            await send({"type": "websocket.send", "text": HERE})


class _LastKey:
    def __init__(self) -> None:
        self.pressed()

    def pressed(self) -> None:
        self.at = asyncio.get_running_loop().time()


async def _job(hall: Hall, path: dict[str, Any]) -> tuple[OrganizationId, subjects.JobHere] | None:
    found = None if "\0" in "".join(map(str, path.values())) else await subjects.job(hall.app, path)
    if found is None or found.thing is None:
        return None
    return found.organization, found.thing


async def _first_frame(receive: Receive, form_token: str) -> WindowSize:
    """Return the window's size; refuse a page that was not given out to this browser."""
    try:
        async with asyncio.timeout(FIRST_FRAME_SECONDS):
            text = (await _message(receive)).get("text") or ""
        if len(text) > LONGEST_FIRST_FRAME:
            raise Invalid(FOREIGN_FORM)
        first = msgspec.json.decode(text, type=_First)
    except (TimeoutError, msgspec.MsgspecError) as error:
        raise Invalid(FOREIGN_FORM) from error
    if not tokens.fits(form_token, first.form_token):
        raise NotAllowed(FOREIGN_FORM)
    return WindowSize(columns=first.columns, rows=first.rows).bounded()


async def _message(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "websocket.disconnect":
        raise _Gone
    return message


async def _type(meeting: Meeting, receive: Receive, last: _LastKey) -> str:
    """Hand over what the browser sends; raise _Gone once it has left."""
    while True:
        message = await _message(receive)
        if data := message.get("bytes"):
            last.pressed()
            await meeting.type(data)
        elif isinstance(size := read_frame(message.get("text") or ""), WindowSize):
            await meeting.type(size)


async def _print(meeting: Meeting, send: Send) -> str:
    """Send what the shell prints; return why it has ended."""
    loop = asyncio.get_running_loop()
    sent_until = loop.time()  # when all that was sent would be through, at the rate
    while (data := await meeting.printed()) is not None:
        for piece in pieces(data):
            await send({"type": "websocket.send", "bytes": piece})
            sent_until = max(sent_until, loop.time()) + len(piece) / BYTES_PER_SECOND
            if (ahead := sent_until - loop.time()) > AHEAD_SECONDS:
                await asyncio.sleep(ahead)
    return meeting.why
