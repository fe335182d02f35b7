"""Cookies of the pages, and the tokens that show that a form is one of ours."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from roundel.domain.sessions import ABSOLUTE_LIMIT

SECOND = 1_000_000
# With https the browser itself holds us to host, path and transport (`__Host-`).
SESSION_COOKIE = "roundel_session"
FORM_COOKIE = "roundel_form"  # before anybody has signed in
THEME_COOKIE = "roundel_theme"
LONGEST_SECRET = 128


def session_cookie(secret: str, *, secure: bool) -> str:
    """Return the header that gives a browser its session; an empty secret takes it away."""
    age = ABSOLUTE_LIMIT // SECOND if secret else 0
    return _cookie(_named(SESSION_COOKIE, secure), secret, age, "Lax", secure)


def form_cookie(value: str, *, secure: bool) -> str:
    """Return the header of the cookie that forms before the sign-in are tied to."""
    return _cookie(_named(FORM_COOKIE, secure), value, 3600, "Strict", secure)


def theme_cookie(theme: str, *, secure: bool) -> str:
    """Return the header that remembers light or dark; an empty one follows the system."""
    return _cookie(THEME_COOKIE, theme, 365 * 86400 if theme else 0, "Lax", secure)


def session_secret(cookies: Mapping[str, str], *, secure: bool) -> str | None:
    """Return the session's secret as the browser says it; it is not verified here."""
    text = cookies.get(_named(SESSION_COOKIE, secure), "")
    return text if 0 < len(text) <= LONGEST_SECRET else None


def form_secret(cookies: Mapping[str, str], *, secure: bool) -> str | None:
    """Return what forms before the sign-in are tied to."""
    text = cookies.get(_named(FORM_COOKIE, secure), "")
    return text if 0 < len(text) <= LONGEST_SECRET else None


def new_form_secret() -> str:
    """Return a fresh value for the cookie of forms before the sign-in."""
    return secrets.token_urlsafe(24)


def form_token(key: bytes, secret: str) -> str:
    """Return what a form carries: it fits one session, or one browser before its sign-in."""
    return hmac.new(key, b"form\0" + secret.encode(), hashlib.sha256).hexdigest()


def fits(expected: str, unverified: str) -> bool:
    """Tell whether a form's token is the one that we gave out."""
    return hmac.compare_digest(expected.encode(), unverified.encode("utf-8", "replace"))


def read_cookies(header: str) -> dict[str, str]:
    """Return the cookies of a request; of a repeated name the first counts, as browsers sort."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            found.setdefault(name, value)
    return found


def _named(name: str, secure: bool) -> str:
    return f"__Host-{name}" if secure else name


def _cookie(name: str, value: str, max_age: int, same_site: str, secure: bool) -> str:
    tail = "; Secure" if secure else ""
    return f"{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite={same_site}{tail}"
