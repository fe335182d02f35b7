"""Static files: named by their content, so that browsers keep them for a year."""

import gzip
import hashlib
import re
from importlib.resources import files

from starlette.responses import Response

from roundel.domain.records import dataclass

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
FOREVER = "public, max-age=31536000, immutable"
PREFIX = "/static/"
# What a module imports of ours: rewritten to the name with the hash.
_IMPORT = re.compile(r"""((?:\bfrom|\bimport)\s*\(?\s*["'])\./([a-z_]+\.js)(["'])""")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    type: str
    raw: bytes
    packed: bytes


class Assets:
    """All files of `static/`, read once.

    A module's hash covers what it imports, so modules may not import each other in a circle.
    """

    def __init__(self) -> None:
        folder = files("roundel.web") / "static"
        self._texts = {it.name: it.read_text("utf-8") for it in folder.iterdir() if it.is_file()}
        self._names: dict[str, str] = {}
        self._served: dict[str, Asset] = {}
        for name in self._texts:
            self._publish(name, ())

    def url(self, name: str) -> str:
        """Return the path of a file; raise KeyError if there is none of that name."""
        return PREFIX + self._names[name]

    def response(self, served_name: str, headers: dict[str, str]) -> Response | None:
        """Return the file of this name with its hash, None if there is none."""
        asset = self._served.get(served_name)
        if asset is None:
            return None
        lines = {
            "content-type": asset.type,
            "cache-control": FOREVER,
            "vary": "accept-encoding",
            "x-content-type-options": "nosniff",
        }
        if "gzip" in headers.get("accept-encoding", ""):
            return Response(asset.packed, headers={**lines, "content-encoding": "gzip"})
        return Response(asset.raw, headers=lines)

    def _publish(self, name: str, above: tuple[str, ...]) -> str:
        if name in above:
            raise ValueError(f"modules import each other in a circle: {above} {name}")
        if name in self._names:
            return self._names[name]
        stem, _, kind = name.rpartition(".")

        def renamed(found: "re.Match[str]") -> str:
            inner = self._publish(found.group(2), (*above, name))
            return f"{found.group(1)}./{inner}{found.group(3)}"

        text = self._texts[name]
        if kind == "js":
            text = _IMPORT.sub(renamed, text)
        raw = text.encode()
        served = f"{stem}.{hashlib.blake2b(raw, digest_size=6).hexdigest()}.{kind}"
        self._names[name] = served
        self._served[served] = Asset(TYPES[kind], raw, gzip.compress(raw, 9, mtime=0))
        return served
