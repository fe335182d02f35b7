"""One open transaction, with the repositories of the nouns as attributes.

Those that every pipeline needs are at hand; the others are loaded by whoever asks for them first,
so that a program that lives for one pipeline (`roundel run`) does not wait for what it never uses.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from roundel.store.dialect import Sql
from roundel.store.repos.checkout_keys import SqlCheckoutKeys
from roundel.store.repos.documents import SqlDocuments
from roundel.store.repos.executions import SqlExecutions
from roundel.store.repos.jobs import SqlJobs
from roundel.store.repos.orbs import SqlOrbRecords
from roundel.store.repos.outbox import SqlOutbox
from roundel.store.repos.people import SqlPeople
from roundel.store.repos.pipelines import SqlPipelines
from roundel.store.repos.projects import SqlProjects
from roundel.store.repos.replicas import SqlReplicas
from roundel.store.repos.secrets import SqlSecrets
from roundel.store.repos.settings import SqlSettings
from roundel.store.repos.ssh_keys import SqlSshKeys
from roundel.store.repos.steps import SqlSteps
from roundel.store.repos.tickets import SqlTickets
from roundel.store.repos.timers import SqlTimers
from roundel.store.repos.workflows import SqlWorkflows

if TYPE_CHECKING:
    from roundel.store.repos.artifacts import SqlArtifacts
    from roundel.store.repos.audit import SqlAudit
    from roundel.store.repos.caches import SqlCaches
    from roundel.store.repos.contexts import SqlContexts
    from roundel.store.repos.definitions import SqlDefinitions
    from roundel.store.repos.deploys import SqlDeploys
    from roundel.store.repos.exporters import SqlExporters
    from roundel.store.repos.git_hosts import SqlConnections
    from roundel.store.repos.git_refs import SqlKnownRefs
    from roundel.store.repos.git_statuses import SqlGitStatuses
    from roundel.store.repos.groups import SqlGroups
    from roundel.store.repos.history import SqlHistory
    from roundel.store.repos.insights import SqlInsights
    from roundel.store.repos.layers import SqlLayers
    from roundel.store.repos.oidc import SqlCustomClaims, SqlSigningKeys
    from roundel.store.repos.policies import SqlPolicies
    from roundel.store.repos.removals import SqlRemovals
    from roundel.store.repos.repeats import SqlRepeats
    from roundel.store.repos.resource_classes import SqlResourceClasses
    from roundel.store.repos.schedules import SqlCronTriggers, SqlSchedules
    from roundel.store.repos.sessions import SqlSessions
    from roundel.store.repos.test_results import SqlTestResults
    from roundel.store.repos.uploads import SqlUploads
    from roundel.store.repos.usage import SqlUsageExports
    from roundel.store.repos.webhooks import SqlWebhooks


class Transaction:
    """What a transaction function is given.  Wake-ups go out after the commit.

    A connection's next transaction is the same object: its repositories keep nothing but the way
    to the connection, and making them all anew would cost as much as two statements.
    """

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self.topics: set[str] = set()
        self.checkout_keys = SqlCheckoutKeys(sql)
        self.documents = SqlDocuments(sql)
        self.executions = SqlExecutions(sql)
        self.jobs = SqlJobs(sql, self.wake)
        self.orbs = SqlOrbRecords(sql)
        self.outbox = SqlOutbox(sql)
        self.people = SqlPeople(sql)
        self.pipelines = SqlPipelines(sql, self.wake)
        self.projects = SqlProjects(sql)
        self.replicas = SqlReplicas(sql)
        self.secrets = SqlSecrets(sql)
        self.settings = SqlSettings(sql)
        self.ssh_keys = SqlSshKeys(sql)
        self.steps = SqlSteps(sql)
        self.tickets = SqlTickets(sql)
        self.timers = SqlTimers(sql)
        self.workflows = SqlWorkflows(sql, self.wake)

    @cached_property
    def artifacts(self) -> "SqlArtifacts":
        from roundel.store.repos.artifacts import SqlArtifacts

        return SqlArtifacts(self._sql)

    @cached_property
    def audit(self) -> "SqlAudit":
        from roundel.store.repos.audit import SqlAudit

        return SqlAudit(self._sql)

    @cached_property
    def caches(self) -> "SqlCaches":
        from roundel.store.repos.caches import SqlCaches

        return SqlCaches(self._sql)

    @cached_property
    def connections(self) -> "SqlConnections":
        from roundel.store.repos.git_hosts import SqlConnections

        return SqlConnections(self._sql)

    @cached_property
    def contexts(self) -> "SqlContexts":
        from roundel.store.repos.contexts import SqlContexts

        return SqlContexts(self._sql)

    @cached_property
    def cron_triggers(self) -> "SqlCronTriggers":
        from roundel.store.repos.schedules import SqlCronTriggers

        return SqlCronTriggers(self._sql)

    @cached_property
    def custom_claims(self) -> "SqlCustomClaims":
        from roundel.store.repos.oidc import SqlCustomClaims

        return SqlCustomClaims(self._sql)

    @cached_property
    def definitions(self) -> "SqlDefinitions":
        from roundel.store.repos.definitions import SqlDefinitions

        return SqlDefinitions(self._sql)

    @cached_property
    def deploys(self) -> "SqlDeploys":
        from roundel.store.repos.deploys import SqlDeploys

        return SqlDeploys(self._sql)

    @cached_property
    def exporters(self) -> "SqlExporters":
        from roundel.store.repos.exporters import SqlExporters

        return SqlExporters(self._sql)

    @cached_property
    def git_statuses(self) -> "SqlGitStatuses":
        from roundel.store.repos.git_statuses import SqlGitStatuses

        return SqlGitStatuses(self._sql)

    @cached_property
    def groups(self) -> "SqlGroups":
        from roundel.store.repos.groups import SqlGroups

        return SqlGroups(self._sql)

    @cached_property
    def history(self) -> "SqlHistory":
        from roundel.store.repos.history import SqlHistory

        return SqlHistory(self._sql)

    @cached_property
    def insights(self) -> "SqlInsights":
        from roundel.store.repos.insights import SqlInsights

        return SqlInsights(self._sql)

    @cached_property
    def known_refs(self) -> "SqlKnownRefs":
        from roundel.store.repos.git_refs import SqlKnownRefs

        return SqlKnownRefs(self._sql)

    @cached_property
    def layers(self) -> "SqlLayers":
        from roundel.store.repos.layers import SqlLayers

        return SqlLayers(self._sql)

    @cached_property
    def policies(self) -> "SqlPolicies":
        from roundel.store.repos.policies import SqlPolicies

        return SqlPolicies(self._sql)

    @cached_property
    def removals(self) -> "SqlRemovals":
        from roundel.store.repos.removals import SqlRemovals

        return SqlRemovals(self._sql)

    @cached_property
    def repeats(self) -> "SqlRepeats":
        from roundel.store.repos.repeats import SqlRepeats

        return SqlRepeats(self._sql)

    @cached_property
    def resource_classes(self) -> "SqlResourceClasses":
        from roundel.store.repos.resource_classes import SqlResourceClasses

        return SqlResourceClasses(self._sql)

    @cached_property
    def schedules(self) -> "SqlSchedules":
        from roundel.store.repos.schedules import SqlSchedules

        return SqlSchedules(self._sql)

    @cached_property
    def sessions(self) -> "SqlSessions":
        from roundel.store.repos.sessions import SqlSessions

        return SqlSessions(self._sql)

    @cached_property
    def signing_keys(self) -> "SqlSigningKeys":
        from roundel.store.repos.oidc import SqlSigningKeys

        return SqlSigningKeys(self._sql)

    @cached_property
    def test_results(self) -> "SqlTestResults":
        from roundel.store.repos.test_results import SqlTestResults

        return SqlTestResults(self._sql)

    @cached_property
    def uploads(self) -> "SqlUploads":
        from roundel.store.repos.uploads import SqlUploads

        return SqlUploads(self._sql)

    @cached_property
    def usage(self) -> "SqlUsageExports":
        from roundel.store.repos.usage import SqlUsageExports

        return SqlUsageExports(self._sql)

    @cached_property
    def webhooks(self) -> "SqlWebhooks":
        from roundel.store.repos.webhooks import SqlWebhooks

        return SqlWebhooks(self._sql)

    def runs_on(self, sql: Sql) -> bool:
        """Tell whether it is of this connection."""
        return self._sql is sql

    def begin(self) -> None:
        """Forget what the one before has woken."""
        self.topics = set()

    def wake(self, topic: str) -> None:
        """Wake those who wait on `topic`, once this is durable."""
        self.topics.add(topic)
