"""Repositories of a connected host by the addresses that they are cloned from."""

from urllib.parse import unquote, urlsplit

from roundel.domain.addresses import repository_key
from roundel.domain.git_hosts import Connection, Provider

_CLOUDS = {
    Provider.GITHUB: "github.com",
    Provider.GITLAB: "gitlab.com",
    Provider.BITBUCKET: "bitbucket.org",
}
_HTTPS = ":443"


def name_at_host(connection: Connection, address: str) -> str | None:
    """Return the full name of a repository at a connection's host; None if it is not there.

    An https address is there only at the very host and port, as a password goes to it.
    """
    host, below = _place(connection)
    if not host:
        return None
    if address.startswith("https://"):
        try:
            parts = urlsplit(address)
        except ValueError:
            return None
        if parts.netloc.lower().removesuffix(_HTTPS) != host:
            return None  # another host, or the address has a password of its own
        path = unquote(parts.path).strip("/")
        if below and not path.startswith(f"{below}/"):
            return None
        name = path.removeprefix(f"{below}/" if below else "")
    elif address.startswith(("/", "file:", "http:")):
        return None
    else:
        named, _, name = repository_key(address).partition("/")
        if named != host.partition(":")[0]:
            return None
    name = name.removesuffix(".git")
    if connection.provider is Provider.BITBUCKET_DC:
        name = name.removeprefix("scm/")
    return name or None


def ssh_address(connection: Connection, address: str) -> str | None:
    """Return where a repository of a host is cloned by ssh; None where that is not known."""
    host, _ = _place(connection)
    name = name_at_host(connection, address)
    if name is None or ":" in host or connection.provider is Provider.BITBUCKET_DC:
        return None
    return f"git@{host}:{name}.git"


def _place(connection: Connection) -> tuple[str, str]:
    """Return host and port of a connection's host, and the path below which repositories are."""
    if not connection.api_url:
        return _CLOUDS.get(connection.provider, ""), ""
    parts = urlsplit(connection.api_url)
    host = parts.netloc.lower().removesuffix(_HTTPS)
    if connection.provider in (Provider.GITHUB, Provider.BITBUCKET):
        return host.removeprefix("api."), ""  # its path is that of the API
    return host, parts.path.strip("/")
