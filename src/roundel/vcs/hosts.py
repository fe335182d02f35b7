"""The adapters of git hosts by provider."""

from collections.abc import Mapping

from roundel.domain.git_hosts import GitHost, HostApi, Provider
from roundel.vcs.plain import PlainGit


class Adapters:
    """Implements `domain.git_hosts.GitHosts`."""

    def __init__(self) -> None:
        self._by_provider: Mapping[Provider, GitHost] = {Provider.GIT: PlainGit()}
        self._apis: Mapping[Provider, HostApi] = {}

    def of(self, provider: Provider) -> GitHost:
        """Return the adapter of a provider."""
        return self._by_provider[provider]

    def api(self, provider: Provider) -> HostApi | None:
        """Return the API of a provider's hosts; None for plain git."""
        return self._apis.get(provider)
