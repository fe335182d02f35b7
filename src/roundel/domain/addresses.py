"""Addresses of repositories, compared: the same one is written in many ways."""

import re
from urllib.parse import unquote, urlsplit

_SCP_LIKE = re.compile(r"(?:[^@/:\s]+@)?([^:/\s]+):(?!//)(.+)")


def repository_key(address: str) -> str:
    """Return a form that https, ssh and scp-like addresses of one repository share.

    Folders keep theirs, as a folder is on no host.
    """
    if address.startswith("/"):
        return address.rstrip("/")
    if "://" in address:
        try:
            parts = urlsplit(address)
            host = (parts.hostname or "").lower()
        except ValueError:
            return address
        if parts.scheme == "file":
            return unquote(parts.path).rstrip("/")
        path = unquote(parts.path)
    elif found := _SCP_LIKE.fullmatch(address):
        host, path = found[1].lower(), found[2]
    else:
        return address
    return f"{host}/{path.strip('/').removesuffix('.git').lower()}"


def is_folder(address: str) -> bool:
    """Tell whether an address is a folder of this machine."""
    return address.startswith(("/", "file://"))
