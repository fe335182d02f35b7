"""Addresses of repositories: which ones we hand to git, and how we show them."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from roundel.domain.errors import Invalid

_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
_REMOTE = re.compile(rf"(https|ssh)://([^/@\s]+@)?(\[[0-9a-fA-F:]+\]|{_HOST})(:\d+)?/[^\s]+")
_SCP_LIKE = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]*@{_HOST}:(?!-)[^\s]+")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")

# Rules of git for the names of refs, as far as they matter to us: nothing that could be read as
# an expression or end a line.  A leading dash is harmless, as we always write `refs/heads/` first.
_NO_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(/|$)|(^|/)\.|[./]$|^/|^@$")
_PULL = re.compile(r"pull/\d+/(head|merge)")
_REVISION = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def check_address(url: str) -> None:
    """Refuse an address that is not a path, file://, ssh:// or https:// repository."""
    if local_path(url) is not None or _SCP_LIKE.fullmatch(url):
        return
    if url.startswith(("https://", "ssh://")) and _REMOTE.fullmatch(url):
        return
    raise Invalid(
        f"{shown(url)!r} is not an address that Roundel clones from; give an absolute path,"
        " or an address that begins with file://, ssh:// or https://"
    )


def local_path(url: str) -> Path | None:
    """Return the folder that an address names on this machine, if it names one."""
    if "\0" in url or "\n" in url:
        return None
    if url.startswith("/"):
        return Path(url)
    if url.startswith("file://"):
        parts = urlsplit(url)
        if parts.netloc in ("", "localhost") and parts.path.startswith("/"):
            return Path(unquote(parts.path))
    return None


def shown(text: str) -> str:
    """Return `text` without the credentials of addresses in it."""
    return _CREDENTIALS.sub("", text)


def ref_names(branch: str | None, tag: str | None) -> tuple[str, ...]:
    """Return the full names that a branch or tag may have, best first; none if it cannot be one."""
    name = tag if tag is not None else branch
    if not name or _NO_REF.search(name):
        return ()
    if tag is not None:
        return (f"refs/tags/{tag}",)
    if _PULL.fullmatch(name):
        return (f"refs/{name}", f"refs/heads/{name}")
    return (f"refs/heads/{name}",)


def is_revision(text: str) -> bool:
    """Tell whether `text` is a full hash."""
    return _REVISION.fullmatch(text) is not None
