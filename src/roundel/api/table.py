"""The table of all operations: what is not in it is not served."""

from roundel.api import health
from roundel.api.operations import AnyOperation
from roundel.api.own import administration, logs
from roundel.api.v1 import builds, people
from roundel.api.v2 import documents, jobs, pipelines, projects, workflows
from roundel.api.v3 import runners

MODULES = (
    pipelines,
    workflows,
    jobs,
    projects,
    documents,
    builds,
    people,
    administration,
    logs,
    health,
    runners,
)


def operations() -> list[AnyOperation]:
    return [operation for module in MODULES for operation in module.OPERATIONS]
