"""Artifacts and test results on the wire."""

from urllib.parse import quote

import msgspec

from roundel.api import signing
from roundel.domain.clock import MINUTE, Micros
from roundel.domain.ids import JobId
from roundel.domain.views import ArtifactView, TestView

LIFETIME = 10 * MINUTE  # of an address; whoever has a token needs no signature


class ArtifactShown(msgspec.Struct):
    path: str
    node_index: int
    url: str


class ArtifactV1(msgspec.Struct):
    path: str
    pretty_path: str
    node_index: int
    url: str


class TestShown(msgspec.Struct):
    message: str
    source: str
    run_time: float
    file: str
    result: str
    name: str
    classname: str


class TestV1(msgspec.Struct):
    classname: str
    file: str | None
    name: str
    result: str
    run_time: float
    message: str
    source: str
    source_type: str


class TestsV1(msgspec.Struct):
    tests: list[TestV1]
    exceptions: list[str]


def artifact_url(origin: str, key: bytes, job: JobId, view: ArtifactView, now: Micros) -> str:
    """Return an address under which the artifact can be fetched for a while without a token.

    The grant stands before the path: clients take what follows the last slash for a file's name.
    """
    signed = signing.sign(key, signed_name(job, view.node, view.path), now, LIFETIME)
    expires, signature = (part.partition("=")[2] for part in signed.split("&"))
    return (
        f"{origin}/api/roundel/artifact/{job}/{view.node}/{expires}.{signature}/{quote(view.path)}"
    )


def artifact_urls_until(now: Micros) -> Micros:
    """Return until when the addresses of now stay the same."""
    return signing.same_until(now, LIFETIME)


def signed_name(job: JobId, node: int, path: str) -> str:
    """Return what is signed for an artifact."""
    return f"artifact/{job}/{node}/{path}"


def test_shown(view: TestView) -> TestShown:
    test = view.test
    return TestShown(
        message=test.message,
        source=test.source,
        run_time=test.run_time,
        file=test.file or "",
        result=test.result,
        name=test.name,
        classname=test.classname,
    )


def test_v1(view: TestView) -> TestV1:
    test = view.test
    return TestV1(
        classname=test.classname,
        file=test.file,
        name=test.name,
        result=test.result,
        run_time=test.run_time,
        message=test.message,
        source=test.source,
        source_type=test.source,
    )
