"""The trie of routes."""

import pytest

from roundel.api.routing import MAX_SEGMENTS, Router, names_in, segments_of
from roundel.domain.errors import Invalid

UUID = "018e2d5f-0000-7000-8000-000000000001"


def a_router(*templates: str) -> Router[str]:
    router: Router[str] = Router()
    for template in templates:
        router.add("GET", template, template)
    return router


def found(router: Router[str], path: str) -> tuple[str, tuple[str, ...]] | None:
    match = router.find(segments_of(path.encode()))
    return None if match is None else (match[0]["GET"], match[1])


def test_a_literal_wins_over_a_parameter():
    router = a_router("/p/{project-slug}/pipeline/mine", "/p/{project-slug}/pipeline/{number}")
    assert found(router, "/p/gh/a/b/pipeline/mine") == (
        "/p/{project-slug}/pipeline/mine",
        ("gh/a/b",),
    )
    assert found(router, "/p/gh/a/b/pipeline/7") == (
        "/p/{project-slug}/pipeline/{number}",
        ("gh/a/b", "7"),
    )


@pytest.mark.parametrize("slug", ["gh/a/b", "gh%2Fa%2Fb", "gh%2Fa/b"])
def test_a_slug_is_three_segments_or_one_escaped(slug: str):
    assert found(a_router("/p/{project-slug}/x"), f"/p/{slug}/x") == (
        "/p/{project-slug}/x",
        ("gh/a/b",),
    )


def test_a_slug_may_be_a_uuid():
    router = a_router("/p/{project-slug}", "/p/{project-slug}/x")
    assert found(router, f"/p/{UUID}/x") == ("/p/{project-slug}/x", (UUID,))


def test_a_part_of_a_slug_may_be_a_word_of_ours():
    router = a_router("/p/{project-slug}", "/p/{project-slug}/pipeline", "/p/fixed/pipeline")
    assert found(router, "/p/gh/pipeline/pipeline/pipeline") == (
        "/p/{project-slug}/pipeline",
        ("gh/pipeline/pipeline",),
    )
    assert found(router, "/p/fixed/pipeline") == ("/p/fixed/pipeline", ())
    assert found(router, "/p/fixed/a/b") == ("/p/{project-slug}", ("fixed/a/b",))


def test_the_rest_of_a_path_may_be_one_parameter():
    router = a_router("/p/{project-slug}/{n}", "/p/{project-slug}/tree/{branch*}")
    assert found(router, "/p/gh/a/b/tree/feature/one") == (
        "/p/{project-slug}/tree/{branch*}",
        ("gh/a/b", "feature/one"),
    )
    assert found(router, "/p/gh/a/b/tree") == ("/p/{project-slug}/{n}", ("gh/a/b", "tree"))


def test_each_segment_is_decoded_once():
    assert segments_of(b"/a%2Fb//c%252F/") == ["a/b", "c%2F"]


def test_a_path_that_is_no_utf8_is_refused():
    with pytest.raises(Invalid, match="UTF-8"):
        segments_of(b"/a/%C3%28")


def test_very_long_paths_are_not_searched():
    router = a_router("/a/{rest*}")
    assert found(router, "/a" + "/b" * (MAX_SEGMENTS - 1)) is not None
    assert found(router, "/a" + "/b" * MAX_SEGMENTS) is None


def test_a_route_is_added_once():
    router = a_router("/a/{one}")
    with pytest.raises(ValueError, match="twice"):
        router.add("GET", "/a/{other}", "again")


def test_names_are_those_of_the_template_in_order():
    assert names_in("/p/{project-slug}/x/{n}/tree/{branch*}") == ("project-slug", "n", "branch")
