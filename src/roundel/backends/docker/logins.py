"""Credentials of registries: what `auth`, `aws_auth` and `gcp_auth` of an image stand for."""

import re
from collections.abc import Mapping

from roundel.backends.docker import ecr, gar
from roundel.domain.plan import ImagePlan

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


async def login_for(
    name: str, plan: ImagePlan, environment: Mapping[str, str]
) -> dict[str, str] | None:
    """Return user and password for pulling an image, None where none are given.

    `name` is what the plan's image is called here.  Without credentials in the config, those of
    the job's variables that CircleCI looks at open the clouds' own registries.  Raise CannotOpen.
    """
    auth = {key: expanded(value, environment) for key, value in (plan.auth or {}).items()}
    if auth.keys() & set(gar.KEYS):
        return await gar.gar_login(plan.image, auth, environment)
    if "username" in auth:
        return auth
    if auth:
        return await ecr.ecr_login(plan.image, auth, environment)
    if gar.is_google(name) and (auth := gar.from_variables(environment)):
        return await gar.gar_login(name, auth, environment)
    if ecr.is_amazon(name) and (auth := ecr.from_variables(environment)):
        return await ecr.ecr_login(name, auth, environment)
    return None


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """Return `text` with `$NAME` replaced: only registry credentials know this."""
    return _VARIABLE.sub(lambda m: environment.get(m[1] or m[2], ""), text)
