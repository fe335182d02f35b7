"""One open transaction, with the repositories of the nouns as attributes."""

from roundel.store.dialect import Sql
from roundel.store.repos.artifacts import SqlArtifacts
from roundel.store.repos.audit import SqlAudit
from roundel.store.repos.caches import SqlCaches
from roundel.store.repos.checkout_keys import SqlCheckoutKeys
from roundel.store.repos.contexts import SqlContexts
from roundel.store.repos.definitions import SqlDefinitions
from roundel.store.repos.deploys import SqlDeploys
from roundel.store.repos.documents import SqlDocuments
from roundel.store.repos.executions import SqlExecutions
from roundel.store.repos.git_hosts import SqlConnections
from roundel.store.repos.git_refs import SqlKnownRefs
from roundel.store.repos.git_statuses import SqlGitStatuses
from roundel.store.repos.groups import SqlGroups
from roundel.store.repos.history import SqlHistory
from roundel.store.repos.insights import SqlInsights
from roundel.store.repos.jobs import SqlJobs
from roundel.store.repos.layers import SqlLayers
from roundel.store.repos.oidc import SqlCustomClaims, SqlSigningKeys
from roundel.store.repos.orbs import SqlOrbRecords
from roundel.store.repos.outbox import SqlOutbox
from roundel.store.repos.people import SqlPeople
from roundel.store.repos.pipelines import SqlPipelines
from roundel.store.repos.policies import SqlPolicies
from roundel.store.repos.projects import SqlProjects
from roundel.store.repos.removals import SqlRemovals
from roundel.store.repos.repeats import SqlRepeats
from roundel.store.repos.replicas import SqlReplicas
from roundel.store.repos.resource_classes import SqlResourceClasses
from roundel.store.repos.schedules import SqlCronTriggers, SqlSchedules
from roundel.store.repos.secrets import SqlSecrets
from roundel.store.repos.sessions import SqlSessions
from roundel.store.repos.settings import SqlSettings
from roundel.store.repos.ssh_keys import SqlSshKeys
from roundel.store.repos.steps import SqlSteps
from roundel.store.repos.test_results import SqlTestResults
from roundel.store.repos.tickets import SqlTickets
from roundel.store.repos.timers import SqlTimers
from roundel.store.repos.uploads import SqlUploads
from roundel.store.repos.usage import SqlUsageExports
from roundel.store.repos.webhooks import SqlWebhooks
from roundel.store.repos.workflows import SqlWorkflows


class Transaction:
    """What a transaction function is given.  Wake-ups go out after the commit."""

    def __init__(self, sql: Sql) -> None:
        self.topics: set[str] = set()
        self.artifacts = SqlArtifacts(sql)
        self.audit = SqlAudit(sql)
        self.caches = SqlCaches(sql)
        self.checkout_keys = SqlCheckoutKeys(sql)
        self.connections = SqlConnections(sql)
        self.contexts = SqlContexts(sql)
        self.definitions = SqlDefinitions(sql)
        self.deploys = SqlDeploys(sql)
        self.documents = SqlDocuments(sql)
        self.executions = SqlExecutions(sql)
        self.history = SqlHistory(sql)
        self.groups = SqlGroups(sql)
        self.insights = SqlInsights(sql)
        self.git_statuses = SqlGitStatuses(sql)
        self.known_refs = SqlKnownRefs(sql)
        self.jobs = SqlJobs(sql, self.wake)
        self.layers = SqlLayers(sql)
        self.orbs = SqlOrbRecords(sql)
        self.outbox = SqlOutbox(sql)
        self.people = SqlPeople(sql)
        self.policies = SqlPolicies(sql)
        self.pipelines = SqlPipelines(sql, self.wake)
        self.projects = SqlProjects(sql)
        self.cron_triggers = SqlCronTriggers(sql)
        self.schedules = SqlSchedules(sql)
        self.secrets = SqlSecrets(sql)
        self.sessions = SqlSessions(sql)
        self.settings = SqlSettings(sql)
        self.removals = SqlRemovals(sql)
        self.repeats = SqlRepeats(sql)
        self.replicas = SqlReplicas(sql)
        self.resource_classes = SqlResourceClasses(sql)
        self.custom_claims = SqlCustomClaims(sql)
        self.signing_keys = SqlSigningKeys(sql)
        self.ssh_keys = SqlSshKeys(sql)
        self.steps = SqlSteps(sql)
        self.test_results = SqlTestResults(sql)
        self.tickets = SqlTickets(sql)
        self.timers = SqlTimers(sql)
        self.uploads = SqlUploads(sql)
        self.usage = SqlUsageExports(sql)
        self.webhooks = SqlWebhooks(sql)
        self.workflows = SqlWorkflows(sql, self.wake)

    def wake(self, topic: str) -> None:
        """Wake those who wait on `topic`, once this is durable."""
        self.topics.add(topic)
