"""Orbs for the compiler: vendored or plain files of the repository, the server's folder, the web.

The compiler runs in a process that reads nothing; it asks, and this answers.
"""

import asyncio
import json
import posixpath
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from roundel.compiler.orb_sources import FolderOrbs, copy_of, digest_of, is_path, is_url
from roundel.compiler.resolved import OrbRefused
from roundel.domain.clock import MINUTE, Clock, Micros
from roundel.domain.ids import OrganizationId
from roundel.domain.orbs import UrlOrbPrefix
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.repositories import Access, Repositories, Trouble
from roundel.services.access import access_to
from roundel.services.compiling import OrbFound, OrbMissing, OrbUnusable
from roundel.services.work import App
from roundel.wire.web import Web, WebRefused

KEPT_FOR = 5 * MINUTE  # how old an orb from the web may be
MOST_KEPT = 64
LARGEST_ORB = 5_000_000  # bytes
VENDORED = ".circleci/orbs"
LOCK_FILE = f"{VENDORED}/orbs.lock.json"

OrbAnswer = OrbFound | OrbMissing | OrbUnusable


class OrbShelf:
    """The orbs that all projects of a server share: its folder, and what came from the web."""

    def __init__(self, folder: Path, web: Web, clock: Clock) -> None:
        self._folder = FolderOrbs(folder)
        self._web = web
        self._clock = clock
        self._kept: OrderedDict[str, tuple[Micros, OrbAnswer]] = OrderedDict()

    @property
    def takes_plain_http(self) -> bool:
        """Whether private networks are trusted, and so http without TLS."""
        return self._web.private

    async def registered(self, reference: str) -> OrbAnswer:
        """Return the orb of the highest version in the folder that the reference allows."""
        try:
            found = await asyncio.to_thread(self._folder.resolve, reference)
        except OrbRefused as refused:
            return OrbUnusable(message=str(refused))
        except (OSError, ValueError):
            return OrbMissing()
        if found is None:
            return OrbMissing()
        return OrbFound(reference=found.reference, text=found.text, digest=found.digest)

    async def from_web(self, url: str, allowed: Sequence[UrlOrbPrefix]) -> OrbAnswer:
        """Return the orb at an address, at most five minutes old; refuse one not allowed."""
        if not any(within(entry.prefix, url) for entry in allowed):
            return OrbUnusable(message=f"URL orbs from {url} are not allowed in this organization.")
        now = self._clock.now()
        kept = self._kept.get(url)
        if kept is not None and kept[0] > now:
            return kept[1]
        answer = await self._fetch(url, [entry.prefix for entry in allowed])
        if isinstance(answer, OrbFound):
            self._kept[url] = (Micros(now + KEPT_FOR), answer)
            self._kept.move_to_end(url)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return answer

    async def _fetch(self, url: str, prefixes: Collection[str]) -> OrbAnswer:
        try:
            body = await self._web.get(url, lambda at: any(within(it, at) for it in prefixes))
        except WebRefused as refused:
            return OrbUnusable(message=f"The orb {url} could not be fetched: {refused}.")
        return OrbMissing() if body is None else _orb(url, body)


