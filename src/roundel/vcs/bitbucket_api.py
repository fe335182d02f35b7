"""What Bitbucket is asked for: its cloud, and Data Center at one's own address."""

import hashlib

from roundel.domain.git_hosts import ConnectionSecret, Credentials, HostRefused
from roundel.domain.git_statuses import CommitStatus, StatusState
from roundel.domain.runners import Secret
from roundel.vcs.asking import Asking, part, path
from roundel.wire.web import Web

CLOUD = "https://api.bitbucket.org"
LONGEST_KEY = 40  # characters of a status's key
_STATES = {
    StatusState.PENDING: "INPROGRESS",
    StatusState.SUCCESS: "SUCCESSFUL",
    StatusState.FAILURE: "FAILED",
    StatusState.ERROR: "FAILED",
}


class BitbucketApi:
    """Implements `domain.git_hosts.HostApi` for Bitbucket Cloud."""

    def __init__(self, web: Web) -> None:
        self._ask = Asking(web)

    async def set_status(self, status: CommitStatus, by: Credentials) -> None:
        """Set a build status."""
        url = f"{self._home(status.repository, by)}/commit/{part(status.revision)}/statuses/build"
        await self._ask.json("POST", url, _headers(by), _build(status, "STOPPED"))

    async def clone_credentials(self, repository: str, by: Credentials) -> tuple[str, Secret]:
        """Return user and password for git over https."""
        del repository
        return "x-token-auth", _token(by)

    async def add_deploy_key(
        self, repository: str, title: str, public_key: str, by: Credentials
    ) -> None:
        """Let a key read the repository."""
        body = {"label": title, "key": public_key}
        url = f"{self._home(repository, by)}/deploy-keys"
        await self._ask.json("POST", url, _headers(by), body)

    def _home(self, repository: str, by: Credentials) -> str:
        return f"{by.api_url or CLOUD}/2.0/repositories/{path(repository)}"


class BitbucketDataCenterApi:
    """Implements `domain.git_hosts.HostApi` for Bitbucket Data Center."""

    def __init__(self, web: Web) -> None:
        self._ask = Asking(web)

    async def set_status(self, status: CommitStatus, by: Credentials) -> None:
        """Set a build status."""
        home = _dc_home(status.repository, by, "api/latest")
        url = f"{home}/commits/{part(status.revision)}/builds"
        await self._ask.json("POST", url, _headers(by), _build(status, "CANCELLED"))

    async def clone_credentials(self, repository: str, by: Credentials) -> tuple[str, Secret]:
        """Return user and password for git over https."""
        del repository
        return "x-token-auth", _token(by)

    async def add_deploy_key(
        self, repository: str, title: str, public_key: str, by: Credentials
    ) -> None:
        """Let a key read the repository."""
        body = {"key": {"text": public_key, "label": title}, "permission": "REPO_READ"}
        url = f"{_dc_home(repository, by, 'keys/latest')}/ssh"
        await self._ask.json("POST", url, _headers(by), body)


def _dc_home(repository: str, by: Credentials, api: str) -> str:
    project, _, name = repository.partition("/")
    return f"{by.api_url}/rest/{api}/projects/{part(project)}/repos/{part(name)}"


def _build(status: CommitStatus, canceled: str) -> dict[str, str]:
    key = status.context
    if len(key) > LONGEST_KEY:
        key = hashlib.sha256(key.encode()).hexdigest()[:LONGEST_KEY]
    return {
        "key": key,
        "state": _STATES.get(status.state, canceled),
        "name": status.context,
        "url": status.url,
        "description": status.description,
    }


def _token(by: Credentials) -> Secret:
    token = by.secret(ConnectionSecret.TOKEN)
    if token is None:
        raise HostRefused("the connection has no token", final=True)
    return token


def _headers(by: Credentials) -> dict[str, str]:
    return {"Authorization": "Bearer " + _token(by)}
