"""Headers that every answer of the pages carries: what a browser must refuse to do for others."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Forms must still say where they come from, which `no-referrer` would take away.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
)
ONLY_HTTPS = (b"strict-transport-security", b"max-age=31536000")


def with_headers(inner: ASGIApp, *, secure: bool) -> ASGIApp:
    """Return an application whose answers carry the headers; one that set its own keeps it."""
    always = (*HEADERS, ONLY_HTTPS) if secure else HEADERS

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_them(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                added = [line for line in always if line[0] not in there]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await inner(scope, receive, with_them)

    return guarded
