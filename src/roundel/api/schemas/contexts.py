"""Contexts and variables on the wire."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, millis
from roundel.domain.contexts import (
    Context,
    MaskedVariable,
    Restriction,
    RestrictionType,
    VariableView,
)


class ContextShown(msgspec.Struct):
    id: Uuid
    name: str
    created_at: Time


class OwnerBody(msgspec.Struct):
    """An organisation by its id or its slug."""

    id: str | None = None
    slug: str | None = None
    type: Literal["account", "organization"] = "organization"


class CreateContext(msgspec.Struct):
    name: str
    owner: OwnerBody


class VariableShown(msgspec.Struct):
    variable: str
    created_at: Time
    updated_at: Time
    context_id: Uuid


class PutVariable(msgspec.Struct):
    value: str


class RestrictionShown(msgspec.Struct):
    context_id: Uuid
    id: Uuid
    restriction_type: str
    restriction_value: str
    name: str | UnsetType = UNSET
    project_id: Uuid | UnsetType = UNSET


class RestrictionMade(msgspec.Struct):
    id: Uuid
    restriction_type: str
    restriction_value: str
    name: str | UnsetType = UNSET
    project_id: Uuid | UnsetType = UNSET


class CreateRestriction(msgspec.Struct):
    project_id: str | None = None
    restriction_type: str | None = None
    restriction_value: str | None = None


class ProjectVariable(msgspec.Struct, rename={"created": "created-at"}):
    """The time in both spellings: clients read either."""

    name: str
    value: str
    created: Time
    created_at: Time


class CreateProjectVariable(msgspec.Struct):
    name: str
    value: str


class PlainVariable(msgspec.Struct):
    """A project's variable in v1.1."""

    name: str
    value: str


def context_shown(context: Context) -> ContextShown:
    return ContextShown(context.id, context.name, millis(context.created_at))


def variable_shown(context: Context, variable: VariableView) -> VariableShown:
    return VariableShown(
        variable.name, millis(variable.created_at), millis(variable.updated_at), context.id
    )


def restriction_shown(restriction: Restriction) -> RestrictionShown:
    return RestrictionShown(context_id=restriction.context_id, **_common(restriction))


def restriction_made(restriction: Restriction) -> RestrictionMade:
    return RestrictionMade(**_common(restriction))


def _common(restriction: Restriction) -> dict[str, Any]:
    of_project = restriction.type is RestrictionType.PROJECT
    return {
        "id": restriction.id,
        "restriction_type": restriction.type.value,
        "restriction_value": restriction.value,
        "name": UNSET if restriction.name is None else restriction.name,
        "project_id": restriction.value if of_project else UNSET,
    }


def project_variable(variable: MaskedVariable) -> ProjectVariable:
    at = millis(variable.created_at)
    return ProjectVariable(variable.name, variable.value, at, at)
