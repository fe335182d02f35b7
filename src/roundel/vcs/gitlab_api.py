"""What GitLab is asked for."""

from roundel.domain.git_hosts import ConnectionSecret, Credentials, HostRefused
from roundel.domain.git_statuses import CommitStatus, StatusState
from roundel.domain.runners import Secret
from roundel.vcs.asking import Asking, part
from roundel.wire.web import Web

CLOUD = "https://gitlab.com"
_STATES = {
    StatusState.PENDING: "running",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failed",
    StatusState.ERROR: "failed",
    StatusState.CANCELED: "canceled",
}


class GitLabApi:
    """Implements `domain.git_hosts.HostApi`."""

    def __init__(self, web: Web) -> None:
        self._ask = Asking(web)

    async def set_status(self, status: CommitStatus, by: Credentials) -> None:
        """Set a commit status."""
        body = {
            "state": _STATES[status.state],
            "name": status.context,
            "target_url": status.url,
            "description": status.description,
            **({"ref": status.ref} if status.ref and not status.ref.startswith("pull/") else {}),
        }
        url = f"{_home(status.repository, by)}/statuses/{part(status.revision)}"
        try:
            await self._ask.json("POST", url, _headers(by), body)
        except HostRefused as error:
            # GitLab refuses to set the state that is set already.
            if "Cannot transition status" not in str(error):
                raise

    async def clone_credentials(self, repository: str, by: Credentials) -> tuple[str, Secret]:
        """Return user and password for git over https."""
        del repository
        return "oauth2", _token(by)

    async def add_deploy_key(
        self, repository: str, title: str, public_key: str, by: Credentials
    ) -> None:
        """Let a key read the repository."""
        body = {"title": title, "key": public_key, "can_push": False}
        await self._ask.json("POST", f"{_home(repository, by)}/deploy_keys", _headers(by), body)


def _home(repository: str, by: Credentials) -> str:
    return f"{by.api_url or CLOUD}/api/v4/projects/{part(repository)}"


def _token(by: Credentials) -> Secret:
    token = by.secret(ConnectionSecret.TOKEN)
    if token is None:
        raise HostRefused("the connection has no token", final=True)
    return token


def _headers(by: Credentials) -> dict[str, str]:
    return {"PRIVATE-TOKEN": _token(by)}