class AllowLists(Protocol):
    """From where organisations allow orbs."""

    async def url_orbs(self, organization: OrganizationId) -> Sequence[UrlOrbPrefix]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A repository at one commit."""

    repositories: Repositories
    url: str
    revision: str
    access: Callable[[], Awaitable[Access | None]]  # what opens it, if it is read


class Orbs:
    """Implements `services.compiling.OrbLookup` for one compilation.

    Without an organisation nothing comes from the web, without a commit no files.
    """

    def __init__(
        self,
        shelf: OrbShelf,
        allow_lists: AllowLists,
        organization: OrganizationId | None = None,
        at: At | None = None,
    ) -> None:
        self._shelf = shelf
        self._allow_lists = allow_lists
        self._organization = organization
        self._at = at
        self._vendored: dict[str, tuple[str, str]] | None = None

    async def find(self, reference: str) -> OrbAnswer:
        """Return what a reference of a config means now."""
        if is_path(reference):
            return await self._file(reference)
        vendored = await self._from_vendored(reference)
        if not isinstance(vendored, OrbMissing):
            return vendored
        if is_url(reference):
            return await self._from_web(reference)
        return await self._shelf.registered(reference)

    async def _from_web(self, url: str) -> OrbAnswer:
        allowed: Sequence[UrlOrbPrefix] = ()
        if self._organization is not None:
            allowed = await self._allow_lists.url_orbs(self._organization)
        return await self._shelf.from_web(url, allowed)

    async def _file(self, reference: str) -> OrbAnswer:
        path = posixpath.normpath(reference)
        if path.startswith("../") or path in (".", ".."):
            return OrbUnusable(message=f"The orb {reference} lies outside of the repository.")
        found = await self._read(path)
        if isinstance(found, OrbUnusable):
            return found
        return OrbMissing() if found is None else _orb(reference, found)

    async def _from_vendored(self, reference: str) -> OrbAnswer:
        """Return the copy that `roundel orb vendor` left in the repository, as it was locked."""
        if self._vendored is None:
            self._vendored = _locked(await self._read(LOCK_FILE))
        if reference not in self._vendored:
            return OrbMissing()
        exact, digest = self._vendored[reference]
        path = posixpath.normpath(f"{VENDORED}/{copy_of(exact)}")
        found = await self._read(path) if path.startswith(f"{VENDORED}/") else None
        if isinstance(found, OrbUnusable):
            return found
        if found is None and is_url(exact):
            return OrbMissing()  # older locks name addresses of which there is no copy
        if found is None:
            return OrbUnusable(message=f"{LOCK_FILE} names {exact}, and {path} is not there.")
        orb = _orb(exact, found)
        if isinstance(orb, OrbFound) and orb.digest != digest:
            return OrbUnusable(message=f"{path} is not what {LOCK_FILE} has locked.")
        return orb

    async def _read(self, path: str) -> bytes | OrbUnusable | None:
        if self._at is None:
            return None
        at = self._at
        access = None if at.repositories.is_local(at.url) else await at.access()
        found = await at.repositories.read_file(at.url, at.revision, path, access)
        if isinstance(found, Trouble):
            return OrbUnusable(message=found.message)
        return found


def orbs_at(
    project: Project,
    revision: str,
    app: App,
    address: str = "",
) -> Orbs:
    """Return the orbs that a project's config may use at a commit.

    That may lie elsewhere, in a fork, and then nothing of ours opens its repository.
    """
    url = address or project.repository_url

    async def access() -> Access | None:
        return await access_to(project, app) if url == project.repository_url else None

    at = At(repositories=app.repositories, url=url, revision=revision, access=access)
    return Orbs(app.orbs, app.reads, project.organization.id, at)


def within(prefix: str, url: str) -> bool:
    """Tell whether an address lies below an allowed one, however it is spelt.

    What would be read differently by another program (dots, backslashes, users) lies nowhere.
    """
    try:
        wanted, given = urlsplit(prefix), urlsplit(url)
        same = (wanted.scheme, wanted.hostname, wanted.port) == (
            given.scheme,
            given.hostname,
            given.port,
        )
    except ValueError:
        return False
    if not same or "@" in given.netloc or "\\" in url or not url.isprintable() or " " in url:
        return False
    path = unquote(given.path)
    if any(part in (".", "..") for part in path.split("/")):
        return False
    return (given.path or "/").startswith(wanted.path or "/")


def _orb(reference: str, raw: bytes) -> OrbAnswer:
    if len(raw) > LARGEST_ORB:
        return OrbUnusable(message=f"The orb {reference} is larger than {LARGEST_ORB} bytes.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return OrbUnusable(message=f"The orb {reference} is not UTF-8 text.")
    return OrbFound(reference=reference, text=text, digest=digest_of(text))


def _locked(raw: bytes | OrbUnusable | None) -> dict[str, tuple[str, str]]:
    """Return exact reference and digest by what configs write; a broken lock locks nothing."""
    if not isinstance(raw, bytes):
        return {}
    try:
        entries = json.loads(raw)
        return {
            written: (str(entry["exact"]), str(entry["digest"]))
            for written, entry in entries.items()
            if not is_path(written)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
