"""pycircleci, unmodified: contexts, their variables, and variables of projects."""

import pytest
from pycircleci.api import Api

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

CONFIG = "version: 2.1\njobs: {build: {docker: [{image: a}], steps: [checkout]}}\n"


def test_it_keeps_contexts_and_variables(process_site: Site):
    site = process_site
    slug = site.project(CONFIG).slug
    _, user, repo = slug.split("/")
    api = Api(token=site.server.token, url=f"{site.server.url}/api")

    made = api.add_context("from-pycircleci", username=user)
    assert made["name"] == "from-pycircleci"
    for number in range(21):
        put = api.add_context_envvar(made["id"], f"V{number:02}", "secret-value")
        assert put["context_id"] == made["id"]
    names = [it["variable"] for it in api.get_context_envvars(made["id"], paginate=True)]
    assert names == [f"V{number:02}" for number in range(21)]
    assert "message" in api.delete_context_envvar(made["id"], "V00")
    assert len(api.get_context_envvars(made["id"], paginate=True)) == 20
    assert made in api.get_contexts(username=user, paginate=True)
    assert api.get_context(made["id"]) == made
    assert "message" in api.delete_context(made["id"])
    assert made not in api.get_contexts(username=user, paginate=True)

    assert api.list_envvars(user, repo) == []
    shown = {"name": "TOKEN", "value": "xxxx5678"}
    assert api.add_envvar(user, repo, "TOKEN", "12345678") == shown
    assert api.list_envvars(user, repo) == [shown]
    assert api.get_envvar(user, repo, "TOKEN") == shown
    assert api.delete_envvar(user, repo, "TOKEN") == {"message": "ok"}
    assert api.list_envvars(user, repo) == []
