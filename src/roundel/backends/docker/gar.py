"""Google's registries: the login that an image's `gcp_auth` stands for.

Two calls, as Google's federation of identities has them: the job's identity token for one of the
pool, and that for a token of the service account.  Nothing of this machine's own is used.
"""

import asyncio
import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp

from roundel.backends.protocol import CannotOpen

_ACCOUNT, _POOL, _PROVIDER = KEYS = (
    "oidc_service_account",
    "workload_identity_pool",
    "workload_identity_provider",
)
_TOKEN = "CIRCLE_OIDC_TOKEN_V2"  # noqa: S105 the variable's name
_REGISTRY = re.compile(r"(?:[a-z0-9-]+-docker\.pkg\.dev|(?:(?:us|eu|asia)\.)?gcr\.io)/.+")
_POOL_NAME = re.compile(r"projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]+")
_PROVIDER_NAME = re.compile(r"[a-z0-9-]+")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"  # the account's roles say what it may
# The names under which Google's own command line takes other endpoints.
_STS = ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", "https://sts.googleapis.com/")
_IAM = ("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", "https://iamcredentials.googleapis.com/")
_LIMITS = aiohttp.ClientTimeout(total=20, sock_connect=5)
_TRIES, _PAUSE_SECONDS = 3, 0.3


def is_google(name: str) -> bool:
    """Tell whether an image lies in a registry that takes these logins."""
    return _REGISTRY.fullmatch(name) is not None


def from_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what `gcp_auth` would say, from the variables that stand for it; empty if not all."""
    found = {key: environment.get(f"GCP_{key.upper()}", "") for key in KEYS}
    return found if all(found.values()) else {}


async def gar_login(
    name: str, auth: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """Return user and password for the image that a config calls `name`.  Raise CannotOpen.

    `auth` has its variables replaced already.
    """
    wanted = {key: auth.get(key, "") for key in KEYS}
    if not is_google(name):
        raise _wrong(
            name,
            "gcp_auth is for images named REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME; "
            "give auth with username and password for other registries",
        )
    if missing := ", ".join(key for key, value in wanted.items() if not value):
        raise _wrong(
            name,
            f"{missing} of gcp_auth is empty; set it, or the variable that it names in the "
            "project or a context of the job",
        )
    if not _POOL_NAME.fullmatch(wanted[_POOL]):
        raise _wrong(
            name,
            f"{_POOL} of gcp_auth is the pool's whole name, as in projects/PROJECT-NUMBER/"
            "locations/global/workloadIdentityPools/POOL",
        )
    if not _PROVIDER_NAME.fullmatch(wanted[_PROVIDER]):
        raise _wrong(name, f"{_PROVIDER} of gcp_auth is the provider's ID alone, without slashes")
    token = environment.get(_TOKEN, "")
    if not token:
        raise _wrong(name, f"gcp_auth needs {_TOKEN}, and this job has none")
    return await _asked(name, wanted, token)


async def _asked(name: str, wanted: Mapping[str, str], token: str) -> dict[str, str]:
    exchange = {
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"//iam.googleapis.com/{wanted[_POOL]}/providers/{wanted[_PROVIDER]}",
        "scope": _SCOPE,
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "subjectToken": token,
    }
    account = quote(wanted[_ACCOUNT], safe="@")
    path = f"v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    async with aiohttp.ClientSession(timeout=_LIMITS, trust_env=True) as session:
        pooled = await _answer(session, name, _STS, "v1/token", exchange, "access_token")
        held = {"Authorization": f"Bearer {pooled}"}
        password = await _answer(
            session, name, _IAM, path, {"scope": [_SCOPE]}, "accessToken", held
        )
    return {"username": "oauth2accesstoken", "password": password}


async def _answer(
    session: aiohttp.ClientSession,
    name: str,
    endpoint: tuple[str, str],
    path: str,
    question: Mapping[str, Any],
    wanted: str,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Return one value of what Google answers, asked again where the fault is not ours."""
    url = f"{os.environ.get(endpoint[0], endpoint[1]).rstrip('/')}/{path}"
    why = ""
    for attempt in range(_TRIES):
        await asyncio.sleep(attempt * _PAUSE_SECONDS)
        try:
            async with session.post(
                url, json=question, headers=headers, allow_redirects=False
            ) as response:
                status, text = response.status, await response.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            why = f"{type(error).__name__}: {error}"
            continue
        if status == 429 or status >= 500:
            why = f"it answers {status}"
            continue
        found = _parsed(text)
        if status == 200 and isinstance(value := found.get(wanted), str):
            return value
        raise _wrong(name, f"Google says {status}: {_said(found)}")
    raise CannotOpen(
        f'The image "{name}" is not on this machine, and Google gives no login for it: {why}. '
        "Can the runner reach Google?",
        infrastructure=True,
    )


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(found: Mapping[str, Any]) -> str:
    """Return the reason in an answer: the two services have a form each."""
    error = found.get("error")
    words = error.get("message") if isinstance(error, dict) else found.get("error_description")
    return str(words or error or "nothing that can be read").partition("\n")[0]


def _wrong(name: str, why: str) -> CannotOpen:
    return CannotOpen(
        f'The image "{name}" is not on this machine and cannot be pulled: {why}.',
        infrastructure=False,
    )
