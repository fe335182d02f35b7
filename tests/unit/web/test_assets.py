"""Static files are named by what is in them, also by what their modules import."""

import re

from roundel.web.assets import FOREVER, Assets


def test_files_are_kept_for_ever_under_names_of_their_content() -> None:
    assets = Assets()
    name = assets.url("roundel.css").removeprefix("/static/")
    assert re.fullmatch(r"roundel\.[0-9a-f]{12}\.css", name)
    packed = assets.response(name, {"accept-encoding": "gzip, br"})
    plain = assets.response(name, {})
    assert packed is not None and plain is not None
    assert packed.headers["cache-control"] == FOREVER
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body)


def test_modules_import_each_other_by_the_names_with_hashes() -> None:
    assets = Assets()
    response = assets.response(assets.url("roundel.js").removeprefix("/static/"), {})
    assert response is not None
    imported = re.findall(r'["\']\./([^"\']+)["\']', bytes(response.body).decode())
    assert len(imported) >= 4
    for name in imported:
        assert re.fullmatch(r"[a-z]+\.[0-9a-f]{12}\.js", name)
        assert assets.response(name, {}) is not None


def test_a_name_that_is_not_there_is_nothing() -> None:
    assert Assets().response("../templates/base.html", {}) is None
