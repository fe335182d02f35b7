"""Where the orbs of a config come from on a server."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.compiler.orb_sources import copy_of, digest_of
from roundel.domain.clock import MINUTE
from roundel.domain.ids import OrganizationId
from roundel.domain.orbs import OrbLock, UrlOrbId, UrlOrbPrefix
from roundel.domain.repositories import Access, Trouble, TroubleKind
from roundel.services.compile_cache import CachedCompiler
from roundel.services.compile_pool import CompilePool
from roundel.services.compiling import (
    CompileOutcome,
    CompileRequest,
    OrbFound,
    OrbMissing,
    OrbUnusable,
)
from roundel.services.orbs import At, Orbs, OrbShelf, within
from roundel.wire.web import Web, WebRefused
from tests.builders import a_plan
from tests.fakes import REVISION, FakeClock, FakeCompiler, FakeRepositories

ORB = """\
version: 2.1
commands:
  greet:
    steps: [{run: echo greetings}]
"""
CONFIG = """\
version: 2.1
orbs: {o: REFERENCE}
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps: [o/greet, {run: echo EXTRA}]
workflows: {main: {jobs: [build]}}
"""


async def nothing() -> None:
    """Return what opens a repository that is open to all."""


class FakeWeb(Web):
    """A web of fixed pages; counts what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []

    async def get(self, url: str, allowed: object = None) -> bytes | None:
        self.asked.append(url)
        if "broken" in url:
            raise WebRefused(f"{url} answers with status 500")
        return self.pages.get(url)


