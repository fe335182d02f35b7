"""Removing a project or an organisation with all that belongs to it, children before parents."""

from collections.abc import Sequence

from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.keeping import object_name
from roundel.domain.storage import BlobId
from roundel.store.dialect import Sql, placeholders

_WORKFLOWS = "SELECT id FROM workflow WHERE pipeline_id = :id"
_JOBS = f"SELECT id FROM job WHERE workflow_id IN ({_WORKFLOWS})"
_EXECUTIONS = f"SELECT id FROM execution WHERE job_id IN ({_JOBS})"
_UPLOADS = f"SELECT id FROM upload WHERE execution_id IN ({_EXECUTIONS})"

# In this order, as later ones are named by earlier ones.
_OF_PIPELINE = (
    f"DELETE FROM chunk WHERE execution_id IN ({_EXECUTIONS})",
    f"DELETE FROM step WHERE execution_id IN ({_EXECUTIONS})",
    f"DELETE FROM artifact WHERE job_id IN ({_JOBS})",
    f"DELETE FROM workspace_layer WHERE job_id IN ({_JOBS})",
    f"DELETE FROM cache WHERE upload_id IN ({_UPLOADS})",
    f"DELETE FROM upload WHERE execution_id IN ({_EXECUTIONS})",
    f"DELETE FROM test_result WHERE job_id IN ({_JOBS})",
    f"DELETE FROM test_part WHERE job_id IN ({_JOBS})",
    f"DELETE FROM test_run WHERE job_id IN ({_JOBS})",
    f"DELETE FROM ticket WHERE job_id IN ({_JOBS})",
    f"DELETE FROM timer WHERE subject IN ({_EXECUTIONS})",
    f"DELETE FROM timer WHERE subject IN ({_JOBS})",
    f"DELETE FROM timer WHERE subject IN ({_WORKFLOWS})",
    "DELETE FROM timer WHERE subject = :id",
    f"DELETE FROM execution WHERE job_id IN ({_JOBS})",
    f"DELETE FROM workflow_job WHERE workflow_id IN ({_WORKFLOWS})",
    f"DELETE FROM failed_tests_of WHERE workflow_id IN ({_WORKFLOWS})",
    f"DELETE FROM failed_tests_of WHERE failed_in IN ({_WORKFLOWS})",
    f"DELETE FROM job WHERE workflow_id IN ({_WORKFLOWS})",
    "DELETE FROM workflow WHERE pipeline_id = :id",
    "DELETE FROM orb_lock WHERE pipeline_id = :id",
    "DELETE FROM planned_release WHERE pipeline_id = :id",
    "DELETE FROM pipeline WHERE id = :id",
)
_CONNECTIONS = "SELECT id FROM git_connection WHERE project_id = :id"
_HOOKS = "SELECT id FROM webhook WHERE project_id = :id"
_DEFINITIONS = "SELECT id FROM pipeline_definition WHERE project_id = :id"
_OF_PROJECT = (
    "DELETE FROM timer WHERE subject IN (SELECT id FROM schedule WHERE project_id = :id)",
    "DELETE FROM timer WHERE subject IN (SELECT id FROM cron_trigger WHERE project_id = :id)",
    "DELETE FROM timer WHERE subject IN (SELECT id FROM outbox WHERE project_id = :id)",
    f"DELETE FROM timer WHERE subject IN"
    f" (SELECT id FROM webhook_delivery WHERE webhook_id IN ({_HOOKS}))",
    f"DELETE FROM timer WHERE subject IN"
    f" (SELECT id FROM git_delivery WHERE connection_id IN ({_CONNECTIONS}))",
    "DELETE FROM timer WHERE subject = :id",
    "DELETE FROM schedule WHERE project_id = :id",
    "DELETE FROM cron_trigger WHERE project_id = :id",
    "DELETE FROM outbox WHERE project_id = :id",
    f"DELETE FROM webhook_delivery WHERE webhook_id IN ({_HOOKS})",
    "DELETE FROM webhook WHERE project_id = :id",
    "DELETE FROM cache WHERE project_id = :id",
    "DELETE FROM upload WHERE project_id = :id",
    "DELETE FROM claim_turn WHERE project_id = :id",
    "DELETE FROM rollup WHERE project_id = :id",
    "DELETE FROM failure_streak WHERE project_id = :id",
    "DELETE FROM checkout_key WHERE project_id = :id",
    "DELETE FROM ssh_key WHERE project_id = :id",
    "DELETE FROM custom_claims WHERE project_id = :id",
    "DELETE FROM decision WHERE project_id = :id",
    "DELETE FROM restriction WHERE value = :id",
    "DELETE FROM secret WHERE owner_kind = 'project' AND owner_id = :id",
    f"DELETE FROM git_status WHERE connection_id IN ({_CONNECTIONS})",
    "DELETE FROM git_status WHERE project_id = :id",
    f"DELETE FROM git_delivery WHERE connection_id IN ({_CONNECTIONS})",
    f"DELETE FROM git_link WHERE connection_id IN ({_CONNECTIONS})",
    "DELETE FROM git_link WHERE project_id = :id",
    "DELETE FROM git_connection WHERE project_id = :id",
    "DELETE FROM git_ref WHERE project_id = :id",
    "DELETE FROM git_watch WHERE project_id = :id",
    "DELETE FROM git_guest WHERE project_id = :id",
    "DELETE FROM pull_request WHERE project_id = :id",
    "DELETE FROM deploy_version WHERE component_id IN"
    " (SELECT id FROM deploy_component WHERE project_id = :id)",
    "DELETE FROM deploy_component WHERE project_id = :id",
    "DELETE FROM pipeline_trigger WHERE project_id = :id",
    "DELETE FROM pipeline_trigger WHERE repository_project = :id",
    f"DELETE FROM pipeline_trigger WHERE definition_id IN ({_DEFINITIONS})",
    "DELETE FROM pipeline_definition WHERE project_id = :id",
    "DELETE FROM old_slug WHERE project_id = :id",
    "DELETE FROM project WHERE id = :id",
)
_CONTEXTS = "SELECT id FROM context WHERE organization_id = :id"
_CLASSES = "SELECT id FROM resource_class WHERE organization_id = :id"
_OF_ORGANIZATION = (
    f"DELETE FROM restriction WHERE context_id IN ({_CONTEXTS})",
    "DELETE FROM secret WHERE organization_id = :id",
    "DELETE FROM context WHERE organization_id = :id",
    "DELETE FROM url_orb_prefix WHERE organization_id = :id",
    f"DELETE FROM runner WHERE resource_class_id IN ({_CLASSES})",
    f"DELETE FROM runner_token WHERE resource_class_id IN ({_CLASSES})",
    "DELETE FROM resource_class WHERE organization_id = :id",
    "DELETE FROM ticket WHERE organization_id = :id",
    "DELETE FROM serial_group WHERE organization_id = :id",
    "DELETE FROM custom_claims WHERE organization_id = :id",
    "DELETE FROM timer WHERE subject IN (SELECT id FROM usage_export WHERE organization_id = :id)",
    "DELETE FROM usage_export WHERE organization_id = :id",
    "DELETE FROM timer WHERE subject IN (SELECT id FROM otlp_exporter WHERE organization_id = :id)",
    "DELETE FROM otlp_export WHERE exporter_id IN"
    " (SELECT id FROM otlp_exporter WHERE organization_id = :id)",
    "DELETE FROM otlp_exporter WHERE organization_id = :id",
    "DELETE FROM policy WHERE organization_id = :id",
    "DELETE FROM decision WHERE organization_id = :id",
    "DELETE FROM invitation WHERE organization_id = :id",
    "DELETE FROM git_status WHERE connection_id IN"
    " (SELECT id FROM git_connection WHERE organization_id = :id)",
    "DELETE FROM git_delivery WHERE connection_id IN"
    " (SELECT id FROM git_connection WHERE organization_id = :id)",
    "DELETE FROM git_link WHERE connection_id IN"
    " (SELECT id FROM git_connection WHERE organization_id = :id)",
    "DELETE FROM git_connection WHERE organization_id = :id",
    "DELETE FROM team_member WHERE team_id IN (SELECT id FROM team WHERE organization_id = :id)",
    "DELETE FROM team WHERE organization_id = :id",
    "DELETE FROM deploy_environment WHERE organization_id = :id",
    "DELETE FROM membership WHERE organization_id = :id",
    "DELETE FROM organization WHERE id = :id",
)


