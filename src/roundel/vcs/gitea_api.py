"""What Gitea and Forgejo are asked for."""

from roundel.domain.git_hosts import ConnectionSecret, Credentials, HostRefused
from roundel.domain.git_statuses import CommitStatus, StatusState
from roundel.domain.runners import Secret
from roundel.vcs.asking import Asking, part, path
from roundel.wire.web import Web

_STATES = {
    StatusState.PENDING: "pending",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failure",
    StatusState.ERROR: "error",
    StatusState.CANCELED: "error",
}


class GiteaApi:
    """Implements `domain.git_hosts.HostApi`."""

    def __init__(self, web: Web) -> None:
        self._ask = Asking(web)

    async def set_status(self, status: CommitStatus, by: Credentials) -> None:
        """Set a commit status."""
        body = {
            "state": _STATES[status.state],
            "target_url": status.url,
            "description": status.description,
            "context": status.context,
        }
        url = f"{_home(status.repository, by)}/statuses/{part(status.revision)}"
        await self._ask.json("POST", url, _headers(by), body)

    async def clone_credentials(self, repository: str, by: Credentials) -> tuple[str, Secret]:
        """Return user and password for git over https."""
        del repository
        return "roundel", _token(by)

    async def add_deploy_key(
        self, repository: str, title: str, public_key: str, by: Credentials
    ) -> None:
        """Let a key read the repository."""
        body = {"title": title, "key": public_key, "read_only": True}
        await self._ask.json("POST", f"{_home(repository, by)}/keys", _headers(by), body)


def _home(repository: str, by: Credentials) -> str:
    return f"{by.api_url}/api/v1/repos/{path(repository)}"


def _token(by: Credentials) -> Secret:
    token = by.secret(ConnectionSecret.TOKEN)
    if token is None:
        raise HostRefused("the connection has no token", final=True)
    return token


def _headers(by: Credentials) -> dict[str, str]:
    return {"Authorization": "token " + _token(by)}
