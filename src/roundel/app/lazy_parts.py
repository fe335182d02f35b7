"""The parts of a server that not every program needs: made, and loaded, when first asked for.

A local run (`roundel run`) is the same engine, and lives for one pipeline: it must not wait for
the queries of pages, the adapters of git hosts and the like.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roundel.domain.audit import AuditReads
    from roundel.domain.blobs import Blobs
    from roundel.domain.checkout_keys import CheckoutKeyReads
    from roundel.domain.clock import Clock
    from roundel.domain.definitions import DefinitionReads
    from roundel.domain.deploys import DeployReads
    from roundel.domain.git_hosts import ConnectionReads, GitHosts
    from roundel.domain.groups import GroupReads
    from roundel.domain.insight_views import InsightReads
    from roundel.domain.logs import Logs
    from roundel.domain.page_views import PageReads
    from roundel.domain.policies import PolicyReads
    from roundel.domain.sessions import SessionReads
    from roundel.domain.ssh_keys import SshKeyReads
    from roundel.domain.telemetry import ExporterReads
    from roundel.domain.usage import UsageReads
    from roundel.domain.webhooks import WebhookReads
    from roundel.services.judging import Judge
    from roundel.services.log_search import LogSearch
    from roundel.store.database import Database
    from roundel.wire.web import Web


class LazyParts:
    """Part of `app.engine.Engine`, which sets what is declared here."""

    blobs: Blobs
    clock: Clock
    logs: Logs
    web: Web
    _database: Database

    @cached_property
    def audit(self) -> AuditReads:
        from roundel.store.queries.audit import SqlAuditReads

        return SqlAuditReads(self._database)

    @cached_property
    def checkout_keys(self) -> CheckoutKeyReads:
        from roundel.store.queries.checkout_keys import SqlCheckoutKeyReads

        return SqlCheckoutKeyReads(self._database)

    @cached_property
    def connections(self) -> ConnectionReads:
        from roundel.store.queries.git_hosts import SqlConnectionReads

        return SqlConnectionReads(self._database)

    @cached_property
    def definitions(self) -> DefinitionReads:
        from roundel.store.queries.definitions import SqlDefinitionReads

        return SqlDefinitionReads(self._database)

    @cached_property
    def deploys(self) -> DeployReads:
        from roundel.store.queries.deploys import SqlDeployReads

        return SqlDeployReads(self._database)

    @cached_property
    def exporters(self) -> ExporterReads:
        from roundel.store.queries.exporters import SqlExporterReads

        return SqlExporterReads(self._database)

    @cached_property
    def groups(self) -> GroupReads:
        from roundel.store.queries.groups import SqlGroupReads

        return SqlGroupReads(self._database)

    @cached_property
    def insights(self) -> InsightReads:
        from roundel.store.queries.insights import SqlInsightReads

        return SqlInsightReads(self._database)

    @cached_property
    def log_search(self) -> LogSearch:
        from roundel.services.log_search import LogSearch
        from roundel.store.queries.log_search import SqlSearchedOutputs

        return LogSearch(SqlSearchedOutputs(self._database, self.blobs, self.logs))

    @cached_property
    def pages(self) -> PageReads:
        from roundel.store.queries.pages import SqlPageReads

        return SqlPageReads(self._database)

    @cached_property
    def policies(self) -> PolicyReads:
        from roundel.store.queries.policies import SqlPolicyReads

        return SqlPolicyReads(self._database)

    @cached_property
    def sessions(self) -> SessionReads:
        from roundel.store.queries.sessions import SqlSessionReads

        return SqlSessionReads(self._database, self.clock)

    @cached_property
    def ssh_keys(self) -> SshKeyReads:
        from roundel.store.queries.ssh_keys import SqlSshKeyReads

        return SqlSshKeyReads(self._database)

    @cached_property
    def usage(self) -> UsageReads:
        from roundel.store.queries.usage import SqlUsageReads

        return SqlUsageReads(self._database)

    @cached_property
    def webhooks(self) -> WebhookReads:
        from roundel.store.queries.webhooks import SqlWebhookReads

        return SqlWebhookReads(self._database)

    @cached_property
    def git_hosts(self) -> GitHosts:
        from roundel.vcs.hosts import Adapters

        return Adapters(self.web)

    @cached_property
    def judge(self) -> Judge:
        from roundel.services.judging import Judge

        return Judge()
