"""Identity tokens in real jobs, checked by what the server publishes."""

import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps:
      - run: {name: show, command: 'echo "1 $CIRCLE_OIDC_TOKEN"; echo "2 $CIRCLE_OIDC_TOKEN_V2"'}
      - run:
          name: ask
          command: |
            token=$(circleci run oidc get --claims '{"aud": "sts.example"}')
            echo "mine $token"
            echo "$token" > token
            circleci run oidc get --claims '{"sub": "me"}' || echo refused
      - run: {name: keep, command: printf '%s' "$CIRCLE_OIDC_TOKEN_V2" > given}
      - store_artifacts: {path: token}
      - store_artifacts: {path: given}
workflows: {main: {jobs: [build]}}
"""


def fetched(site: Site, url: str) -> Any:
    answer = site.client.request("GET", url, auth="none")
    assert answer.status == 200, answer
    return answer.json()


def test_a_job_shows_who_it_is_and_nobody_sees_its_token(site: Site):
    slug = site.project(CONFIG).slug
    pipeline = site.client.trigger(slug, branch="main")
    [workflow] = site.client.finished(pipeline["id"]).values()
    shown = site.client.output(slug, 1)
    assert workflow["status"] == "success", shown
    assert shown["show"].split() == ["1", "****", "2", "****"]
    assert shown["ask"].startswith("mine ****\n")
    assert shown["ask"].endswith("refused\n")

    project = site.client.get(f"/api/v2/project/{slug}")
    issuer = f"{site.server.url}/oidc/org/{project['organization_id']}"
    found = fetched(site, f"{issuer}/.well-known/openid-configuration")
    assert found["issuer"] == issuer
    keys = KeySet.import_key_set(fetched(site, found["jwks_uri"]))
    kept = {it["path"]: it for it in site.client.items(f"/api/v2/project/{slug}/1/artifacts")}
    tokens = {
        name: site.client.request("GET", it["url"]).body.decode().strip()
        for name, it in kept.items()
    }
    for name, audience in (("given", project["organization_id"]), ("token", "sts.example")):
        claims = jwt.decode(tokens[name], keys, algorithms=["RS256"]).claims
        assert (claims["iss"], claims["aud"]) == (issuer, audience)
        assert claims["oidc.circleci.com/workflow-id"] == workflow["id"], json.dumps(claims)
