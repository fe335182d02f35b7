"""Organisations, groups and members on the wire."""

from typing import Literal

import msgspec

from roundel.api.schemas.common import Uuid
from roundel.domain.groups import Group, Member
from roundel.domain.projects import LONG_FORM, Organization

VcsType = Literal["github", "bitbucket", "circleci"]


class OrganizationShown(msgspec.Struct):
    id: Uuid
    name: str
    slug: str
    vcs_type: str


class CreateOrganization(msgspec.Struct):
    name: str
    vcs_type: VcsType


class CreateProject(msgspec.Struct):
    name: str


class GroupShown(msgspec.Struct):
    id: Uuid
    name: str
    description: str


class CreateGroup(msgspec.Struct):
    name: str
    description: str = ""


class MemberShown(msgspec.Struct):
    id: Uuid
    login: str
    name: str
    role: str


class RoleBody(msgspec.Struct):
    role: Literal["viewer", "contributor", "administrator"]


def organization_shown(organization: Organization) -> OrganizationShown:
    return OrganizationShown(
        organization.id, organization.name, organization.slug, LONG_FORM[organization.vcs]
    )


def group_shown(group: Group) -> GroupShown:
    return GroupShown(group.id, group.name, group.description)


def member_shown(member: Member) -> MemberShown:
    person = member.person
    return MemberShown(person.id, person.login, person.name, member.role.value)
