"""Who may have a context: projects, groups and expressions, and whom they let pass."""

import pytest

from roundel.domain.access import Role
from roundel.domain.clock import Micros
from roundel.domain.contexts import (
    ContextId,
    Participant,
    Restriction,
    RestrictionId,
    RestrictionType,
    Use,
    why_refused,
)
from roundel.domain.ids import OrganizationId, ProjectId

ADMIN = Participant(role=Role.ADMINISTRATOR)
MEMBER = Participant(role=Role.CONTRIBUTOR)
IN_TEAM = Participant(role=Role.CONTRIBUTOR, groups=frozenset({"team"}))
STRANGER = Participant(role=None)


def the(type_: str, value: str) -> Restriction:
    return Restriction(
        id=RestrictionId(value),
        context_id=ContextId("c"),
        type=RestrictionType(type_),
        value=value,
        created_at=Micros(0),
    )


def use(*people: Participant, project: str = "web") -> Use:
    return Use(organization_id=OrganizationId("acme"), project_id=ProjectId(project), people=people)


PROJECT, OTHER_PROJECT = the("project", "web"), the("project", "api")
TEAM, EVERYBODY = the("group", "team"), the("group", "acme")
TRUE, FALSE = the("expression", "yes"), the("expression", "no")


@pytest.mark.parametrize(
    ("restrictions", "asked", "allowed"),
    [
        ([], use(MEMBER), True),
        ([], use(), True),  # the server itself: a schedule
        ([], use(STRANGER), False),
        ([], use(MEMBER, STRANGER), False),  # a stranger approved
        ([PROJECT], use(MEMBER), True),
        ([OTHER_PROJECT], use(MEMBER), False),
        ([OTHER_PROJECT, PROJECT], use(MEMBER), True),
        ([OTHER_PROJECT], use(ADMIN), True),
        ([OTHER_PROJECT], use(ADMIN, MEMBER), False),
        ([OTHER_PROJECT], use(), False),
        ([TEAM], use(MEMBER), False),
        ([TEAM], use(IN_TEAM), True),
        ([TEAM], use(IN_TEAM, MEMBER), False),
        ([TEAM], use(ADMIN), True),
        ([TEAM], use(), False),
        ([TEAM, EVERYBODY], use(MEMBER), True),
        ([EVERYBODY], use(), True),
        ([TRUE], use(MEMBER), True),
        ([FALSE], use(MEMBER), False),
        ([FALSE], use(ADMIN), False),
        ([TRUE, FALSE], use(ADMIN), False),
        ([PROJECT, TEAM, TRUE], use(IN_TEAM), True),
        ([OTHER_PROJECT, TEAM, TRUE], use(IN_TEAM), False),
        ([PROJECT, TEAM, TRUE], use(MEMBER), False),
    ],
)
def test_every_kind_that_is_there_must_be_satisfied(
    restrictions: list[Restriction], asked: Use, allowed: bool
):
    why = why_refused(restrictions, asked, lambda text: text == "yes")
    assert (why is None) is allowed, why