class World:
    """Everything that orbs can come from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.web = FakeWeb()
        self.repositories = FakeRepositories()
        self.allowed: list[str] = []
        self.shelf = OrbShelf(folder, self.web, self.clock)

    async def url_orbs(self, organization: OrganizationId) -> Sequence[UrlOrbPrefix]:
        return [
            UrlOrbPrefix(
                id=UrlOrbId(str(number)),
                organization_id=organization,
                name="it",
                prefix=prefix,
                created_at=self.clock.now(),
            )
            for number, prefix in enumerate(self.allowed)
        ]

    @property
    def orbs(self) -> Orbs:
        at = At(
            repositories=self.repositories, url="/srv/web.git", revision=REVISION, access=nothing
        )
        return Orbs(self.shelf, self, OrganizationId("acme"), at)

    def publish(self, name: str, text: str = ORB) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "orbs")


async def text_of(world: World, reference: str) -> str:
    found = await world.orbs.find(reference)
    assert isinstance(found, OrbFound), found
    return f"{found.reference} {found.text}"


async def refusal_of(world: World, reference: str) -> str:
    found = await world.orbs.find(reference)
    assert isinstance(found, OrbUnusable), found
    return found.message


async def test_the_folder_has_the_highest_version_that_is_allowed(world: World):
    world.publish("acme/node/1.2.3.yml", "low")
    world.publish("acme/node/1.10.0.yml", "high")
    assert await text_of(world, "acme/node@1") == "acme/node@1.10.0 high"
    assert await text_of(world, "acme/node@1.2") == "acme/node@1.2.3 low"
    for absent in ("acme/node@2", "acme/other@1", "etc/../../passwd@1", "acme/node", "@", "a/b@\0"):
        assert await world.orbs.find(absent) == OrbMissing()


async def test_a_file_of_the_repository_is_an_orb(world: World):
    world.repositories.files = {"tools/orb.yml": ORB.encode()}
    assert await text_of(world, "./tools/orb.yml") == f"./tools/orb.yml {ORB}"
    assert await text_of(world, "./x/../tools/orb.yml") == f"./x/../tools/orb.yml {ORB}"
    assert await world.orbs.find("./tools/none.yml") == OrbMissing()
    assert "outside of the repository" in await refusal_of(world, "./../orb.yml")
    world.repositories.files["bytes.yml"] = b"\xff\xfe"
    assert "is not UTF-8 text" in await refusal_of(world, "./bytes.yml")


async def test_a_repository_that_cannot_be_read_is_said(world: World):
    class Broken(FakeRepositories):
        async def read_file(
            self, url: str, revision: str, path: str, access: Access | None = None
        ) -> Trouble:
            return Trouble(kind=TroubleKind.UNREACHABLE, message="It is gone.")

    world.repositories = Broken()
    assert await refusal_of(world, "./orb.yml") == "It is gone."


async def test_a_vendored_orb_is_taken_as_it_was_locked(world: World):
    world.publish("acme/node/1.3.0.yml", "newer")
    lock = {"acme/node@1": {"exact": "acme/node@1.2.0", "digest": digest_of("vendored")}}
    world.repositories.files = {
        ".circleci/orbs/orbs.lock.json": json.dumps(lock).encode(),
        ".circleci/orbs/acme/node/1.2.0.yml": b"vendored",
    }
    assert await text_of(world, "acme/node@1") == "acme/node@1.2.0 vendored"
    assert await text_of(world, "acme/node@1.3") == "acme/node@1.3.0 newer"
    world.repositories.files[".circleci/orbs/acme/node/1.2.0.yml"] = b"changed"
    assert "is not what .circleci/orbs/orbs.lock.json" in await refusal_of(world, "acme/node@1")
    del world.repositories.files[".circleci/orbs/acme/node/1.2.0.yml"]
    assert "1.2.0.yml is not there" in await refusal_of(world, "acme/node@1")


async def test_a_vendored_copy_of_an_orb_on_the_web_needs_no_web(world: World):
    url = "https://good.example/o.yml"
    lock = {url: {"exact": url, "digest": digest_of("copied")}}
    world.repositories.files = {
        ".circleci/orbs/orbs.lock.json": json.dumps(lock).encode(),
        f".circleci/orbs/{copy_of(url)}": b"copied",
    }
    assert await text_of(world, url) == f"{url} copied"
    assert world.web.asked == []
    del world.repositories.files[f".circleci/orbs/{copy_of(url)}"]
    assert "not allowed in this organization" in await refusal_of(world, url)


@pytest.mark.parametrize("lock", ["", "[]", "{", '{"acme/node@1": 1}', '{"acme/node@1": {}}'])
async def test_a_broken_lock_locks_nothing(world: World, lock: str):
    world.publish("acme/node/1.3.0.yml", "newer")
    world.repositories.files = {".circleci/orbs/orbs.lock.json": lock.encode()}
    assert await text_of(world, "acme/node@1") == "acme/node@1.3.0 newer"


async def test_a_lock_cannot_point_elsewhere(world: World):
    lock = {"acme/node@1": {"exact": "../../secret@1", "digest": digest_of("x")}}
    world.repositories.files = {
        ".circleci/orbs/orbs.lock.json": json.dumps(lock).encode(),
        "secret/1.yml": b"x",
    }
    assert "is not there" in await refusal_of(world, "acme/node@1")


async def test_the_web_is_asked_for_allowed_addresses_and_then_not_for_five_minutes(world: World):
    url = "https://orbs.example/acme/node.yml"
    world.web.pages[url] = ORB.encode()
    assert "are not allowed in this organization" in await refusal_of(world, url)
    assert world.web.asked == []
    world.allowed = ["https://orbs.example/acme/"]
    assert await text_of(world, url) == f"{url} {ORB}"
    world.web.pages[url] = b"newer"
    assert await text_of(world, url) == f"{url} {ORB}"
    world.clock.forward(5 * MINUTE)
    assert await text_of(world, url) == f"{url} newer"
    assert world.web.asked == [url, url]
    world.allowed = []
    assert "are not allowed" in await refusal_of(world, url)


async def test_trouble_on_the_web_is_said_and_not_kept(world: World):
    world.allowed = ["https://orbs.example/"]
    assert "could not be fetched" in await refusal_of(world, "https://orbs.example/broken")
    assert await world.orbs.find("https://orbs.example/none") == OrbMissing()
    await world.orbs.find("https://orbs.example/none")
    assert len(world.web.asked) == 3


@pytest.mark.parametrize(
    ("prefix", "url", "expected"),
    [
        ("https://a.example/x/", "https://a.example/x/orb.yml", True),
        ("https://a.example/x/", "https://A.EXAMPLE/x/orb.yml", True),
        ("https://a.example", "https://a.example/any", True),
        ("https://a.example", "https://a.example.evil.example/any", False),
        ("https://a.example", "https://a.example@evil.example/any", False),
        ("https://a.example/", "http://a.example/orb.yml", False),
        ("https://a.example/", "https://a.example:8443/orb.yml", False),
        ("https://a.example/x/", "https://a.example/x/../y/orb.yml", False),
        ("https://a.example/x/", "https://a.example/x/%2e%2E/y/orb.yml", False),
        ("https://a.example/x/", "https://a.example/x/..%2fy/orb.yml", False),
        ("https://a.example/x/", "https://a.example\\@evil.example/x/", False),
        ("https://a.example/x/", "https://a.example/y/", False),
        ("https://a.example/x/", "https://a.example/x/\n", False),
        ("https://a.example/x/", "https://[::1", False),
    ],
)
def test_an_address_is_within_a_prefix_or_it_is_not(prefix: str, url: str, expected: bool):
    assert within(prefix, url) is expected


def request_for(
    world: World, reference: str, extra: str = "hi", **changes: object
) -> CompileRequest:
    values = {"pipeline.number": 1, "pipeline.git.branch": "main", "pipeline.id": "a"}
    settings = {"scope": "p", "values": values, **changes}
    return CompileRequest(
        text=CONFIG.replace("REFERENCE", reference).replace("EXTRA", extra),
        file=".circleci/config.yml",
        parameters={},
        orbs=world.orbs,
        **settings,  # type: ignore[arg-type]
    )


async def test_the_worker_gets_its_orbs_from_here(world: World):
    world.publish("acme/node/1.2.3.yml")
    world.repositories.files = {"orb.yml": ORB.encode()}
    pool = CompilePool()
    try:
        for reference, exact in (("acme/node@1", "acme/node@1.2.3"), ("./orb.yml", "./orb.yml")):
            outcome = await pool.compile(request_for(world, reference))
            assert outcome.errors == ()
            assert "echo greetings" in outcome.output
            [lock] = outcome.orbs
            assert (lock.written, lock.exact, lock.digest) == (reference, exact, digest_of(ORB))
        missing, refused = await asyncio.gather(
            pool.compile(request_for(world, "acme/gone@1")),
            pool.compile(request_for(world, "https://orbs.example/x.yml")),
        )
    finally:
        await pool.close()
    [problem] = missing.errors
    assert problem.message.startswith("Cannot find acme/gone@1 in the orb registry.")
    [problem] = refused.errors
    assert problem.message == (
        "URL orbs from https://orbs.example/x.yml are not allowed in this organization."
    )


async def test_a_config_may_not_ask_for_orbs_without_end(world: World):
    for number in range(250):
        world.publish(f"acme/orb-{number}/1.0.0.yml")
    names = "".join(f"  o{number}: acme/orb-{number}@1\n" for number in range(250))
    config = f"version: 2.1\norbs:\n{names}jobs: {{}}\n"
    request = CompileRequest(text=config, file="x", parameters={}, values={}, orbs=world.orbs)
    pool = CompilePool()
    try:
        outcome = await pool.compile(request)
    finally:
        await pool.close()
    messages = [error.message for error in outcome.errors]
    assert "This config uses more than 200 orbs." in messages


class Counting(FakeCompiler):
    """Looks its orb up, and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__(a_plan("build"))

    async def compile(self, request: CompileRequest) -> CompileOutcome:
        outcome = await super().compile(request)
        reference = request.text.split("{o: ")[1].split("}")[0]
        assert request.orbs is not None
        found = await request.orbs.find(reference)
        if not isinstance(found, OrbFound):
            return outcome
        lock = OrbLock(written=reference, exact=found.reference, digest=found.digest)
        return replace(outcome, orbs=(lock,))


