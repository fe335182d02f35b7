"""Guards over the whole table of operations."""

import re
from typing import get_args, get_origin

import pytest

from roundel.api.app import create_api
from roundel.api.operations import AnyOperation, Operation
from roundel.api.routing import SLUG, SLUG_IN_PARTS
from roundel.api.table import operations
from roundel.api.written import Written
from roundel.domain.access import Need
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.api.world import World

TABLE = operations()


def called(operation: AnyOperation) -> str:
    return f"{operation.method} {operation.prefix}{operation.path}"


def test_an_operation_without_a_need_cannot_be_registered():
    with pytest.raises(TypeError):
        Operation(  # type: ignore[call-arg]
            method="GET", path="/x", id="x", summary="x", tag="x", handler=print
        )
    with pytest.raises(TypeError, match="does not say what it needs"):
        Operation(
            method="GET",
            path="/x",
            id="x",
            summary="x",
            tag="x",
            handler=print,  # type: ignore[arg-type]
            need=None,  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("need", [Need.READ, Need.WRITE, Need.ADMINISTER])
def test_a_need_on_an_organization_must_say_how_that_is_found(need: Need):
    with pytest.raises(TypeError, match="do not fit"):
        Operation(
            method="GET",
            path="/x",
            id="x",
            summary="x",
            tag="x",
            handler=print,  # type: ignore[arg-type]
            need=need,
        )


@pytest.mark.parametrize("operation", TABLE, ids=called)
def test_every_operation_has_a_schema_or_answers_text(operation: AnyOperation):
    answers_text = {"Response", "StreamingResponse"}
    returned = operation.handler.__annotations__["return"]
    if getattr(returned, "__name__", "") in answers_text:
        assert operation.answer is None
    else:
        if get_origin(returned) is Written:
            [returned] = get_args(returned)
        assert operation.answer == returned or operation.hidden


def test_every_operation_of_an_organization_needs_a_right_there():
    named = re.compile(r"\{(project-slug|pipeline-id|job-id|id|execution-id)\}")
    own = {"getUser", "readSignedOutput", "readArtifact"}
    for operation in TABLE:
        if named.search(operation.path) and operation.id not in own:
            assert operation.need in {Need.READ, Need.WRITE, Need.ADMINISTER}, called(operation)


def test_what_changes_things_needs_more_than_reading():
    # continuePipeline has its right in the body: the key that its setup job was given
    free = {
        *(
            "addProject",
            "createToken",
            "revokeToken",
            "revokeTokens",
            "compileConfig",
            "compileConfigV3",
        ),
        "continuePipeline",
        "createContext",  # whose right is in the organization that its body names
        "createOrganization",  # which is the caller's own from then on
        *("rotateMasterKey", "rotateSigningKey"),
    }
    free |= {"createResourceClass", "deleteResourceClass", "forceDeleteResourceClass"}
    free |= {"createRunnerToken", "deleteRunnerToken"}  # the class says whose right counts
    free |= {"receiveGitMessage"}  # whose right is its signature
    free |= {"callWebhook"}  # whose right is the secret in its address
    free |= {"createWebhook", "createOtelExporter"}  # whose project or organization the body names
    for operation in TABLE:
        if operation.method != "GET" and operation.id not in free:
            assert operation.need in {Need.WRITE, Need.ADMINISTER}, called(operation)


def test_ids_are_unique():
    ids = [operation.id for operation in TABLE]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("operation", TABLE, ids=called)
async def test_nobody_gets_in_where_a_need_is_stated(operation: AnyOperation):
    world = World()
    path = operation.path.replace(SLUG_IN_PARTS, SLUG)
    path = re.sub(r"\{[^}]+\}", "018e2d5f-0000-7000-8000-00000000ffff", path)
    answer = await Client(create_api(world, world, SETTINGS)).send(
        operation.method, operation.prefix + path, b"{}"
    )
    if operation.need is Need.NOTHING:
        assert answer.status != 401
    else:
        assert answer.status == 401
        assert answer.json() == {operation.error_key: "You must log in first."}
