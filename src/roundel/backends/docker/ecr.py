"""Amazon's registry (ECR): the login that an image's `aws_auth` stands for."""

import asyncio
import base64
import re
from collections.abc import Mapping
from typing import Any

from roundel.backends.protocol import CannotOpen

_REGISTRY = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})"
    r"\.(?:amazonaws\.com(?:\.cn)?|on\.(?:aws|amazonwebservices\.com\.cn))/.+"
)
_NO_LIBRARY = (
    'The image "{name}" is not on this machine, and its aws_auth needs a library that is not '
    "installed here: `pip install 'roundel[aws]'` where the runner is, or give auth with the "
    "username AWS and a password that `aws ecr get-login-password` has printed."
)
_KEYS = ("aws_access_key_id", "aws_secret_access_key")
_ROLE_KEYS = ("oidc_role_arn", "role_arn")  # the documented name, and that of the AWS orbs
_TOKEN = "CIRCLE_OIDC_TOKEN_V2"  # noqa: S105 the variable's name
_CONNECT_SECONDS, _READ_SECONDS, _TRIES = 5, 15, 3


def is_amazon(name: str) -> bool:
    """Tell whether an image lies in a registry that takes these logins."""
    return _REGISTRY.fullmatch(name) is not None


def from_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what `aws_auth` would say, from the variables that stand for it; empty if not all."""
    found = {key: environment.get(key.upper(), "") for key in _KEYS}
    return found if all(found.values()) else {}


async def ecr_login(
    name: str, auth: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """Return user and password for the image that a config calls `name`.  Raise CannotOpen.

    `auth` has its variables replaced already.  Only what the job itself brings opens the registry:
    keys or a role of this machine are never used.
    """
    try:
        import botocore.session  # noqa: F401 here, as most runners have no use for it
    except ImportError as error:
        raise CannotOpen(_NO_LIBRARY.format(name=name), infrastructure=False) from error
    registry = _REGISTRY.fullmatch(name)
    if registry is None:
        raise _wrong(
            name,
            "aws_auth is for images named ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME; "
            "give auth with username and password for other registries",
        )
    role = next((auth[key] for key in _ROLE_KEYS if auth.get(key)), None)
    keys = {key: auth.get(key, "") for key in _KEYS}
    if role is None and not all(keys.values()):
        missing = ", ".join(key for key, value in keys.items() if not value)
        raise _wrong(
            name,
            f"{missing} of aws_auth is empty; set it, or the variable that it names in the "
            "project or a context of the job",
        )
    token = environment.get(_TOKEN, "")
    if role is not None and not token:
        raise _wrong(name, f"the role of aws_auth needs {_TOKEN}, and this job has none")
    return await asyncio.to_thread(_asked, name, registry[1], keys, role, token)


def _asked(
    name: str, region: str, keys: dict[str, str], role: str | None, token: str
) -> dict[str, str]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if role is not None:
            keys = _assumed(region, role, token)
        found = _client("ecr", region, keys).get_authorization_token()
        data = found["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(data).decode().partition(":")
    except ClientError as error:
        said = error.response.get("Error", {})
        # Only its first line: more of it would repeat the whole request.
        words = str(said.get("Message", "")).partition("\n")[0]
        raise _wrong(name, f"AWS says {said.get('Code', '?')}: {words}") from error
    except (BotoCoreError, KeyError, IndexError, ValueError) as error:
        raise CannotOpen(
            f'The image "{name}" is not on this machine, and AWS gives no login for it: '
            f"{type(error).__name__}: {error}. Can the runner reach AWS?",
            infrastructure=True,
        ) from error
    return {"username": user, "password": password}


def _assumed(region: str, role: str, token: str) -> dict[str, str]:
    """Return the keys of a role that the job's identity token opens."""
    answer = _client("sts", region, None).assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="roundel", WebIdentityToken=token
    )["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


def _client(service: str, region: str, keys: dict[str, str] | None) -> Any:
    """Return a client with these keys, or one that signs nothing."""
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _TRIES},
        **({"signature_version": UNSIGNED} if keys is None else {}),
    )
    # A session of its own each time: they are not to be shared by threads.
    made = botocore.session.Session()
    return made.create_client(service, region_name=region, config=config, **(keys or {}))


def _wrong(name: str, why: str) -> CannotOpen:
    return CannotOpen(
        f'The image "{name}" is not on this machine and cannot be pulled: {why}.',
        infrastructure=False,
    )
