"""The adapters of git hosts by provider."""

from collections.abc import Mapping

from roundel.domain.git_hosts import GitHost, HostApi, Provider
from roundel.vcs.bitbucket import Bitbucket
from roundel.vcs.bitbucket_api import BitbucketApi, BitbucketDataCenterApi
from roundel.vcs.bitbucket_dc import BitbucketDataCenter
from roundel.vcs.gitea import Gitea
from roundel.vcs.gitea_api import GiteaApi
from roundel.vcs.github import GitHub
from roundel.vcs.github_api import GitHubApi
from roundel.vcs.gitlab import GitLab
from roundel.vcs.gitlab_api import GitLabApi
from roundel.vcs.plain import PlainGit
from roundel.wire.web import Web


class Adapters:
    """Implements `domain.git_hosts.GitHosts`."""

    def __init__(self, web: Web) -> None:
        self._by_provider: Mapping[Provider, GitHost] = {
            Provider.GIT: PlainGit(),
            Provider.GITHUB: GitHub(),
            Provider.GITLAB: GitLab(),
            Provider.BITBUCKET: Bitbucket(),
            Provider.BITBUCKET_DC: BitbucketDataCenter(),
            Provider.GITEA: Gitea(),
        }
        self._apis: Mapping[Provider, HostApi] = {
            Provider.GITHUB: GitHubApi(web),
            Provider.GITLAB: GitLabApi(web),
            Provider.BITBUCKET: BitbucketApi(web),
            Provider.BITBUCKET_DC: BitbucketDataCenterApi(web),
            Provider.GITEA: GiteaApi(web),
        }

    def of(self, provider: Provider) -> GitHost:
        """Return the adapter of a provider."""
        return self._by_provider[provider]

    def api(self, provider: Provider) -> HostApi | None:
        """Return the API of a provider's hosts; None for plain git."""
        return self._apis.get(provider)
