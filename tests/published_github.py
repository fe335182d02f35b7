"""What GitHub's published description of its API says that a request may carry."""

import json
import re
from functools import cache
from typing import Any

import jsonschema_rs

from tests.npm import packages
from tests.recording_host import Asked

_PATHS = (
    (r"/repos/[^/]+/[^/]+/statuses/[^/]+", "/repos/{owner}/{repo}/statuses/{sha}"),
    (r"/repos/[^/]+/[^/]+/check-runs", "/repos/{owner}/{repo}/check-runs"),
    (r"/repos/[^/]+/[^/]+/check-runs/\d+", "/repos/{owner}/{repo}/check-runs/{check_run_id}"),
    (r"/repos/[^/]+/[^/]+/keys", "/repos/{owner}/{repo}/keys"),
    (
        r"/app/installations/\d+/access_tokens",
        "/app/installations/{installation_id}/access_tokens",
    ),
)


@cache
def _document() -> Any:
    return json.loads((packages() / "@octokit/openapi/generated/api.github.com.json").read_text())


def is_taken(asked: Asked) -> None:
    """Raise where GitHub would not take a request that was made of it."""
    path = asked.path.removeprefix("/api/v3")
    (template,) = [published for pattern, published in _PATHS if re.fullmatch(pattern, path)]
    operation = _document()["paths"][template][asked.method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": _document()["components"]}
    jsonschema_rs.Draft202012Validator(whole).validate(asked.body)
