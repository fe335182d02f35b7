"""The table of all operations: what is not in it is not served."""

from roundel.api import health
from roundel.api.operations import AnyOperation
from roundel.api.own import administration, artifacts, deliveries, logs
from roundel.api.v1 import builds, people
from roundel.api.v1 import kept as kept_v1
from roundel.api.v2 import (
    contexts,
    documents,
    envvars,
    insight_summaries,
    insight_tests,
    insights,
    jobs,
    kept,
    pipelines,
    projects,
    schedules,
    settings,
    url_orbs,
    webhooks,
    workflows,
)
from roundel.api.v3 import configs, runners

MODULES = (
    pipelines,
    workflows,
    jobs,
    kept,
    projects,
    schedules,
    settings,
    contexts,
    envvars,
    documents,
    url_orbs,
    webhooks,
    deliveries,
    insights,
    insight_summaries,
    insight_tests,
    configs,
    builds,
    kept_v1,
    people,
    administration,
    artifacts,
    logs,
    health,
    runners,
)


def operations() -> list[AnyOperation]:
    return [operation for module in MODULES for operation in module.OPERATIONS]
