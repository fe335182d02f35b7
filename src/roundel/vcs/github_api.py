"""What GitHub is asked for, by a token or as an App."""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Mapping

from roundel.domain.git_hosts import ConnectionSecret, Credentials, HostRefused
from roundel.domain.git_statuses import CommitStatus, StatusState
from roundel.domain.runners import Secret
from roundel.vcs.asking import Asking, part, path
from roundel.vcs.protocol import Tree
from roundel.wire.web import Web

CLOUD = "https://api.github.com"
VERSION = "2022-11-28"
LONGEST_DESCRIPTION = 140  # characters
APP_TOKEN_SECONDS = 540  # GitHub takes ten minutes at most
KEPT_SECONDS = 3000.0  # an installation's token is good for an hour
_STATES = {
    StatusState.PENDING: "pending",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failure",
    StatusState.ERROR: "error",
    StatusState.CANCELED: "error",
}
_CONCLUSIONS = {
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failure",
    StatusState.ERROR: "failure",
    StatusState.CANCELED: "cancelled",
}


class GitHubApi:
    """Implements `domain.git_hosts.HostApi`.  Tokens of an App's installations are kept a while."""

    def __init__(self, web: Web) -> None:
        self._ask = Asking(web)
        self._tokens: dict[tuple[str, ...], tuple[float, Secret]] = {}
        self._making: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def set_status(self, status: CommitStatus, by: Credentials) -> None:
        """Set a commit status; as an App, a check run for a whole workflow."""
        headers = await self._headers(status.repository, by)
        home = self._home(status.repository, by)
        if status.whole and by.app_id:
            await self._check(status, home, headers)
            return
        body = {
            "state": _STATES[status.state],
            "target_url": status.url,
            "description": status.description[:LONGEST_DESCRIPTION],
            "context": status.context,
        }
        await self._ask.json("POST", f"{home}/statuses/{part(status.revision)}", headers, body)

    async def _check(self, status: CommitStatus, home: str, headers: Mapping[str, str]) -> None:
        """Change the check run of this name and commit, or make it where there is none."""
        body: dict[str, object] = {
            "name": status.context,
            "details_url": status.url,
            "status": "in_progress" if status.state is StatusState.PENDING else "completed",
            "output": {"title": status.description, "summary": status.description},
        }
        if status.state is not StatusState.PENDING:
            body["conclusion"] = _CONCLUSIONS[status.state]
        found = await self._ask.json(
            "GET",
            f"{home}/commits/{part(status.revision)}/check-runs"
            f"?check_name={part(status.context)}&filter=latest",
            headers,
        )
        known = found.each("check_runs")
        if known and known[0].text("status") != "completed":
            await self._ask.json(
                "PATCH", f"{home}/check-runs/{part(known[0].text('id'))}", headers, body
            )
            return
        body["head_sha"] = status.revision
        await self._ask.json("POST", f"{home}/check-runs", headers, body)

    async def clone_credentials(self, repository: str, by: Credentials) -> tuple[str, Secret]:
        """Return user and password for git over https.

        An App's password reads this repository, does nothing else, and ends within the hour.
        """
        only: Tree = {
            "repositories": [repository.rpartition("/")[2]],
            "permissions": {"contents": "read"},
        }
        return "x-access-token", await self._token(repository, by, only)

    async def add_deploy_key(
        self, repository: str, title: str, public_key: str, by: Credentials
    ) -> None:
        """Let a key read the repository."""
        headers = await self._headers(repository, by)
        body = {"title": title, "key": public_key, "read_only": True}
        await self._ask.json("POST", f"{self._home(repository, by)}/keys", headers, body)

    def _home(self, repository: str, by: Credentials) -> str:
        return f"{by.api_url or CLOUD}/repos/{path(repository)}"

    async def _headers(self, repository: str, by: Credentials) -> dict[str, str]:
        return _headers(await self._token(repository, by))

    async def _token(self, repository: str, by: Credentials, only: Tree | None = None) -> Secret:
        """Return the token of the connection, or one of the App's installation there.

        `only` says what such a one may do, where that is to be less than all.
        """
        own, key = by.secret(ConnectionSecret.TOKEN), by.secret(ConnectionSecret.PRIVATE_KEY)
        if key is None:
            if own is None:
                raise HostRefused("the connection has no token", final=True)
            return own
        # Kept for who has the key: to know the App's number proves nothing.
        holder = hashlib.sha256(key.encode()).hexdigest()
        owner = repository if only else repository.partition("/")[0]
        place = (by.api_url, by.app_id, holder, owner)
        async with self._making[place]:  # many jobs that begin at once need one token
            known = self._tokens.get(place)
            if known is not None and known[0] > time.monotonic():
                return known[1]
            token = await self._made(repository, by, key, only)
            self._tokens[place] = (time.monotonic() + KEPT_SECONDS, token)
            return token

    async def _made(
        self, repository: str, by: Credentials, key: Secret, only: Tree | None
    ) -> Secret:
        """Return a new token of the App's installation that has the repository."""
        signed = _headers(_app_token(by.app_id, key))
        installation = await self._ask.json(
            "GET", f"{self._home(repository, by)}/installation", signed
        )
        base = by.api_url or CLOUD
        id_ = part(installation.text("id"))
        made = await self._ask.json(
            "POST", f"{base}/app/installations/{id_}/access_tokens", signed, only or {}
        )
        token = Secret(made.text("token"))
        if not token:
            raise HostRefused("GitHub gave no token for the App's installation")
        return token


def _headers(token: Secret) -> dict[str, str]:
    return {
        "Authorization": "Bearer " + token,
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": VERSION,
    }


def _app_token(app_id: str, private_key: Secret) -> Secret:
    """Return a token by which the App itself is known."""
    from joserfc import jwt  # only Apps need it
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    now = int(time.time())
    claims = {"iat": now - 60, "exp": now + APP_TOKEN_SECONDS, "iss": app_id}
    try:
        key = RSAKey.import_key(str(private_key))
        return Secret(jwt.encode({"alg": "RS256"}, claims, key))
    except (JoseError, ValueError, TypeError):
        raise HostRefused("the App's private key cannot be used", final=True) from None
