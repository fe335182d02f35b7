"""A project's settings in the words of v1.1: flags by their names with dashes."""

import msgspec

from roundel.api.errors import mistyped
from roundel.api.operations import V1, AnyOperation, Call, Operation
from roundel.api.schemas.people import Followed, followed
from roundel.api.schemas.settings import AdvancedChange, SettingsChange, changes_of, settings_shown
from roundel.api.subjects import PROJECT
from roundel.domain.access import Need
from roundel.domain.projects import Project
from roundel.domain.settings import ProjectSettings

Flag = bool | list[str] | None


class ProjectV1(Followed):
    feature_flags: dict[str, Flag]


class FlagsBody(msgspec.Struct):
    """Flags that are not named stay; those that only older versions knew are passed over."""

    feature_flags: dict[str, Flag] = {}


def _shown(project: Project, settings: ProjectSettings) -> ProjectV1:
    flags = msgspec.structs.asdict(settings_shown(settings).advanced)
    return ProjectV1(
        **msgspec.structs.asdict(followed(project)),
        feature_flags={name.replace("_", "-"): value for name, value in flags.items()},
    )


async def show(call: Call[Project, None]) -> ProjectV1:
    return _shown(call.subject, await call.app.reads.project_settings(call.subject.id))


async def change(call: Call[Project, FlagsBody]) -> ProjectV1:
    named = {name.replace("-", "_"): value for name, value in call.body.feature_flags.items()}
    try:
        advanced = msgspec.convert(named, AdvancedChange)
    except msgspec.ValidationError as error:
        raise mistyped(error) from error
    changes = changes_of(SettingsChange(advanced))
    settings = await call.door.use_cases.change_project_settings(call.subject, changes, call.actor)
    return _shown(call.subject, settings)


_PATH = "/project/{project-slug}/settings"

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path=_PATH,
        id="projectSettingsV1",
        summary="A project with its settings",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=show,
        prefix=V1,
        answer=ProjectV1,
    ),
    Operation(
        method="PUT",
        path=_PATH,
        id="changeProjectSettingsV1",
        summary="Change a project's settings",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=change,
        prefix=V1,
        body=FlagsBody,
        answer=ProjectV1,
    ),
]
