"""`add_ssh_keys` on both back ends, with keys that pycircleci, unmodified, has given."""

import hashlib
from pathlib import Path

import pytest
from pycircleci.api import Api

from tests.e2e.site import Site
from tests.git_hosts import a_key

pytestmark = [pytest.mark.e2e, pytest.mark.sshd]

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps:
      - add_ssh_keys
      - run:
          name: look
          command: |
            cat ~/.ssh/config
            for file in ~/.ssh/id_rsa_*; do
              stat -c %a $file
              sha256sum <$file | cut -d' ' -f1
            done
      - run: {name: ask, command: ssh -G deploy.example 2>/dev/null | grep ^identityfile}
workflows: {main: {jobs: [build]}}
"""


def test_a_key_of_the_project_is_where_ssh_looks_for_that_host(site: Site, tmp_path: Path):
    slug = site.project(CONFIG).slug
    _, user, repo = slug.split("/")
    key = a_key(tmp_path / "key").read_text()
    api = Api(token=site.server.token, url=f"{site.server.url}/api")
    made = api.add_ssh_key(user, repo, key, hostname="deploy.example")
    name = "id_rsa_" + made["fingerprint"].replace(":", "")

    pipeline = site.client.trigger(slug, branch="main")
    [workflow] = site.client.finished(pipeline["id"]).values()
    shown = site.client.output(slug, 1)
    assert workflow["status"] == "success", shown
    assert made["fingerprint"] in shown["Installing additional ssh keys"]
    assert "Host deploy.example\n" in shown["look"]
    assert shown["look"].endswith(f"600\n{hashlib.sha256(key.encode()).hexdigest()}\n")
    assert shown["ask"].splitlines()[0].endswith(f"/.ssh/{name}")
