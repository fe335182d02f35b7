"""What a project and an organisation have chosen; the defaults are CircleCI's."""

from sys import maxsize
from typing import Protocol

from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.records import dataclass

NO_LIMIT = maxsize


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """`advanced` of the project settings in API v2, and below the line what is ours."""

    autocancel_builds: bool = False
    build_fork_prs: bool = False
    build_prs_only: bool = False
    disable_ssh: bool = False
    forks_receive_secret_env_vars: bool = False
    oss: bool = False
    set_github_status: bool = True
    setup_workflows: bool = True
    write_settings_requires_admin: bool = False
    pr_only_branch_overrides: tuple[str, ...] = ()
    rollback_pipeline_definition_id: str | None = None  # of the deploy settings; None: rerun
    # ours
    block_new_work: bool = False  # no new pipelines and reruns; what runs goes on
    approve_strangers: bool = False  # a fork's pull request of somebody new waits for a yes
    max_running_jobs: int | None = None  # executions at once, over all runners
    keep_logs_days: int | None = None  # output of ended workflows; None: as the organisation says
    keep_pipelines_days: int | None = None  # with all that they left; None: as the organisation
    rerun_while_running: bool = False  # what failed may run again before its workflow has ended
    several_continuations: bool = False  # a setup may go on with more than one config


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSettings:
    """What holds for all projects of an organisation."""

    block_new_work: bool = False
    approve_strangers: bool = False
    max_running_jobs: int | None = None
    keep_logs_days: int | None = None  # None: for ever
    keep_pipelines_days: int | None = None  # None: for ever
    config_policies: bool = False  # whether configs are judged


class AllSettings(Protocol):
    """Where settings are kept."""

    def of_project(self, project_id: ProjectId) -> ProjectSettings: ...

    def save_project(self, project_id: ProjectId, settings: ProjectSettings) -> None: ...

    def of_organization(self, organization_id: OrganizationId) -> OrganizationSettings: ...

    def save_organization(
        self, organization_id: OrganizationId, settings: OrganizationSettings
    ) -> None: ...
