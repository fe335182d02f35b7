"""Settings of projects, and ours of organisations."""

from roundel.api.operations import OWN, AnyOperation, Call, Operation
from roundel.api.schemas.settings import (
    Own,
    OwnChange,
    ProjectOwn,
    ProjectOwnChange,
    SettingsChange,
    SettingsShown,
    changes_of,
    common_shown,
    own_changes,
    own_shown,
    settings_shown,
)
from roundel.api.subjects import ORGANIZATION, PROJECT
from roundel.domain.access import Need
from roundel.domain.projects import Organization, Project


async def show(call: Call[Project, None]) -> SettingsShown:
    return settings_shown(await call.app.reads.project_settings(call.subject.id))


async def change(call: Call[Project, SettingsChange]) -> SettingsShown:
    changes = changes_of(call.body)
    return settings_shown(
        await call.door.use_cases.change_project_settings(call.subject, changes, call.actor)
    )


async def show_own(call: Call[Project, None]) -> ProjectOwn:
    return own_shown(await call.app.reads.project_settings(call.subject.id))


async def change_own(call: Call[Project, ProjectOwnChange]) -> ProjectOwn:
    changes = own_changes(call.body)
    return own_shown(
        await call.door.use_cases.change_project_settings(call.subject, changes, call.actor)
    )


async def show_common(call: Call[Organization, None]) -> Own:
    return common_shown(await call.app.reads.organization_settings(call.subject.id))


async def change_common(call: Call[Organization, OwnChange]) -> Own:
    changes = own_changes(call.body)
    return common_shown(
        await call.door.use_cases.change_organization_settings(call.subject.id, changes)
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{provider}/{organization}/{project}/settings",
        id="getProjectSettings",
        summary="🧪 Get project settings",
        tag="Project",
        need=Need.READ,
        subject=PROJECT,
        handler=show,
        answer=SettingsShown,
    ),
    Operation(
        method="PATCH",
        path="/project/{provider}/{organization}/{project}/settings",
        id="patchProjectSettings",
        summary="🧪 Update project settings",
        tag="Project",
        need=Need.WRITE,
        subject=PROJECT,
        handler=change,
        body=SettingsChange,
        answer=SettingsShown,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/settings",
        id="getOwnProjectSettings",
        summary="What Roundel adds to a project's settings",
        tag="Roundel",
        need=Need.READ,
        subject=PROJECT,
        handler=show_own,
        prefix=OWN,
        answer=ProjectOwn,
        extension=True,
    ),
    Operation(
        method="PATCH",
        path="/project/{project-slug}/settings",
        id="patchOwnProjectSettings",
        summary="Change what Roundel adds to a project's settings",
        tag="Roundel",
        need=Need.WRITE,
        subject=PROJECT,
        handler=change_own,
        prefix=OWN,
        body=ProjectOwnChange,
        answer=ProjectOwn,
        extension=True,
    ),
    Operation(
        method="GET",
        path="/organization/{vcs}/{organization}/settings",
        id="getOrganizationSettings",
        summary="What holds for all projects of an organization",
        tag="Roundel",
        need=Need.READ,
        subject=ORGANIZATION,
        handler=show_common,
        prefix=OWN,
        answer=Own,
        extension=True,
    ),
    Operation(
        method="PATCH",
        path="/organization/{vcs}/{organization}/settings",
        id="patchOrganizationSettings",
        summary="Change what holds for all projects of an organization",
        tag="Roundel",
        need=Need.ADMINISTER,
        subject=ORGANIZATION,
        handler=change_common,
        prefix=OWN,
        body=OwnChange,
        answer=Own,
        extension=True,
    ),
]
