"""The table of all operations: what is not in it is not served."""

from roundel.api import health
from roundel.api.operations import V1, AnyOperation
from roundel.api.own import (
    administration,
    artifacts,
    audit,
    audit_export,
    deliveries,
    events,
    followed,
    git_hosts,
    logs,
    members,
)
from roundel.api.v1 import actions, builds, people, ssh_keys
from roundel.api.v1 import kept as kept_v1
from roundel.api.v1 import settings as settings_v1
from roundel.api.v1.bare import bare
from roundel.api.v2 import (
    checkout_keys,
    contexts,
    definitions,
    deploys,
    documents,
    envvars,
    groups,
    insight_summaries,
    insight_tests,
    insights,
    jobs,
    kept,
    oidc,
    organizations,
    otel,
    pipeline_values,
    pipelines,
    plans,
    policies,
    projects,
    rollbacks,
    schedules,
    searches,
    settings,
    triggers,
    url_orbs,
    usage,
    webhooks,
    workflows,
)
from roundel.api.v3 import configs, runners

MODULES = (
    pipelines,
    workflows,
    jobs,
    kept,
    pipeline_values,
    plans,
    definitions,
    triggers,
    projects,
    schedules,
    searches,
    settings,
    contexts,
    envvars,
    deploys,
    rollbacks,
    groups,
    organizations,
    members,
    checkout_keys,
    ssh_keys,
    oidc,
    documents,
    url_orbs,
    usage,
    policies,
    webhooks,
    deliveries,
    events,
    otel,
    insights,
    insight_summaries,
    insight_tests,
    configs,
    builds,
    actions,
    kept_v1,
    settings_v1,
    people,
    administration,
    audit,
    audit_export,
    artifacts,
    logs,
    followed,
    git_hosts,
    health,
    runners,
)


def operations() -> list[AnyOperation]:
    named = [operation for module in MODULES for operation in module.OPERATIONS]
    return [*named, *bare(it for it in named if it.prefix == V1)]
