"""Where a request comes from, as its browser says."""

from collections.abc import Mapping


def is_foreign(headers: Mapping[str, str], own: str) -> bool:
    """Tell whether the browser says that another site's page has made this request.

    `own` is this server's address; one that says no origin is none of a page of others.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    ours = (headers.get("host"), own.rpartition("://")[2])
    return origin is not None and origin.rpartition("://")[2] not in ours
