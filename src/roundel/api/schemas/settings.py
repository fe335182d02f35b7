"""Settings on the wire: CircleCI's under `advanced`; ours are objects of their own.

The published document allows a project's settings no key beside `advanced`.
"""

import msgspec
from msgspec import UNSET, UnsetType

from roundel.domain.settings import OrganizationSettings, ProjectSettings

Flag = bool | UnsetType | None


class Advanced(msgspec.Struct):
    autocancel_builds: bool
    build_fork_prs: bool
    build_prs_only: bool
    disable_ssh: bool
    forks_receive_secret_env_vars: bool
    oss: bool
    set_github_status: bool
    setup_workflows: bool
    write_settings_requires_admin: bool
    pr_only_branch_overrides: list[str]


class Own(msgspec.Struct):
    """No new pipelines and reruns; how many executions may run at once, null for any number; and
    for how many days the output of ended workflows is kept, and pipelines with all that they left,
    null for what the organization says or for ever.
    """

    block_new_work: bool
    approve_strangers: bool
    max_running_jobs: int | None
    keep_logs_days: int | None
    keep_pipelines_days: int | None


class ProjectOwn(Own):
    """Beside that: whether what failed may run again while its workflow goes on, and whether a
    setup may go on with more than one config.
    """

    rerun_while_running: bool
    several_continuations: bool


class SettingsShown(msgspec.Struct):
    advanced: Advanced


_LIMITS = frozenset({"max_running_jobs", "keep_logs_days", "keep_pipelines_days"})


class AdvancedChange(msgspec.Struct, omit_defaults=True):
    autocancel_builds: Flag = UNSET
    build_fork_prs: Flag = UNSET
    build_prs_only: Flag = UNSET
    disable_ssh: Flag = UNSET
    forks_receive_secret_env_vars: Flag = UNSET
    oss: Flag = UNSET
    set_github_status: Flag = UNSET
    setup_workflows: Flag = UNSET
    write_settings_requires_admin: Flag = UNSET
    pr_only_branch_overrides: list[str] | UnsetType | None = UNSET


class OwnChange(msgspec.Struct, forbid_unknown_fields=True):
    """A null lifts the limit; what is left out stays.  A name that is none is a mistake."""

    block_new_work: Flag = UNSET
    approve_strangers: Flag = UNSET
    max_running_jobs: int | UnsetType | None = UNSET
    keep_logs_days: int | UnsetType | None = UNSET
    keep_pipelines_days: int | UnsetType | None = UNSET


class ProjectOwnChange(OwnChange, forbid_unknown_fields=True):
    rerun_while_running: Flag = UNSET
    several_continuations: Flag = UNSET


class SettingsChange(msgspec.Struct):
    advanced: AdvancedChange | None = None


def settings_shown(settings: ProjectSettings) -> SettingsShown:
    return SettingsShown(
        advanced=Advanced(
            autocancel_builds=settings.autocancel_builds,
            build_fork_prs=settings.build_fork_prs,
            build_prs_only=settings.build_prs_only,
            disable_ssh=settings.disable_ssh,
            forks_receive_secret_env_vars=settings.forks_receive_secret_env_vars,
            oss=settings.oss,
            set_github_status=settings.set_github_status,
            setup_workflows=settings.setup_workflows,
            write_settings_requires_admin=settings.write_settings_requires_admin,
            pr_only_branch_overrides=list(settings.pr_only_branch_overrides),
        ),
    )


def own_shown(settings: ProjectSettings) -> ProjectOwn:
    return ProjectOwn(
        settings.block_new_work,
        settings.approve_strangers,
        settings.max_running_jobs,
        settings.keep_logs_days,
        settings.keep_pipelines_days,
        settings.rerun_while_running,
        settings.several_continuations,
    )


def common_shown(settings: OrganizationSettings) -> Own:
    return Own(
        settings.block_new_work,
        settings.approve_strangers,
        settings.max_running_jobs,
        settings.keep_logs_days,
        settings.keep_pipelines_days,
    )


def changes_of(body: SettingsChange) -> dict[str, object]:
    """Return what is to change, by the names of the settings."""
    advanced = body.advanced or AdvancedChange()
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name in advanced.__struct_fields__
        if (value := getattr(advanced, name)) is not UNSET and value is not None
    }


def own_changes(body: OwnChange) -> dict[str, object]:
    """Return what of ours is to change; a null limit is one that is lifted."""
    changes = {name: getattr(body, name) for name in body.__struct_fields__}
    return {
        name: value
        for name, value in changes.items()
        if value is not UNSET and (value is not None or name in _LIMITS)
    }
