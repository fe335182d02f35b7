"""Artifacts: what they are called, and how a browser may be shown them."""

from roundel.domain.records import dataclass

PATH_LIMIT = 1024  # bytes of UTF-8, as object stores have it


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """The headers with which an artifact's bytes are answered."""

    content_type: str
    inline: bool
    policy: str  # Content-Security-Policy


def artifact_path(path: str, destination: str | None, inner: str | None) -> str | None:
    """Return the name of an artifact; None if it would have none or leave its place.

    `path` is as written in the config.  `inner` is the file's name below it if it is a folder,
    and None if it is a file: then `destination` is the whole name, unless it ends in a slash.
    """
    if inner is None:
        base = path.rstrip("/").rpartition("/")[2]
        if not destination:
            name = path
        elif destination.endswith("/"):
            name = destination + base
        else:
            name = destination
    else:
        name = f"{destination or path}/{inner}"
    parts = [part for part in name.removeprefix("~/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return None
    joined = "/".join(parts)
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in joined):
        return None
    try:
        return joined if len(joined.encode()) <= PATH_LIMIT else None
    except UnicodeEncodeError:  # a name that is not UTF-8 cannot stand in a URL or in JSON
        return None


_TEXT = "text/plain; charset=utf-8"
# Nothing of these can run; all others are told to be text, or are only downloaded.
_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "ico": "image/x-icon",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "json": "application/json",
}
_AS_TEXT = frozenset(
    word
    for line in (
        "txt log md rst csv tsv yml yaml toml ini cfg conf properties xml xsd diff patch sh bash",
        "py rb js mjs ts tsx jsx css scss go rs java kt scala c h cc cpp hpp cs php pl lua sql",
        "tap out err lcov info lock sha1 sha256 sha512 md5 env gradle proto tf",
    )
    for word in line.split()
)
_TEXT_NAMES = frozenset({"readme", "license", "log", "makefile", "dockerfile"})
# These can run scripts: shown in an origin of their own without any, so that they see nothing of
# whoever looks at them.
_SANDBOXED = {"html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8"} | {
    "svg": "image/svg+xml"
}
_NOTHING = "default-src 'none'; sandbox"
_STYLED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox"


def presentation(path: str) -> Presentation:
    """Return how to answer an artifact of this name.  To be sent with `nosniff`."""
    name = path.rpartition("/")[2].lower()
    ending = name.rpartition(".")[2] if "." in name else "txt" if name in _TEXT_NAMES else ""
    if ending in _TYPES:
        return Presentation(content_type=_TYPES[ending], inline=True, policy=_NOTHING)
    if ending in _AS_TEXT:
        return Presentation(content_type=_TEXT, inline=True, policy=_NOTHING)
    if ending in _SANDBOXED:
        return Presentation(content_type=_SANDBOXED[ending], inline=True, policy=_STYLED)
    return Presentation(content_type="application/octet-stream", inline=False, policy=_NOTHING)
