"""Names of artifacts and how browsers are shown them."""

import pytest

from roundel.domain.artifacts import artifact_path, presentation


@pytest.mark.parametrize(
    ("path", "destination", "inner", "name"),
    [
        ("doc/build/html/", None, "index.html", "doc/build/html/index.html"),
        ("/tmp/artifacts", None, "out/b.txt", "tmp/artifacts/out/b.txt"),
        ("/tmp/artifacts", "files", "a.txt", "files/a.txt"),
        ("/tmp/artifacts", "files/", "d/a.txt", "files/d/a.txt"),
        ("~/reports", None, "a", "reports/a"),
        ("./x", None, "a", "x/a"),
        (".", None, "a", "a"),
        ("a.txt", None, None, "a.txt"),
        ("/tmp/a.txt", None, None, "tmp/a.txt"),
        ("/tmp/a.txt", "b.txt", None, "b.txt"),
        ("/tmp/a.txt", "dir/", None, "dir/a.txt"),
        ("/tmp/a.txt", "/abs/b.txt", None, "abs/b.txt"),
    ],
)
def test_an_artifact_is_named_by_its_path_or_destination(
    path: str, destination: str | None, inner: str | None, name: str
) -> None:
    assert artifact_path(path, destination, inner) == name


@pytest.mark.parametrize(
    ("path", "destination", "inner"),
    [
        ("../up", None, "a"),
        ("x", "../up", "a"),
        ("x", "d", "../../a"),
        (".", None, None),
        ("x", None, "a\nb"),
        ("x", None, "bad\udc80"),
        ("x", None, "n" * 1025),
    ],
)
def test_a_name_that_leaves_its_place_or_cannot_be_shown_is_none(
    path: str, destination: str | None, inner: str | None
) -> None:
    assert artifact_path(path, destination, inner) is None


@pytest.mark.parametrize(
    ("path", "content_type", "inline"),
    [
        ("a/shot.PNG", "image/png", True),
        ("log.txt", "text/plain; charset=utf-8", True),
        ("app.js", "text/plain; charset=utf-8", True),
        ("page.xml", "text/plain; charset=utf-8", True),
        ("LICENSE", "text/plain; charset=utf-8", True),
        ("report.html", "text/html; charset=utf-8", True),
        ("logo.svg", "image/svg+xml", True),
        ("data.json", "application/json", True),
        ("program.exe", "application/octet-stream", False),
        ("page.xhtml", "application/octet-stream", False),
        ("html", "application/octet-stream", False),
        ("book.pdf", "application/octet-stream", False),
    ],
)
def test_a_browser_is_told_a_type_that_cannot_harm(
    path: str, content_type: str, inline: bool
) -> None:
    shown = presentation(path)
    assert (shown.content_type, shown.inline) == (content_type, inline)
    assert "sandbox" in shown.policy
    assert "script" not in shown.policy