class SqlRemovals:
    """Implements `domain.removals.Removals`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def pipelines(self, project_id: ProjectId, limit: int) -> int:
        """Remove some pipelines of a project with all that came of them; return how many."""
        rows = self._sql.all(
            "SELECT id FROM pipeline WHERE project_id = :project LIMIT :limit",
            project=project_id,
            limit=limit,
        )
        for (pipeline,) in rows:
            self._doom_objects(pipeline)
            self._run(_OF_PIPELINE, pipeline)
        return len(rows)

    def project(self, project_id: ProjectId) -> None:
        """Remove a project that has no pipelines left."""
        uploads = self._sql.all("SELECT id FROM upload WHERE project_id = :id", id=project_id)
        self._doom([object_name(BlobId(row[0])) for row in uploads])
        self._run(_OF_PROJECT, project_id)

    def organization(self, organization_id: OrganizationId) -> None:
        """Remove an organisation that has no projects left."""
        self._run(_OF_ORGANIZATION, organization_id)

    def doomed(self, limit: int) -> Sequence[str]:
        """Return objects that nothing names any more."""
        return [
            row[0] for row in self._sql.all("SELECT name FROM doomed LIMIT :limit", limit=limit)
        ]

    def forget(self, names: Sequence[str]) -> None:
        """Forget doomed objects that are gone."""
        marks, values = placeholders("name", names)
        self._sql.run(f"DELETE FROM doomed WHERE name IN ({marks})", **values)

    def _doom_objects(self, pipeline: str) -> None:
        found = [
            *self._sql.all(
                f"SELECT blob FROM chunk WHERE blob IS NOT NULL"
                f" AND execution_id IN ({_EXECUTIONS})",
                id=pipeline,
            ),
            *self._sql.all(
                f"SELECT sealed FROM step WHERE sealed IS NOT NULL"
                f" AND execution_id IN ({_EXECUTIONS})",
                id=pipeline,
            ),
        ]
        uploads = self._sql.all(_UPLOADS, id=pipeline)
        self._doom([*(row[0] for row in found), *(object_name(BlobId(it[0])) for it in uploads)])

    def _doom(self, names: Sequence[str]) -> None:
        if names:
            self._sql.each(
                "INSERT INTO doomed (name) VALUES (:name) ON CONFLICT (name) DO NOTHING",
                [{"name": name} for name in names],
            )

    def _run(self, statements: Sequence[str], id_: str) -> None:
        for statement in statements:
            self._sql.run(statement, id=id_)