async def test_the_same_inputs_are_compiled_once(world: World):
    world.publish("acme/node/1.0.0.yml")
    inner = Counting()
    compiler = CachedCompiler(inner)
    first = await compiler.compile(request_for(world, "acme/node@1"))
    other = {"pipeline.number": 2, "pipeline.git.branch": "main", "pipeline.id": "b"}
    assert await compiler.compile(request_for(world, "acme/node@1", values=other)) is first
    assert len(inner.asked) == 1


def given(number: object, branch: str = "main") -> dict[str, object]:
    values = {"pipeline.number": number, "pipeline.git.branch": branch, "pipeline.id": "a"}
    return {"values": values}


@pytest.mark.parametrize(
    ("extra", "changes"),
    [
        ("hi", given(1, "other")),
        ("number", given(2)),
        ("number", given(True)),
        (r'"n\u0075mber"', given(2)),
        ("hi", {"values": {"pipeline.number": 1, "pipeline.id": "a"}}),
        ("hi", {"scope": "q"}),
        ("hi", {"process": True}),
        ("hi", {"file": "other.yml"}),
    ],
)
async def test_what_may_make_a_difference_is_compiled_anew(
    world: World, extra: str, changes: dict[str, object]
):
    world.publish("acme/node/1.0.0.yml")
    inner = Counting()
    compiler = CachedCompiler(inner)
    request = request_for(world, "acme/node@1", extra)
    await compiler.compile(request)
    await compiler.compile(replace(request, **changes))  # type: ignore[arg-type]
    assert len(inner.asked) == 2
    await compiler.compile(request)
    assert len(inner.asked) == 2


async def test_a_changed_orb_is_compiled_anew(world: World):
    world.publish("acme/node/1.0.0.yml")
    inner = Counting()
    compiler = CachedCompiler(inner)
    await compiler.compile(request_for(world, "acme/node@1"))
    world.publish("acme/node/1.1.0.yml", ORB + "# newer\n")
    changed = await compiler.compile(request_for(world, "acme/node@1"))
    assert len(inner.asked) == 2
    assert changed.orbs[0].exact == "acme/node@1.1.0"


async def test_failures_are_not_kept(world: World):
    inner = Counting()
    inner.errors = ("It is broken",)
    compiler = CachedCompiler(inner)
    await compiler.compile(request_for(world, "acme/node@1"))
    await compiler.compile(request_for(world, "acme/node@1"))
    assert len(inner.asked) == 2
