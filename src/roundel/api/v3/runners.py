"""`/api/v3/runner`: the management of runners, as CircleCI's command lines use it."""

from roundel.api.operations import AnyOperation, Call, Operation, Query
from roundel.api.runner.ports import Which
from roundel.api.schemas.common import Message
from roundel.api.schemas.runners import (
    AddResourceClass,
    AddRunnerToken,
    Classes,
    ClassShown,
    NewRunnerToken,
    Runners,
    RunnerTokens,
    RunningTasks,
    UnclaimedTasks,
    class_shown,
    new_token_shown,
    runner_shown,
    token_shown,
)
from roundel.domain.access import Actor, Need
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import OrganizationId, TokenId, is_uuid
from roundel.domain.resource_classes import ResourceClassId

V3 = "/api/v3"
TAG = "Runner"
DENIED = "Permission denied."

_CLASS = Query(name="resource-class", summary="A class, namespace/name.")
_NAMESPACE = Query(name="namespace", summary="All classes of a namespace.")
_ORGANIZATION = Query(name="org-id", summary="All classes of an organization.")


async def list_runners(call: Call[None, None]) -> Runners:
    found = await call.door.use_cases.seen_runners(_which(call), call.actor)
    return Runners(items=[runner_shown(it) for it in found])


async def count_unclaimed(call: Call[None, None]) -> UnclaimedTasks:
    waiting, _ = await call.door.use_cases.runner_tasks(_class_asked(call), call.actor)
    return UnclaimedTasks(unclaimed_task_count=waiting)


async def count_running(call: Call[None, None]) -> RunningTasks:
    _, running = await call.door.use_cases.runner_tasks(_class_asked(call), call.actor)
    return RunningTasks(running_runner_tasks=running)


async def list_classes(call: Call[None, None]) -> Classes:
    found = await call.door.use_cases.resource_classes(_which(call), call.actor)
    return Classes(items=[class_shown(it) for it in found])


async def add_class(call: Call[None, AddResourceClass]) -> ClassShown:
    _only_whole_tokens(call.actor)
    body = call.body
    made = await call.door.use_cases.add_resource_class(
        body.resource_class, body.description, call.actor
    )
    call.tell(made.organization_id, made.id)
    return class_shown(made)


async def remove_class(call: Call[None, None]) -> Message:
    return await _remove_class(call, force=False)


async def remove_class_with_tokens(call: Call[None, None]) -> Message:
    return await _remove_class(call, force=True)


async def _remove_class(call: Call[None, None], *, force: bool) -> Message:
    _only_whole_tokens(call.actor)
    text = call.path["class-id"]
    if not is_uuid(text):
        raise NotFound("Resource class not found")
    class_id = ResourceClassId(text.lower())
    gone = await call.door.use_cases.remove_resource_class(class_id, call.actor, force=force)
    call.tell(gone.organization_id)
    return Message("Resource class deleted.")


async def list_tokens(call: Call[None, None]) -> RunnerTokens:
    found = await call.door.use_cases.runner_tokens(_which(call), call.actor)
    return RunnerTokens(items=[token_shown(it) for it in found])


async def add_token(call: Call[None, AddRunnerToken]) -> NewRunnerToken:
    _only_whole_tokens(call.actor)
    token, text = await call.door.use_cases.add_runner_token(
        call.body.resource_class, call.body.nickname, call.actor
    )
    call.tell(token.resource_class.organization_id, token.id)
    return new_token_shown(token, text)


async def remove_token(call: Call[None, None]) -> Message:
    _only_whole_tokens(call.actor)
    text = call.path["token-id"]
    if not is_uuid(text):
        raise NotFound("Token not found")
    gone = await call.door.use_cases.remove_runner_token(TokenId(text.lower()), call.actor)
    call.tell(gone.resource_class.organization_id)
    return Message("Token deleted.")


def _which(call: Call[None, None]) -> Which:
    query = call.query
    which = Which(
        name=query.get("resource-class") or None,
        namespace=query.get("namespace") or None,
        organization_id=OrganizationId(query["org-id"]) if query.get("org-id") else None,
    )
    if which == Which():
        raise Invalid("Say which: resource-class, namespace or org-id")
    return which


def _class_asked(call: Call[None, None]) -> str:
    name = call.query.get("resource-class", "")
    if not name:
        raise Invalid("resource-class: expected namespace/name")
    return name


def _only_whole_tokens(actor: Actor) -> None:
    """Refuse tokens with scopes: they could make themselves one that takes jobs."""
    if actor.scopes is not None:
        raise NotAllowed(DENIED)


def _operation(method: str, path: str, id_: str, summary: str, **more: object) -> AnyOperation:
    return Operation(
        method=method,
        path=f"/runner{path}",
        id=id_,
        summary=summary,
        tag=TAG,
        need=Need.SIGNED_IN,  # the classes that it names say whose right counts
        prefix=V3,
        **more,  # type: ignore[arg-type]
    )


_WHICH = (_CLASS, _NAMESPACE, _ORGANIZATION)

OPERATIONS: list[AnyOperation] = [
    _operation(
        *("GET", "", "listRunners", "List runners"),
        handler=list_runners,
        answer=Runners,
        query=_WHICH,
    ),
    _operation(
        *("GET", "/tasks", "countUnclaimedTasks", "Count the jobs that wait for a runner"),
        handler=count_unclaimed,
        answer=UnclaimedTasks,
        query=(_CLASS,),
    ),
    _operation(
        *("GET", "/tasks/running", "countRunningTasks", "Count the jobs that run on runners"),
        handler=count_running,
        answer=RunningTasks,
        query=(_CLASS,),
    ),
    _operation(
        *("GET", "/resource", "listResourceClasses", "List resource classes"),
        handler=list_classes,
        answer=Classes,
        query=_WHICH,
    ),
    _operation(
        *("POST", "/resource", "createResourceClass", "Make a resource class"),
        handler=add_class,
        body=AddResourceClass,
        answer=ClassShown,
    ),
    _operation(
        *("DELETE", "/resource/{class-id}", "deleteResourceClass", "Remove a resource class"),
        handler=remove_class,
        answer=Message,
    ),
    _operation(
        *("DELETE", "/resource/{class-id}/force", "forceDeleteResourceClass"),
        "Remove a resource class with its tokens",
        handler=remove_class_with_tokens,
        answer=Message,
    ),
    _operation(
        *("GET", "/token", "listRunnerTokens", "List the tokens of a resource class"),
        handler=list_tokens,
        answer=RunnerTokens,
        query=_WHICH,
    ),
    _operation(
        *("POST", "/token", "createRunnerToken", "Make a token for runners of a class"),
        handler=add_token,
        body=AddRunnerToken,
        answer=NewRunnerToken,
    ),
    _operation(
        *("DELETE", "/token/{token-id}", "deleteRunnerToken", "Remove a runner's token"),
        handler=remove_token,
        answer=Message,
    ),
]
